// When a token connects again, is the old connection closed and told so, and does each message come to the new one only?
import { t } from '../support/tap.ts'
import { barrier, connectDevice, issueToken, send, startServer, WAYS } from '../support/index.ts'
import { ANN } from './support/people.ts'

const server = await startServer(t)

for (const { protocolVersion, transport } of WAYS) {
  await t.test(`protocol ${protocolVersion} over ${transport}`, async (t) => {
    const issued = await issueToken(server, ANN)
    const first = await connectDevice(t, server, issued, { protocolVersion, transport, subscribe: true })
    await send(server, { token: issued.tokenId }, 'to the first')
    t.equal((await first.next()).text, 'to the first')
    await barrier(server, first)

    // A token that was issued again is another text, and the same principal.
    const again = await issueToken(server, ANN)
    t.equal(again.tokenId, issued.tokenId)
    const second = await connectDevice(t, server, again, { protocolVersion, subscribe: true })
    await first.closed
    if (protocolVersion === 5) t.equal(first.disconnectPacket?.reasonCode, 0x8e, 'it is told why')
    const seen = first.received.length
    await send(server, { token: issued.tokenId }, 'to the second')
    t.same(
      (await barrier(server, second)).map(({ text }) => text),
      ['to the second'],
    )
    t.equal(first.received.length, seen, 'the closed connection got nothing')

    // And back: no connection is stronger than the other.
    const third = await connectDevice(t, server, issued, { protocolVersion, subscribe: true })
    await second.closed
    await barrier(server, third)
    await third.end()
  })
}

await t.test('twenty at once leave exactly one, which works', async (t) => {
  const issued = await issueToken(server, { ...ANN, device: 'phone-20' })
  const all = await Promise.allSettled(
    Array.from({ length: 20 }, () => connectDevice(t, server, issued, { protocolVersion: 5 })),
  )
  const connected = all.filter((each) => each.status === 'fulfilled').map(({ value }) => value)
  t.ok(connected.length > 0)
  const last = await connectDevice(t, server, issued, { subscribe: true })
  await Promise.all(connected.map(({ closed }) => closed))
  await send(server, { token: issued.tokenId }, 'once')
  t.same(
    (await barrier(server, last)).map(({ text }) => text),
    ['once'],
  )
})
