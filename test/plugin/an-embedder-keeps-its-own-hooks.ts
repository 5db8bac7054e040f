// Do clients of an attached broker get the embedder's authentication, rules, persistence and mq, as in Aedes alone?
import { createRequire } from 'node:module'
import type { AedesOptions } from 'aedes'
import { t } from '../support/tap.ts'
import {
  connect,
  connectDevice,
  connectProvider,
  issueToken,
  mosquittoPub,
  mosquittoSub,
  send,
} from '../support/index.ts'
import { attach, JOE } from './support/embed.ts'

// Aedes' own, as Aedes loads them: their types say nothing of it.
const requireOf = createRequire(import.meta.resolve('aedes'))
const persistence: () => object = requireOf('aedes-persistence')
const mqemitter: () => object = requireOf('mqemitter')

const calls: string[] = []
const called = (what: string) => calls.filter((each) => each === what).length

/** The same object, which notes what is called on it. */
function noting<T extends object>(name: string, target: T): T {
  return new Proxy(target, {
    get(from, property) {
      const member: unknown = Reflect.get(from, property, from)
      // Aedes looks whether `setup` is an async function.
      if (property === 'setup') return (member as () => unknown).bind(from)
      if (typeof member !== 'function' || typeof property !== 'string') return member
      return (...args: unknown[]) => {
        calls.push(`${name}.${property}`)
        return (member as (...args: unknown[]) => unknown).apply(from, args)
      }
    },
  })
}

const own: AedesOptions = {
  id: 'the-embedders-id',
  persistence: noting('persistence', persistence()),
  mq: noting('mq', mqemitter()),
  preConnect(client, _packet, done) {
    calls.push('preConnect')
    done(null, client.conn !== undefined)
  },
  authenticate(_client, username, password, done) {
    calls.push('authenticate')
    if (username === 'banned') done(Object.assign(new Error('banned'), { returnCode: 5 }), false)
    else done(null, username === JOE.username && String(password) === JOE.password)
  },
  authorizePublish(_client, packet, done) {
    calls.push('authorizePublish')
    if (packet.topic.startsWith('forbidden/')) return done(new Error('forbidden here'))
    if (packet.topic === 'rewritten/from') packet.payload = Buffer.from('rewritten')
    done(null)
  },
  authorizeSubscribe(_client, subscription, done) {
    calls.push('authorizeSubscribe')
    done(null, subscription.topic.startsWith('secret/') ? null : subscription)
  },
  authorizeForward(_client, packet) {
    calls.push('authorizeForward')
    return packet.topic.endsWith('/hidden') ? null : packet
  },
  published(_packet, _client, done) {
    calls.push('published')
    done(null)
  },
}
const embedded = await attach(t, own)
const joe = (how = {}) => connect(t, embedded, JOE, how)

await t.test('authenticate', async (t) => {
  const before = called('authenticate')
  const user = await joe()
  t.equal(called('authenticate'), before + 1)
  t.ok(called('preConnect') > 0)
  await t.rejects(connect(t, embedded, { username: 'joe', password: 'wrong' }, { protocolVersion: 4 }), { code: 5 })
  await t.rejects(connect(t, embedded, { username: 'banned', password: 'x' }, { protocolVersion: 4 }), { code: 5 })
  await t.rejects(connect(t, embedded, {}, { protocolVersion: 5 }), { code: 0x87 })
  // Whoever says `provider` without a provider key may be a user of the embedder's too.
  await t.rejects(connect(t, embedded, { username: 'provider', password: 'wrong' }, { protocolVersion: 4 }), {
    code: 5,
  })
  // What looks like a token and is none of ours is for the embedder to judge.
  const seen = called('authenticate')
  await t.rejects(connect(t, embedded, { username: 'x', password: 'eyJhbGciOiJIUzI1NiJ9.e30.AAAA' }))
  t.equal(called('authenticate'), seen + 1)
  await user.end()
})

await t.test('devices and providers are not asked of it', async (t) => {
  const issued = await issueToken(embedded, { app: 'chat', device: 'phone-1' })
  const before = [...calls]
  const device = await connectDevice(t, embedded, issued, { subscribe: true })
  await send(embedded, { token: issued.tokenId }, 'hello')
  t.equal((await device.next()).text, 'hello')
  const provider = await connectProvider(t, embedded)
  await provider.publish(issued.topics.private, 'over MQTT')
  t.equal((await device.next()).text, 'over MQTT')
  const since = calls.slice(before.length)
  for (const hook of ['authenticate', 'authorizePublish', 'authorizeSubscribe', 'authorizeForward']) {
    t.notOk(since.includes(hook), `${hook} was not called`)
  }
  await device.end()
  await provider.end()
})

