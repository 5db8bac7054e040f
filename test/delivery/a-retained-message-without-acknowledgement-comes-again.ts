// Does a retained message that a kept session did not acknowledge come again with RETAIN and DUP, under its packet id?
import { t } from '../support/tap.ts'
import { barrier, connectDevice, issueToken, send, startServer } from '../support/index.ts'
import { untilNothingIsPending } from './support/messages.ts'

const server = await startServer(t)
const app = 'shop'
const kept = { clean: false, properties: { sessionExpiryInterval: 3600 } }

for (const kind of ['private', 'broadcast'] as const) {
  for (const acknowledgedBefore of [true, false]) {
    await t.test(`${kind}, ${acknowledgedBefore ? 'acknowledged before' : 'still pending'}`, async (t) => {
      const version = `1.0.0-${kind}-${acknowledgedBefore}`
      const issued = await issueToken(server, { app, device: version, version })
      const topic = issued.topics[kind]!
      const to = kind === 'private' ? { token: issued.tokenId } : { app, version }
      await send(server, to, 'state', { retain: true })
      if (acknowledgedBefore) {
        const first = await connectDevice(t, server, issued)
        await first.subscribe(topic)
        t.match(await first.next(), { text: 'state', retain: true })
        await untilNothingIsPending(server, issued)
        await first.end()
      }
      const device = await connectDevice(t, server, issued, { ...kept, manualAck: true })
      await device.subscribe(topic)
      const sent = await device.next()
      t.match(sent, { text: 'state', retain: true, dup: false })
      await device.reset()

      const resumed = await connectDevice(t, server, issued, kept)
      t.equal(resumed.connack.sessionPresent, true)
      const again = await resumed.next()
      t.match(again, { text: 'state', retain: true, dup: true, packetId: sent.packetId! })
      t.same(await barrier(server, resumed, to), [], 'once')
      await untilNothingIsPending(server, issued)
      await resumed.end()

      const last = await connectDevice(t, server, issued, kept)
      t.equal(last.connack.sessionPresent, true)
      t.same(await barrier(server, last, to), [], 'acknowledged is acknowledged')
      await last.end()
    })
  }
}
