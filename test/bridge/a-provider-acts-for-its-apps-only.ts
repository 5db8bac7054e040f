// Can a provider of one app issue, revoke or send for another one?
import { t } from '../support/tap.ts'
import { issueToken, request, send } from '../support/api.ts'
import { serve } from './support/serve.ts'

await t.test('a provider for two apps', async (t) => {
  const key = 'key-of-a-scoped-provider-0123'
  const api = await serve(t, { providers: [{ name: 'shop', key, apps: ['shop', 'till'] }] })
  const scoped = { ...api, providerKey: key }
  const mine = await issueToken(scoped, { app: 'shop', device: 'a' })
  const till = await issueToken(scoped, { app: 'till', device: 'a' })
  const foreign = await issueToken(api, { app: 'chat', device: 'a' })
  const forbidden = { status: 403, body: { code: 'APP_FORBIDDEN' } }

  t.match(await request(scoped, 'POST', '/v1/tokens', { body: { app: 'chat', device: 'a' } }), forbidden)
  t.match(await request(scoped, 'DELETE', `/v1/tokens/${foreign.tokenId}`), forbidden)
  const broadcast = { to: { app: 'chat', versions: '*' }, payload: 'x' }
  t.match(await request(scoped, 'POST', '/v1/messages', { body: broadcast }), forbidden)
  const named = { to: { app: 'chat', token: mine.tokenId }, payload: 'x' }
  t.match(await request(scoped, 'POST', '/v1/messages', { body: named }), forbidden)

  const tokens = [mine.token, till.tokenId, foreign.token, foreign.tokenId, 'AAAAAAAAAAAAAAAAAAAAAA']
  t.match(await send(scoped, { tokens }, 'x'), {
    accepted: 2,
    rejected: [
      { token: foreign.token, code: 'APP_FORBIDDEN' },
      { token: foreign.tokenId, code: 'APP_FORBIDDEN' },
      { token: 'AAAAAAAAAAAAAAAAAAAAAA', code: 'TOKEN_UNKNOWN' },
    ],
  })
  t.match(await send(api, { tokens }, 'x'), { accepted: 3 }, 'the provider of every app may')
  t.equal((await request(scoped, 'DELETE', `/v1/tokens/${mine.tokenId}`)).status, 204)
})
