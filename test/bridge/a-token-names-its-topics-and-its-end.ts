// What does a provider get for the names of a device, and what is refused?
import { t } from '../support/tap.ts'
import { request } from '../support/api.ts'
import { serve } from './support/serve.ts'

const NOW = Date.UTC(2030, 0, 1)

await t.test('the token, its id, its end and its topics', async (t) => {
  const api = await serve(t, { now: () => NOW })
  const issue = (body: unknown) => request(api, 'POST', '/v1/tokens', { body })

  const full = await issue({ app: 'chat', device: 'phone', account: 'ann', version: '2.1+b7', ttl: 60 })
  t.equal(full.status, 201)
  t.equal(full.body.expiresAt, '2030-01-01T00:01:00.000Z')
  t.equal(full.body.tokenId, api.auth.tokenIdOf({ app: 'chat', device: 'phone', account: 'ann' }))
  t.same(full.body.topics, { private: `chat/t/${full.body.tokenId}`, broadcast: 'chat/2.1%2Bb7' })
  t.match(api.auth.verify(full.body.token), { app: 'chat', device: 'phone', account: 'ann', version: '2.1+b7' })

  const bare = await issue({ app: 'chat', device: 'phone' })
  t.equal(bare.body.topics.broadcast, null, 'no version, no broadcast topic')
  t.equal(bare.body.expiresAt, '2030-04-01T00:00:00.000Z', '90 days')
  t.not(bare.body.tokenId, full.body.tokenId, 'not logged in is somebody else than ann')
  t.equal((await issue({ app: 'chat', device: 'phone', account: '' })).body.tokenId, bare.body.tokenId)

  const refused: [unknown, number, string][] = [
    [{ app: 'ch/at', device: 'phone' }, 400, 'NAME_INVALID'],
    [{ app: 'ch%41', device: 'phone' }, 400, 'NAME_INVALID'],
    [{ app: 'chat', device: '' }, 400, 'NAME_INVALID'],
    [{ app: 'chat', device: 'phone', account: '$SYS' }, 400, 'NAME_INVALID'],
    [{ app: 'chat', device: 'x'.repeat(129) }, 400, 'NAME_INVALID'],
    [{ app: 'chat', device: 'phone', version: '' }, 400, 'VERSION_INVALID'],
    [{ app: 'chat', device: 'phone', ttl: 0 }, 400, 'TTL_INVALID'],
    [{ app: 'chat', device: 'phone', ttl: 1.5 }, 400, 'TTL_INVALID'],
    [{ app: 'chat', device: 'phone', ttl: '60' }, 400, 'TTL_INVALID'],
    [{ app: 'chat', device: 'phone', ttl: 400 * 86_400 + 1 }, 400, 'TTL_INVALID'],
    [{ device: 'a' }, 400, 'REQUEST_INVALID'],
    [{ app: 7, device: 'phone' }, 400, 'REQUEST_INVALID'],
    [{ app: 'chat', device: 'phone', account: null }, 400, 'REQUEST_INVALID'],
    [{ app: 'chat', device: 'phone', role: 'admin' }, 400, 'REQUEST_INVALID'],
  ]
  for (const [body, status, code] of refused) {
    const answer = await issue(body)
    t.match(answer, { status, body: { code } }, JSON.stringify(body).slice(0, 80))
  }
  t.match((await issue({ app: 'chat', device: 'phone', role: 'admin' })).body.detail, /unknown field role$/)
})
