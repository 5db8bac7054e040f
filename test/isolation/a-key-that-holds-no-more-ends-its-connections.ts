// When a key is removed, ends, is replaced or may do less, are its live connections closed, and is nothing done by them?
import { t } from '../support/tap.ts'
import {
  changeKey,
  connect,
  connectDevice,
  connectProvider,
  connectRaw,
  deleteKey,
  type Device,
  eventually,
  issueToken,
  type Key,
  makeKey,
  metric,
  type RawClient,
  rotateKey,
  type Scope,
  send,
} from '../support/index.ts'
import { embed, usersWithJoe, type Embedded } from '../plugin/support/embed.ts'

const BOTH = ['messages:send', 'messages:read']
const KEPT = { clean: false, properties: { sessionExpiryInterval: 3600 } }

const byKey = (t: Scope, server: Embedded, { key }: Key, more = {}): Promise<Device> =>
  connect(t, server, { username: 'provider', password: key }, more)

async function victim(t: Scope, server: Embedded) {
  const issued = await issueToken(server, { app: 'chat', device: 'phone', account: 'ann' })
  const device = await connectDevice(t, server, issued, { subscribe: true })
  let marks = 0
  return {
    issued,
    device,
    topic: issued.topics.private,
    /** What came to it since it was asked last. */
    async got(): Promise<string[]> {
      const mark = `mark ${++marks}`
      await send(server, { token: issued.tokenId }, mark)
      const texts: string[] = []
      for (;;) {
        const { text } = await device.next()
        if (text === mark) return texts
        texts.push(text)
      }
    },
  }
}

const CHANGES: Record<string, (server: Embedded, key: Key) => Promise<unknown>> = {
  removed: deleteKey,
  replaced: (server, key) => rotateKey(server, key, 0),
  'for another app': (server, key) => changeKey(server, key, { apps: ['mail'] }),
  'for one app less': (server, key) => changeKey(server, key, { apps: ['chat'] }),
  'without sending': (server, key) => changeKey(server, key, { scopes: ['messages:read'] }),
  'without reading': (server, key) => changeKey(server, key, { scopes: ['messages:send'] }),
  "another provider's": (server, key) => changeKey(server, key, { name: 'mail' }),
}

await t.test('each change that takes something', async (t) => {
  const server = await embed(t)
  const ann = await victim(t, server)
  for (const [what, change] of Object.entries(CHANGES)) {
    const key = await makeKey(server, { apps: ['chat', 'till'], scopes: BOTH })
    const connections = await Promise.all(
      [3, 4, 5].map((protocolVersion) => byKey(t, server, key, { protocolVersion })),
    )
    const own = await byKey(t, server, await makeKey(server, { apps: ['chat'], scopes: BOTH }))
    const configured = await connectProvider(t, server)
    for (const each of [...connections, own, configured]) await each.subscribe('chat/u/#')
    await change(server, key)
    await Promise.all(connections.map(({ closed }) => closed))
    t.match(
      connections[2]?.disconnectPacket,
      { reasonCode: 0x87, properties: { reasonString: /^The provider key was deleted/ } },
      `${what}: the connection is told why`,
    )
    await ann.device.publish(`chat/u/${ann.issued.tokenId}/x`, what)
    for (const each of [own, configured]) t.equal((await each.next()).text, what, `${what}: other keys are untouched`)
    for (const each of connections) t.same(each.received, [], `${what}: it heard nothing more`)
    await Promise.all([own.end(), configured.end()])
  }
  t.same(await ann.got(), [])
})

await t.test('what gives more keeps the connection, and holds for it', async (t) => {
  const server = await embed(t)
  const key = await makeKey(server, { apps: ['chat'], scopes: ['messages:send'] })
  const provider = await byKey(t, server, key)
  t.same(await provider.subscribe('till/u/#'), [0x87])
  await changeKey(server, key, { apps: ['chat', 'till'], scopes: BOTH, expiresIn: 3_600 })
  await rotateKey(server, key, 3_600)
  t.same(await provider.subscribe('till/u/#'), [1])
  await provider.publish('till/1.0', 'to every till')
  t.ok(provider.client.connected)
})

