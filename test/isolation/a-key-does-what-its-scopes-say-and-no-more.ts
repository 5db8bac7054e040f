// Can a key of the store do anything, over HTTP or MQTT, that its scopes and apps do not name?
import { t } from '../support/tap.ts'
import {
  type ApiTarget,
  connect,
  connectRaw,
  issueToken,
  type Key,
  makeKey,
  request,
  startServer,
} from '../support/index.ts'
import { SCOPES, type Scope } from '../../topics/index.ts'
import { ANN, getsItsOwn, gotNothing, join } from './support/people.ts'

const server = await startServer(t)
const ann = await join(t, server, ANN)
const { tokenId, topics } = ann.issued

/** Each call, and what it needs. */
const CALLS: [Scope, string, string, unknown?][] = [
  ['messages:send', 'POST', '/v1/messages', { to: { token: tokenId }, payload: 'evil' }],
  ['messages:send', 'POST', '/v1/messages', { to: { app: 'chat', versions: '*' }, payload: 'evil' }],
  ['tokens:issue', 'POST', '/v1/tokens', { app: 'chat', device: 'phone-9' }],
  ['tokens:revoke', 'DELETE', `/v1/tokens/${tokenId}`],
  ['tokens:read', 'GET', `/v1/tokens/${tokenId}`],
  ['messages:read', 'GET', `/v1/tokens/${tokenId}/messages`],
  ['keys:admin', 'GET', '/v1/keys'],
  ['keys:admin', 'POST', '/v1/keys', { name: 'evil', apps: ['chat'], scopes: ['messages:send'] }],
]
const withKey = ({ key }: Key): ApiTarget => ({ httpPort: server.httpPort, providerKey: key })
const mqtt = (t: Parameters<typeof connect>[0], { key }: Key, protocolVersion: 4 | 5 = 5) =>
  connect(t, server, { username: 'provider', password: key }, { protocolVersion })

await t.test('a key with all scopes but one', async (t) => {
  for (const scope of SCOPES) {
    const key = await makeKey(server, { scopes: SCOPES.filter((each) => each !== scope) })
    for (const [needed, method, path, body] of CALLS) {
      if (needed !== scope) continue
      const answer = await request(withKey(key), method, path, body === undefined ? {} : { body })
      t.match(answer, { status: 403, body: { code: 'SCOPE_MISSING', detail: scope } }, `${method} ${path}`)
    }
  }
  await gotNothing(t, server, ann)
  await getsItsOwn(t, server, ann)
})

await t.test('a key with one scope', async (t) => {
  const bystander = await issueToken(server, { app: 'chat', device: 'bystander' })
  for (const scope of SCOPES) {
    const key = await makeKey(server, { scopes: [scope] })
    for (const [needed, method, path, body] of CALLS) {
      if (method === 'DELETE' || needed !== scope) continue
      const answer = await request(withKey(key), method, path, body === undefined ? {} : { body })
      if (path === '/v1/keys' && method === 'POST') t.match(answer, { status: 403 }, 'it gives out what it has')
      else t.ok(answer.status < 300, `${scope}: ${method} ${path} ${answer.text}`)
    }
  }
  const revoking = await makeKey(server, { scopes: ['tokens:revoke'] })
  t.equal((await request(withKey(revoking), 'DELETE', `/v1/tokens/${bystander.tokenId}`)).status, 204)
})

await t.test('over MQTT', async (t) => {
  const [sends, reads, neither] = await Promise.all(
    ([['messages:send'], ['messages:read'], ['tokens:issue', 'keys:admin']] as const).map((scopes) =>
      makeKey(server, { apps: ['chat'], scopes }),
    ),
  )
  if (sends === undefined || reads === undefined || neither === undefined) throw new Error('three are made')
  for (const protocolVersion of [4, 5] as const) {
    await t.rejects(mqtt(t, neither, protocolVersion), { code: protocolVersion === 5 ? 0x87 : 5 })
    const no = protocolVersion === 5 ? 0x87 : 0x80
    const sender = await mqtt(t, sends, protocolVersion)
    t.same(await sender.subscribe(['chat/u/#', '$share/g/chat/u/#']), [no, no], 'who sends does not read')
    await sender.publish(topics.private, 'from the sender')
    t.equal((await ann.device.queue.nextWhere(({ text }) => text.startsWith('from'))).text, 'from the sender')
    await sender.end()

    const reader = await mqtt(t, reads, protocolVersion)
    t.same(await reader.subscribe(['chat/u/#', 'mail/u/#']), [1, no], 'and only its apps')
    await ann.device.publish(`chat/u/${tokenId}/x`, 'from Ann')
    t.equal((await reader.next()).text, 'from Ann')
    for (const qos of [0, 1, 2] as const) {
      const raw = await connectRaw(t, server.mqttPort, { protocolVersion })
      await raw.connect({ username: 'provider', password: Buffer.from(reads.key) })
      for (const topic of [topics.private, 'chat/1.0'])
        raw.send({ cmd: 'publish', topic, payload: 'evil', qos, messageId: 7, dup: false, retain: true })
      if (qos === 0) await raw.ping()
      else if (protocolVersion === 4) await raw.closed
      else t.match(await raw.next(), { reasonCode: 0x87 })
      if (qos === 0 || protocolVersion === 5) await raw.end()
    }
    const will = { topic: topics.private, payload: Buffer.from('evil'), qos: 1, retain: false } as const
    const refused = connect(t, server, { username: 'provider', password: reads.key }, { protocolVersion, will })
    await t.rejects(refused, { code: protocolVersion === 5 ? 0x87 : 5 }, 'nor by its will')
  }
  await gotNothing(t, server, ann)
  await getsItsOwn(t, server, ann)
})

await t.test('of another app', async (t) => {
  const key = await makeKey(server, { apps: ['mail'], scopes: SCOPES })
  const forbidden = { status: 403, body: { code: 'APP_FORBIDDEN' } }
  for (const [, method, path, body] of CALLS.slice(1)) {
    if (path === '/v1/keys' && method === 'GET') continue
    t.match(await request(withKey(key), method, path, body === undefined ? {} : { body }), forbidden, path)
  }
  t.match((await request(withKey(key), 'POST', '/v1/messages', { body: CALLS[0]?.[3] })).body, {
    accepted: 0,
    rejected: [{ code: 'APP_FORBIDDEN' }],
  })
  const provider = await mqtt(t, key)
  t.same(await provider.subscribe(['chat/u/#', '+/u/#', '#', '$share/g/chat/u/#']), [0x87, 0x87, 0x87, 0x87])
  for (const topic of [topics.private, 'chat/1.0', 'chat/*'])
    await t.rejects(provider.publish(topic, 'evil'), { code: 0x87 }, topic)
  await gotNothing(t, server, ann)
  await getsItsOwn(t, server, ann)
})

await t.test('a key is nobody but its provider', async (t) => {
  const { key } = await makeKey(server, { scopes: SCOPES })
  for (const username of ['device', 'shop', '', 'Provider'])
    await t.rejects(connect(t, server, { username, password: key }), { code: 0x86 }, username)
  for (const password of [`${key}x`, key.slice(0, -1), key.toLowerCase()])
    await t.rejects(connect(t, server, { username: 'provider', password }), { code: 0x86 })
})
