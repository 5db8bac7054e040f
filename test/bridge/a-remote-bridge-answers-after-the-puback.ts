// Does the bridge's 202 wait for the PUBACK, and does a PUBACK that refuses become a code?
import type { IPublishPacket } from 'mqtt-packet'
import { t } from '../support/tap.ts'
import { ERRORS } from '../../errors.ts'
import { request } from '../support/api.ts'
import { eventually } from '../support/waiting.ts'
import { puback, scriptedBroker, serveRemote, type ScriptedConnection } from './support/serve-remote.ts'

const [A, B, C] = ['AAAAAAAAAAAAAAAAAAAAAA', 'BBBBBBBBBBBBBBBBBBBBBA', 'CCCCCCCCCCCCCCCCCCCCCA'] as const

await t.test('held back, then acknowledged', async (t) => {
  const held: [IPublishPacket, ScriptedConnection][] = []
  const broker = await scriptedBroker(t, (...turn) => held.push(turn))
  const remote = await serveRemote(t, { brokerPort: broker.port })
  let answered = false
  const body = { to: { app: 'chat', tokens: [A, B, C] }, payload: 'x' }
  const answer = request(remote, 'POST', '/v1/messages', { body }).finally(() => {
    answered = true
  })
  await eventually('three PUBLISH packets', () => held.length === 3)
  const acknowledge = (index: number, ...reason: [number?, string?]) => {
    const [packet, connection] = held[index]!
    connection.send(puback(packet, ...reason))
  }
  acknowledge(0, 0x10)
  acknowledge(1, 0x87, ERRORS.TOKEN_REVOKED.title)
  await request(remote, 'GET', '/healthz')
  t.notOk(answered)
  acknowledge(2, 0x87)
  t.match(await answer, {
    status: 202,
    body: {
      accepted: 1,
      rejected: [
        { token: B, code: 'TOKEN_REVOKED' },
        { token: C, code: 'TOPIC_FORBIDDEN' },
      ],
    },
  })
})

await t.test('a refusal of a broadcast, and a failure', async (t) => {
  const reasons: [number, string?][] = [
    [0x87],
    [0x90],
    [0x97],
    [0x83, ERRORS.STORE_UNAVAILABLE.title],
    [0x97, ERRORS.RETAINED_LIMIT.title],
  ]
  const broker = await scriptedBroker(t, (packet, { send }) => send(puback(packet, ...reasons.shift()!)))
  const remote = await serveRemote(t, { brokerPort: broker.port })
  const body = { to: { app: 'chat', versions: '*' }, payload: 'x', id: 'a' }
  for (const [status, code] of [
    [403, 'TOPIC_FORBIDDEN'],
    [400, 'TOPIC_INVALID'],
    [502, 'UPSTREAM_REFUSED'],
    [503, 'STORE_UNAVAILABLE'],
    [409, 'RETAINED_LIMIT'],
  ]) {
    t.match(await request(remote, 'POST', '/v1/messages', { body }), { status, body: { code } })
  }
})

await t.test('the limits that the broker names in its CONNACK', async (t) => {
  const held: (() => void)[] = []
  let most = 0
  const broker = await scriptedBroker(
    t,
    (packet, { send }) => {
      held.push(() => send(puback(packet)))
      most = Math.max(most, held.length)
    },
    { receiveMaximum: 2, maximumPacketSize: 1_000, retainAvailable: false },
  )
  const remote = await serveRemote(t, { brokerPort: broker.port })
  const to = { app: 'chat', tokens: [A, B, C] }
  const answer = request(remote, 'POST', '/v1/messages', { body: { to, payload: 'x' } })
  for (let count = 0; count < 3; count++) {
    await eventually('a PUBLISH', () => held.length > 0)
    held.shift()!()
  }
  t.match(await answer, { status: 202, body: { accepted: 3 } })
  t.ok(most <= 2, 'Receive Maximum')

  const large = await request(remote, 'POST', '/v1/messages', { body: { to, payload: 'x'.repeat(1_000) } })
  t.match(large, { status: 413, body: { code: 'PAYLOAD_TOO_LARGE' } })
  const retained = await request(remote, 'POST', '/v1/messages', { body: { to, payload: 'x', retain: true } })
  t.match(retained, { status: 202, body: { accepted: 0, rejected: [{ code: 'UPSTREAM_REFUSED' }, {}, {}] } })
  t.equal(broker.published.length, 3)
  t.equal(broker.connections.length, 1, 'and the connection lives')
})