await t.test('authorizeSubscribe, authorizePublish, authorizeForward, published', async (t) => {
  const reader = await joe()
  t.same(await reader.subscribe(['home/#', 'secret/x', 'rewritten/+', 'forbidden/#']), [1, 0x87, 1, 1])
  t.ok(called('authorizeSubscribe') >= 4)
  const writer = await joe()
  await writer.publish('home/hidden', 'nobody sees it')
  await t.rejects(writer.publish('forbidden/x', 'evil'), /Not authorized/)
  for (const qos of [0, 1, 2] as const) await writer.publish('home/lamp', `on ${qos}`, { qos })
  await writer.publish('rewritten/from', 'original')
  t.same((await reader.nextN(4)).map(({ text }) => text).sort(), ['on 0', 'on 1', 'on 2', 'rewritten'])
  for (const hook of ['authorizePublish', 'authorizeForward', 'published']) t.ok(called(hook) > 0, `${hook} was called`)

  const old = await connect(t, embedded, JOE, { protocolVersion: 4 })
  old.client.publish('forbidden/x', 'evil', { qos: 1 })
  await old.closed
  await writer.publish('home/lamp', 'off')
  t.equal((await reader.next()).text, 'off', 'nothing of what was forbidden came before')
})

await t.test('persistence: retained messages, sessions and wills', async (t) => {
  const writer = await joe()
  await writer.publish('home/state', 'kept', { retain: true })
  const kept = await joe({ clientId: 'joes-phone', clean: false, properties: { sessionExpiryInterval: 3600 } })
  t.same(await kept.subscribe('home/+'), [1])
  t.match(await kept.next(), { text: 'kept', retain: true })
  await kept.reset()
  await writer.publish('home/lamp', 'while away')
  const back = await joe({ clientId: 'joes-phone', clean: false, properties: { sessionExpiryInterval: 3600 } })
  t.equal(back.connack.sessionPresent, true)
  t.equal((await back.next()).text, 'while away')
  const mortal = await joe({
    will: { topic: 'home/will', payload: Buffer.from('gone'), qos: 1 as const, retain: false },
  })
  await mortal.reset()
  t.equal((await back.next()).text, 'gone')
  for (const what of [
    'storeRetained',
    'createRetainedStreamCombi',
    'addSubscriptions',
    'outgoingEnqueueCombi',
    'putWill',
  ]) {
    t.ok(called(`persistence.${what}`) > 0, `persistence.${what} was called`)
  }
  for (const what of ['on', 'emit']) t.ok(called(`mq.${what}`) > 0, `mq.${what} was called`)
})

await t.test("Mosquitto's clients, and the broker's own API", async (t) => {
  const sub = await mosquittoSub(t, embedded, '-u', JOE.username, '-P', JOE.password, '-t', 'home/#', '-q', '1', '-R')
  await mosquittoPub(t, embedded, '-u', JOE.username, '-P', JOE.password, '-t', 'home/lamp', '-m', 'blue', '-q', '1')
  t.match(await sub.next(), { topic: 'home/lamp', payload: 'blue' })
  const packet = { cmd: 'publish', topic: 'home/lamp', payload: 'red', qos: 1, dup: false, retain: false } as const
  await new Promise<void>((resolve, reject) => {
    embedded.broker.publish(packet, (error) => (error ? reject(error) : resolve()))
  })
  t.match(await sub.next(), { payload: 'red' })
  t.equal(embedded.broker.id, 'the-embedders-id')
  await sub.stop()
})

await t.test('a user and a device with one client id do not meet', async (t) => {
  const issued = await issueToken(embedded, { app: 'chat', device: 'phone-1' })
  const user = await joe({ clientId: 'shared' })
  await user.subscribe('home/lamp')
  const device = await connectDevice(t, embedded, issued, { subscribe: true, clientId: 'shared' })
  const provider = await connectProvider(t, embedded, { clientId: 'shared' })
  await user.publish('home/lamp', 'still here')
  t.equal((await user.next()).text, 'still here')
  await provider.publish(issued.topics.private, 'for the device')
  t.equal((await device.next()).text, 'for the device')
})
