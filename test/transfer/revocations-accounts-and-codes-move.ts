// Does what was revoked at once stay refused after a move, is an account found there, and does an unused code get a token?
import { t } from '../support/tap.ts'
import { issueToken, request, startRedis, startServer, temporaryFolder } from '../support/index.ts'
import { move } from './support/move.ts'

const APP = 'chat'

await t.test('from the embedded store to Redis, and back', async (t) => {
  const dataDir = temporaryFolder(t, 'data')
  const redis = await startRedis(t)
  const first = await startServer(t, { dataDir })
  const names = (device: string, account: string) => ({ app: APP, device, account })
  const revoked = await issueToken(first, names('phone', 'ann'))
  t.equal((await request(first, 'POST', '/v1/tokens/revoke', { body: { app: APP, account: 'ann' } })).status, 204)
  const ann = await issueToken(first, names('tablet', 'ann'))
  const bert = await issueToken(first, { ...names('phone 2', 'bert'), tags: ['beta'], version: '2.0' })
  const codes = await Promise.all(
    ['cleo', 'dora'].map(async (account) => {
      const made = await request(first, 'POST', '/v1/enrolments', { body: { app: APP, account } })
      return made.body.code as string
    }),
  )
  await first.stop()

  const settings = { PUSH_REDIS_URL: redis.url }
  const back = temporaryFolder(t, 'back')
  await move(t, { PUSH_DATA_DIR: dataDir }, settings)
  const second = await startServer(t, { settings })
  const checked = async (server: typeof second, code: string | undefined) => {
    const statusOf = async (bearer: string) => (await request(server, 'GET', '/v1/messages', { bearer })).status
    t.same(await Promise.all([revoked, ann, bert].map(({ token }) => statusOf(token))), [403, 200, 200])
    const to = { app: APP, account: 'ann' }
    const sent = (await request(server, 'POST', '/v1/messages', { body: { to, payload: 'x' } })).body
    t.match(sent, { accepted: 1 })
    t.same(sent.rejected, [])
    const listed = (await request(server, 'GET', `/v1/tokens?app=${APP}&account=bert`)).body.tokens
    t.match(listed, [{ tokenId: bert.tokenId, version: '2.0', tags: ['beta'] }])
    const taken = await request(server, 'POST', '/v1/tokens', {
      bearer: code ?? '',
      body: { app: APP, device: `of ${code}` },
    })
    t.equal(taken.status, 201)
  }
  await checked(second, codes[0])
  await second.stop()
  await move(t, settings, { PUSH_DATA_DIR: back })
  const third = await startServer(t, { dataDir: back })
  await checked(third, codes[1])
  await third.stop()
})
