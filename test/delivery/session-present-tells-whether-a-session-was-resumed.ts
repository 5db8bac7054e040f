// Is Session Present 1 exactly when the server still holds the session, also one without subscriptions?
import { t } from '../support/tap.ts'
import {
  type ConnectOptions,
  type Issued,
  type Scope,
  barrier,
  connectDevice,
  issueToken,
  send,
  startServer,
} from '../support/index.ts'
import { texts, untilSecondsPassed } from './support/messages.ts'

const server = await startServer(t)
const app = 'shop'
const expiry = (seconds: number) => ({ properties: { sessionExpiryInterval: seconds } })
const token = (device: string) => issueToken(server, { app, device, account: 'ada', version: '1.0.0' })

/** Connects, says whether a session was present, and leaves with DISCONNECT. */
async function visit(t: Scope, issued: Issued, options: ConnectOptions): Promise<boolean> {
  const device = await connectDevice(t, server, issued, options)
  await device.end()
  return device.connack.sessionPresent
}

await t.test('MQTT 3.1.1', async (t) => {
  const issued = await token('phone 4')
  const present = (clean: boolean) => visit(t, issued, { protocolVersion: 4, clean, clientId: 'phone' })
  t.equal(await present(false), false, 'a new session')
  t.equal(await present(false), true, 'resumed, without subscriptions')
  t.equal(await present(true), false, 'a clean session has none')
  t.equal(await present(false), false, 'and leaves none')
  t.equal(await present(false), true)
})

await t.test('MQTT 5', async (t) => {
  const issued = await token('phone 5')
  const present = (clean: boolean, seconds?: number) =>
    visit(t, issued, { clean, clientId: 'phone', ...(seconds === undefined ? {} : expiry(seconds)) })
  t.equal(await present(false, 3600), false, 'a new session')
  t.equal(await present(false, 3600), true, 'resumed, without subscriptions')
  t.equal(await present(true, 3600), false, 'clean start')
  t.equal(await present(false, 0), true, 'the session after a clean start is kept')
  t.equal(await present(false, 3600), false, 'an expiry of 0 ended it')
  t.equal(await present(false), true, 'no expiry is an expiry of 0')
  t.equal(await present(false, 0xffff_ffff), false)
  t.equal(await present(false, 0), true, 'one that never expires')
})

await t.test('the client id is free: the session is the token id’s', async (t) => {
  const issued = await token('renamed')
  t.equal(await visit(t, issued, { clean: false, clientId: 'one', ...expiry(3600) }), false)
  t.equal(await visit(t, issued, { clean: false, clientId: 'two', ...expiry(3600) }), true)
  const other = await token('another device')
  t.equal(await visit(t, other, { clean: false, clientId: 'two', ...expiry(3600) }), false, 'and nobody else’s')
})

await t.test('a DISCONNECT changes when the session ends', async (t) => {
  const issued = await token('leaving')
  const options = { clean: false, clientId: 'phone', ...expiry(3600) }
  const leaving = await connectDevice(t, server, issued, options)
  await leaving.client.endAsync(false, { reasonCode: 0, properties: { sessionExpiryInterval: 0 } })
  t.equal(await visit(t, issued, { ...options, ...expiry(5) }), false, 'ended by its DISCONNECT')
  const staying = await connectDevice(t, server, issued, { ...options, ...expiry(1) })
  t.equal(staying.connack.sessionPresent, true)
  await staying.client.endAsync(false, { reasonCode: 0, properties: { sessionExpiryInterval: 3600 } })
  await untilSecondsPassed(server, 2)
  t.equal(await visit(t, issued, options), true, 'kept longer by its DISCONNECT')
})

