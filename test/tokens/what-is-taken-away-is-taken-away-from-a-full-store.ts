// Redis is out of memory, as one hostile provider can make it: can tokens and keys still be revoked, each in its way, on every node?
import { t } from '../support/tap.ts'
import {
  changeKey,
  connectDevice,
  deleteKey,
  eventually,
  makeKey,
  request,
  revoke,
  rotateKey,
  startRedis,
  startServer,
} from '../support/index.ts'
import { ask, enrol, honoured, issue, told } from './support/calls.ts'

await t.test('two nodes on a full Redis', async (t) => {
  const redis = await startRedis(t)
  const settings = { PUSH_PROVIDER_KEY: 'provider-key-of-both-nodes-0123456789', PUSH_REDIS_URL: redis.url }
  const one = await startServer(t, { settings })
  const other = await startServer(t, { settings })

  const of = (device: string, account: string) => issue(one, { app: 'chat', device, account })
  const [anns, bobs, carls, signed] = [
    await of('a', 'ann'),
    await of('b', 'bob'),
    await of('c', 'carl'),
    await of('d', 'd'),
  ]
  const connected = await connectDevice(t, other, bobs)
  const used = await enrol(one, { app: 'chat', account: 'eve' })
  const SCOPES = ['messages:send', 'tokens:read']
  const [removed, rotated, narrowed] = [
    await makeKey(one, { scopes: SCOPES }),
    await makeKey(one, { scopes: SCOPES }),
    await makeKey(one, { scopes: SCOPES }),
  ]
  const good = async (key: string) => told(await request(other, 'GET', '/v1/tokens?app=chat', { bearer: key }))
  for (const { key } of [removed, rotated, narrowed]) t.equal(await good(key), '200')

  await redis.cli('config', 'set', 'maxmemory', '1mb')
  const full = await request(one, 'POST', '/v1/messages', { body: { to: { token: anns.tokenId }, payload: 'x' } })
  t.equal(told(full), '503 STORE_UNAVAILABLE', 'it is full')
  t.equal(told(await request(one, 'POST', '/v1/enrolments', { body: { app: 'chat' } })), '503 STORE_UNAVAILABLE')
  t.equal(
    told(await request(one, 'POST', '/v1/keys', { body: { name: 'x', apps: '*', scopes: SCOPES } })),
    '503 STORE_UNAVAILABLE',
  )

  await revoke(one, anns.tokenId)
  t.equal(await honoured(other, anns.token), 'TOKEN_REVOKED')
  const account = await request(one, 'POST', '/v1/tokens/revoke', { body: { app: 'chat', account: 'bob' } })
  t.equal(told(account), '204', 'all of an account')
  await connected.closed
  t.equal(await honoured(one, bobs.token), 'TOKEN_REVOKED')
  t.equal(
    told(await request(other, 'DELETE', '/v1/tokens/current', { bearer: carls.token })),
    '204',
    'a device logs out',
  )
  t.equal(told(await request(one, 'DELETE', `/v1/enrolments/${used.id}`)), '204')
  t.equal(told(await ask(other, { app: 'chat' }, used.code)), '401 CODE_INVALID')

  await deleteKey(one, removed)
  await rotateKey(one, rotated, 0)
  await changeKey(one, narrowed, { scopes: ['messages:send'] })
  await eventually('a key that is removed', async () => (await good(removed.key)) === '401 CREDENTIALS_INVALID')
  await eventually('a key that is replaced', async () => (await good(rotated.key)) === '401 CREDENTIALS_INVALID')
  await eventually('a key that may do less', async () => (await good(narrowed.key)) === '403 SCOPE_MISSING')

  const call = (path: string, body: object = {}) => request(one, 'POST', `/v1/signing-keys${path}`, { body })
  const [{ kid }] = (await request(one, 'GET', '/v1/signing-keys')).body.keys
  t.equal(told(await call('/rotate', { now: true })), '201', 'a signing key that leaked')
  await eventually('its end', async () => (await call(`/${kid}/retire`)).status === 200)
  await eventually(
    'the refusal of what it signed',
    async () => (await honoured(other, signed.token)) === 'TOKEN_INVALID',
  )

  t.equal(told(await request(one, 'POST', '/v1/tokens/revoke', { body: { app: 'chat' } })), '204', 'all of an app')
})
