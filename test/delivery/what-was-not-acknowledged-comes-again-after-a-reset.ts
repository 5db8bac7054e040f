// After half of the messages were acknowledged and the connection was reset, does exactly the other half arrive?
import { t } from '../support/tap.ts'
import {
  type Arrival,
  type ConnectOptions,
  barrier,
  connectDevice,
  issueToken,
  metric,
  startServer,
} from '../support/index.ts'
import { numbered, sendEach, texts, untilNothingIsPending, untilPending } from './support/messages.ts'

const WINDOW = 20
const server = await startServer(t, { settings: { PUSH_WINDOW: String(WINDOW) } })
const app = 'shop'
const kept = { clean: false, properties: { sessionExpiryInterval: 3600 } }
const kinds: Record<string, { first: ConnectOptions; second: ConnectOptions; resumed: boolean }> = {
  '3.1.1, resumed': {
    first: { protocolVersion: 4, clean: false },
    second: { protocolVersion: 4, clean: false },
    resumed: true,
  },
  '5, resumed': { first: kept, second: kept, resumed: true },
  '5 over WebSocket, resumed': {
    first: { ...kept, transport: 'ws' },
    second: { ...kept, transport: 'ws' },
    resumed: true,
  },
  '3.1.1, clean session': { first: { protocolVersion: 4 }, second: { protocolVersion: 4 }, resumed: false },
  '3.1.1, clean session after a kept one': {
    first: { protocolVersion: 4, clean: false },
    second: { protocolVersion: 4, clean: true },
    resumed: false,
  },
  '5, clean start after a kept session': { first: kept, second: { ...kept, clean: true }, resumed: false },
  '5, no session expiry': { first: { clean: false }, second: { clean: false }, resumed: false },
}
const ids = (arrivals: readonly Arrival[]) => arrivals.map(({ packetId }) => packetId)

for (const [name, { first, second, resumed }] of Object.entries(kinds)) {
  await t.test(name, async (t) => {
    const issued = await issueToken(server, { app, device: name, account: 'ada', version: name })
    const topics = [issued.topics.private, issued.topics.broadcast!]
    for (const [log, to] of Object.entries({ private: { token: issued.tokenId }, broadcast: { app, version: name } })) {
      await t.test(log, async (t) => {
        const messages = numbered(100)
        await sendEach(t, server, to, messages)
        const device = await connectDevice(t, server, issued, {
          ...first,
          clientId: 'phone',
          clean: true,
          manualAck: true,
        })
        await device.reset()
        const before = await connectDevice(t, server, issued, { ...first, clientId: 'phone', manualAck: true })
        await before.subscribe(topics)
        const underWay = await before.nextN(WINDOW)
        for (let acknowledged = 0; acknowledged < 50; acknowledged++) {
          before.ack(underWay[acknowledged]!)
          underWay.push(await before.next())
        }
        t.same(texts(underWay), messages.slice(0, 70))
        // All that the server still holds is what was not acknowledged.
        await untilPending(server, issued, 50)
        await before.reset()
        const redelivered = await metric(server, 'push_redelivered_total', `destination="${log}"`)

        const after = await connectDevice(t, server, issued, { ...second, clientId: 'phone' })
        t.equal(after.connack.sessionPresent, resumed)
        if (!resumed) await after.subscribe(topics)
        const rest = await after.nextN(50)
        t.same(texts(rest), messages.slice(50))
        const [again, fresh] = [rest.slice(0, WINDOW), rest.slice(WINDOW)]
        if (resumed) t.same(ids(again), ids(underWay.slice(50)), 'under the same packet ids')
        t.ok(
          again.every(({ dup }) => dup === resumed),
          resumed ? 'with DUP' : 'without DUP',
        )
        t.notOk(
          fresh.some(({ dup }) => dup),
          'what was never sent has no DUP',
        )
        t.same(await barrier(server, after, to), [])
        t.equal(
          (await metric(server, 'push_redelivered_total', `destination="${log}"`)) - redelivered,
          resumed ? WINDOW : 0,
        )
        await untilNothingIsPending(server, issued)
        await after.end()
      })
    }
  })
}