await t.test('a session ends by its expiry', async (t) => {
  const [brief, long] = [await token('brief'), await token('long')]
  for (const [issued, seconds] of [
    [brief, 1],
    [long, 3600],
  ] as const) {
    const device = await connectDevice(t, server, issued, { clean: false, ...expiry(seconds), subscribe: true })
    await device.reset()
  }
  await untilSecondsPassed(server, 2)
  t.equal(await visit(t, brief, { clean: false, ...expiry(3600) }), false)
  t.equal(await visit(t, long, { clean: false, ...expiry(3600) }), true)
})

await t.test('a resumed session has its subscriptions, another one does not', async (t) => {
  const issued = await token('subscribed')
  const options = { clean: false, ...expiry(3600) }
  const first = await connectDevice(t, server, issued, options)
  await first.subscribe([issued.topics.private, issued.topics.broadcast!])
  await first.reset()
  await send(server, { token: issued.tokenId }, 'while away')
  await send(server, { app, version: '1.0.0' }, 'broadcast while away')
  const resumed = await connectDevice(t, server, issued, options)
  t.equal(resumed.connack.sessionPresent, true)
  t.same(texts(await resumed.nextN(2)).toSorted(), ['broadcast while away', 'while away'])
  await resumed.client.unsubscribeAsync(issued.topics.broadcast!)
  await resumed.end()
  await send(server, { app, version: '1.0.0' }, 'after it unsubscribed')

  const narrower = await connectDevice(t, server, issued, options)
  t.equal(narrower.connack.sessionPresent, true)
  t.same(await barrier(server, narrower), [], 'it is not subscribed to the broadcast topic any more')
  await narrower.end()

  const fresh = await connectDevice(t, server, issued, { ...options, clean: true })
  await send(server, { token: issued.tokenId }, 'nobody subscribed')
  t.same(await fresh.subscribe(issued.topics.broadcast!), [1])
  t.same(texts(await barrier(server, fresh, { app, version: '1.0.0' })), ['after it unsubscribed'])
  t.same(await fresh.subscribe(issued.topics.private), [1])
  t.equal((await fresh.next()).text, 'nobody subscribed')
})

await t.test('a second connection takes the session over', async (t) => {
  const issued = await token('twice')
  const options = { clean: false, clientId: 'phone', ...expiry(3600) }
  const first = await connectDevice(t, server, issued, { ...options, subscribe: true })
  const second = await connectDevice(t, server, issued, options)
  await first.closed
  t.equal(first.disconnectPacket?.reasonCode, 0x8e)
  t.equal(second.connack.sessionPresent, true)
  await send(server, { token: issued.tokenId }, 'to the newer one')
  t.equal((await second.next()).text, 'to the newer one')
  t.same(first.received, [])
})

await t.test('a session that ends with its connection is not taken over', async (t) => {
  const issued = await token('twice, without expiry')
  const first = await connectDevice(t, server, issued, { clean: true, ...expiry(0) })
  const second = await connectDevice(t, server, issued, { clean: false, ...expiry(0) })
  await first.closed
  t.equal(second.connack.sessionPresent, false)
})

await t.test('the server may keep sessions shorter than asked for, and says so', async (t) => {
  const strict = await startServer(t, { settings: { PUSH_SESSION_EXPIRY_MAX: '1' } })
  const granted = async (device: string, options: ConnectOptions) => {
    const issued = await issueToken(strict, { app, device })
    const connected = await connectDevice(t, strict, issued, options)
    await connected.reset()
    return { issued, options, expiry: connected.connack.properties?.sessionExpiryInterval }
  }
  const long = await granted('long', { clean: false, ...expiry(3600) })
  const never = await granted('never', { clean: false, ...expiry(0xffff_ffff) })
  const old = await granted('old', { clean: false, protocolVersion: 4 })
  t.same([long.expiry, never.expiry, old.expiry], [1, 1, undefined])
  t.equal((await granted('none', { clean: false, ...expiry(0) })).expiry, undefined, 'nothing to say')
  await untilSecondsPassed(strict, 2)
  for (const { issued, options } of [long, never, old]) {
    const again = await connectDevice(t, strict, issued, options)
    t.equal(again.connack.sessionPresent, false)
  }
})
