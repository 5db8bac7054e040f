// Does a slow broker make progress with many tokens, one refused message harm nobody else, and a shutdown answer everybody?
import { t } from '../support/tap.ts'
import type { IPublishPacket } from 'mqtt-packet'
import { request } from '../support/api.ts'
import { eventually } from '../support/waiting.ts'
import { AckFilter } from '../../bridge/ack-filter.ts'
import { puback, scriptedBroker, serveRemote, type ScriptedConnection } from './support/serve-remote.ts'

const TOKENS = Array.from({ length: 8 }, (_, number) => `${String(number).repeat(21)}A`)

const post = (remote: Parameters<typeof request>[0], tokens: readonly string[], payload = 'x') =>
  request(remote, 'POST', '/v1/messages', { body: { to: { app: 'chat', tokens }, payload, id: 'the-same' } })

/** As Mosquitto answers what is above its `message_size_limit`; no code of a PUBACK in MQTT 5. */
function tooLarge({ messageId = 0 }: IPublishPacket, { socket }: ScriptedConnection): void {
  const bytes = Buffer.from([0x40, 3, messageId >> 8, messageId & 0xff, 0x95])
  // In two pieces: a code may be the first byte of what the network brings.
  socket.write(bytes.subarray(0, 4))
  setImmediate(() => socket.write(bytes.subarray(4)))
}

t.test('tokens that were not reached in time are named, and a repeat for them makes progress', async (t) => {
  let turns = 3
  const held: (() => void)[] = []
  const broker = await scriptedBroker(t, (packet, { send }) => {
    if (turns-- > 0) send(puback(packet))
    else held.push(() => send(puback(packet)))
  })
  const remote = await serveRemote(t, { brokerPort: broker.port, timeoutMs: 300, window: 2 })
  const first = await post(remote, TOKENS)
  t.match(first, { status: 202, body: { accepted: 3, id: 'the-same' } })
  const { rejected } = first.body as { rejected: { token: string; code: string }[] }
  t.same(
    rejected,
    TOKENS.slice(3).map((token) => ({ token, code: 'UPSTREAM_UNAVAILABLE' })),
  )
  turns = Number.POSITIVE_INFINITY
  for (const acknowledge of held.splice(0)) acknowledge()
  await eventually('a link', async () => (await request(remote, 'GET', '/readyz')).status === 200)
  const rest = rejected.map(({ token }) => token)
  t.match(await post(remote, rest), { status: 202, body: { accepted: 5, rejected: [] } })
})

t.test('a message that the broker finds too large is its sender’s affair', async (t) => {
  const broker = await scriptedBroker(t, (packet, connection) => {
    if (packet.payload.length > 100) tooLarge(packet, connection)
    else connection.send(puback(packet))
  })
  const remote = await serveRemote(t, { brokerPort: broker.port })
  const [large, small] = await Promise.all([post(remote, TOKENS.slice(0, 1), 'x'.repeat(101)), post(remote, TOKENS)])
  t.match(large, { status: 413, body: { code: 'PAYLOAD_TOO_LARGE' } })
  t.match(small, { status: 202, body: { accepted: 8 } })
  t.match(await post(remote, TOKENS), { status: 202, body: { accepted: 8 } })
  t.equal(broker.connections.length, 1, 'on the same connection')
})

t.test('what MQTT.js cannot read ends the connection, and the next one is there at once', async (t) => {
  const broker = await scriptedBroker(t, (packet, connection) => {
    if (packet.payload.length > 100) connection.socket.write(Buffer.from([0xf7, 0]))
    else connection.send(puback(packet))
  })
  const remote = await serveRemote(t, { brokerPort: broker.port, timeoutMs: 60_000, reconnectMs: 1 })
  t.match(await post(remote, TOKENS.slice(0, 1), 'x'.repeat(101)), { status: 503 })
  await eventually('the next link', async () => (await request(remote, 'GET', '/readyz')).status === 200)
  t.match(await post(remote, TOKENS), { status: 202, body: { accepted: 8 } })
})

t.test('a shutdown answers who waits for a broker that hangs', async (t) => {
  const broker = await scriptedBroker(t, () => undefined)
  const remote = await serveRemote(t, { brokerPort: broker.port, timeoutMs: 60_000 })
  const waiting = post(remote, TOKENS)
  await eventually('the messages', () => broker.published.length === TOKENS.length)
  const closed = remote.app.close()
  t.match(await waiting, { status: 503, body: { code: 'SHUTTING_DOWN', id: 'the-same' } })
  await closed
})

t.test('codes of any bytes are read in any pieces', async (t) => {
  const packets = [
    [0x30, 5, 0, 1, 0x40, 3, 0],
    [0x40, 2, 0, 7],
    [0x40, 3, 1, 2, 0x95],
    [0xd0, 0],
    [0x40, 4, 0, 9, 0x87, 0],
    [0x30, 0x81, 0x01, ...Array.from({ length: 129 }, () => 0x40)],
    [0x40, 3, 0, 3, 0x9a],
  ].flat()
  for (let size = 1; size <= packets.length; size++) {
    const acks = new AckFilter()
    const seen: number[] = []
    for (let at = 0; at < packets.length; at += size) {
      const piece = Buffer.from(packets.slice(at, at + size))
      acks.read(piece)
      seen.push(...piece)
    }
    const changed = seen.map((byte, at) => [packets[at], byte]).filter(([from, to]) => from !== to)
    t.same(changed, [
      [0x95, 0x80],
      [0x9a, 0x80],
    ])
    t.same([acks.take(0x102), acks.take(3), acks.take(9), acks.take(3)], [0x95, 0x9a, undefined, undefined])
  }
})
