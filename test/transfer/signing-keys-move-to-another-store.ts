// Do tokens of a key that was rotated in hold after a move, and stay those of a retired one refused?
import { t } from '../support/tap.ts'
import { eventually, issueToken, request, startRedis, startServer, temporaryFolder } from '../support/index.ts'
import { linesOf, move } from './support/move.ts'

const NAMES = { app: 'chat', device: 'phone', account: 'ann' }
const kidOf = (token: string) =>
  (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string }).kid

await t.test('from the embedded store to Redis, and back', async (t) => {
  const dataDir = temporaryFolder(t, 'data')
  const redis = await startRedis(t)
  const first = await startServer(t, { dataDir })
  const leaked = await issueToken(first, NAMES)
  const { kid } = (await request(first, 'POST', '/v1/signing-keys/rotate', { body: { now: true } })).body
  t.equal((await request(first, 'POST', `/v1/signing-keys/${kidOf(leaked.token)}/retire`)).status, 200)
  const { token } = await issueToken(first, NAMES)
  t.equal(kidOf(token), kid)
  const ofProvider = { name: 'shop', apps: ['shop'], scopes: ['messages:send'] }
  const made = (await request(first, 'POST', '/v1/keys', { body: ofProvider })).body
  await first.stop()

  const settings = { PUSH_REDIS_URL: redis.url }
  const file = await move(t, { PUSH_DATA_DIR: dataDir }, settings)
  t.ok(linesOf(file).some((line) => line.includes('"type":"row"') && line.includes(kid)))
  const second = await startServer(t, { settings })
  const back = temporaryFolder(t, 'back')
  const checked = async (server: typeof second) => {
    t.equal((await request(server, 'GET', '/v1/messages', { bearer: token })).status, 200)
    t.equal((await request(server, 'GET', '/v1/messages', { bearer: leaked.token })).body.code, 'TOKEN_INVALID')
    t.equal(kidOf((await issueToken(server, NAMES)).token), kid, 'the same key signs')
    const { keys } = (await request(server, 'GET', '/v1/signing-keys')).body
    t.match(keys, [{ state: 'retired' }, { state: 'signing', kid }])
    const listed = (await request(server, 'GET', '/v1/keys')).body.keys
    t.match(listed, [{ id: made.id, name: 'shop' }], 'provider keys too')
  }
  await checked(second)
  await second.stop()
  await move(t, settings, { PUSH_DATA_DIR: back })
  const third = await startServer(t, { dataDir: back })
  await checked(third)
  await eventually('closed', async () => (await third.stop()) === 0)
})