await t.test('time ends it as well', async (t) => {
  let late = 0
  const server = await embed(t, { now: () => Date.now() + late })
  const rotated = await makeKey(server, { scopes: BOTH })
  const expiring = await makeKey(server, { scopes: BOTH, expiresIn: 600 })
  const [old, ends] = [await byKey(t, server, rotated), await byKey(t, server, expiring)]
  const next = await byKey(t, server, await rotateKey(server, rotated, 600))
  for (const each of [old, ends, next]) await each.publish('chat/1.0', 'before')
  late = 601_000
  await Promise.all([old.closed, ends.closed])
  for (const each of [old, ends]) t.match(each.disconnectPacket, { reasonCode: 0x87 })
  await next.publish('chat/1.0', 'after')
  for (const key of [rotated, expiring]) await t.rejects(byKey(t, server, key), { code: 0x86 })
})

/** Publishes in the same turn in which the key goes. */
async function flood(raw: RawClient, topic: string, qos: 0 | 1 | 2): Promise<void> {
  for (let messageId = 1; messageId <= 50; messageId++)
    raw.send({ cmd: 'publish', topic, payload: `evil ${qos}`, qos, messageId, dup: false, retain: false })
}

await t.test('what it sends after the answer is not taken', async (t) => {
  const server = await embed(t)
  const ann = await victim(t, server)
  for (const protocolVersion of [4, 5] as const)
    for (const qos of [0, 1, 2] as const) {
      const key = await makeKey(server, { scopes: BOTH })
      const raw = await connectRaw(t, server.mqttPort, { protocolVersion })
      await raw.connect({ username: 'provider', password: Buffer.from(key.key) })
      await deleteKey(server, key)
      await flood(raw, ann.topic, qos)
      await raw.closed
      t.same(await ann.got(), [], `version ${protocolVersion}, QoS ${qos}`)
    }
})

const will = (topic: string, willDelayInterval = 0, text = 'evil will') => ({
  will: {
    topic,
    payload: Buffer.from(text),
    qos: 1 as const,
    retain: false,
    ...(willDelayInterval === 0 ? {} : { properties: { willDelayInterval } }),
  },
})

await t.test('its will is not sent, at once or later', async (t) => {
  let late = 0
  const server = await embed(t, { now: () => Date.now() + late, limits: { sweepMs: 1_000 } })
  const ann = await victim(t, server)
  const key = await makeKey(server, { scopes: BOTH })
  const kept = await makeKey(server, { scopes: BOTH })
  const now = await byKey(t, server, key, will(ann.topic))
  const later = await byKey(t, server, key, { ...KEPT, clientId: 'later', ...will(ann.topic, 60) })
  const good = await byKey(t, server, kept, { ...KEPT, clientId: 'good', ...will(ann.topic, 60, 'good will') })
  await Promise.all([later.reset(), good.reset()])
  await deleteKey(server, key)
  await now.closed
  const refused = () => metric(server, 'push_rejected_total', 'code="KEY_REVOKED"')
  await eventually('the will that is refused', async () => (await refused()) === 1)
  late = 61_000
  // The sweep of the store tells of both when they are due.
  t.equal((await ann.device.next()).text, 'good will', 'that of a key that holds is')
  await eventually('the one that waited', async () => (await refused()) === 2)
  t.same(await ann.got(), [])
})

await t.test('a key that nobody knows is nothing for users', async (t) => {
  const asked: string[] = []
  const users = usersWithJoe({}, { authenticate: async ({ password }) => void asked.push(String(password)) })
  const server = await embed(t, { users })
  const key = await makeKey(server, { scopes: BOTH })
  await deleteKey(server, key)
  for (const username of ['provider', 'joe'])
    await t.rejects(connect(t, server, { username, password: key.key }), { code: 0x86 })
  t.same(asked, [])
})
