// Is a connection closed when its token is revoked, and is that token refused for good while a new one works?
import { t } from '../support/tap.ts'
import { connectDevice, issueToken, request, revoke, send, startServer } from '../support/index.ts'
import { untilNothingIsPending } from '../delivery/support/messages.ts'
import { ANN, getsItsOwn, join } from './support/people.ts'

const server = await startServer(t)

for (const protocolVersion of [3, 4, 5] as const) {
  await t.test(`protocol ${protocolVersion}`, async (t) => {
    const refused = { code: protocolVersion === 5 ? 0x87 : 5 }
    const ann = await join(t, server, ANN, { protocolVersion })
    const other = await join(t, server, { ...ANN, device: 'tablet-1' }, { protocolVersion })
    await getsItsOwn(t, server, ann)

    await revoke(server, ann.issued.tokenId)
    await ann.device.closed
    if (protocolVersion === 5) t.equal(ann.device.disconnectPacket?.reasonCode, 0x87, 'it is told why')
    await t.rejects(connectDevice(t, server, ann.issued, { protocolVersion }), refused)
    t.match(await request(server, 'GET', '/v1/messages', { bearer: ann.issued.token }), {
      status: 403,
      body: { code: 'TOKEN_REVOKED' },
    })
    t.match(
      await request(server, 'POST', '/v1/messages', {
        body: { to: { token: ann.issued.tokenId }, payload: 'to a revoked one' },
      }),
      { status: 202, body: { accepted: 0, rejected: [{ code: 'TOKEN_REVOKED' }] } },
    )
    await getsItsOwn(t, server, other, 'while another token is revoked')

    const again = await issueToken(server, ANN)
    t.equal(again.tokenId, ann.issued.tokenId, 'the token id stays')
    await t.rejects(connectDevice(t, server, ann.issued, { protocolVersion }), refused, 'the old token stays refused')
    const device = await connectDevice(t, server, again, { protocolVersion, subscribe: true })
    await getsItsOwn(t, server, { issued: again, device, names: ANN })
    await t.rejects(connectDevice(t, server, ann.issued, { protocolVersion }), refused)
    await getsItsOwn(t, server, { issued: again, device, names: ANN }, 'and the old token takes over nothing')

    await untilNothingIsPending(server, again)
    await server.restart()
    await t.rejects(connectDevice(t, server, ann.issued, { protocolVersion }), refused, 'also after a restart')
    const back = await connectDevice(t, server, again, { protocolVersion, subscribe: true })
    await getsItsOwn(t, server, { issued: again, device: back, names: ANN })
    await back.end()
  })
}

await t.test('what was pending at the revocation arrives with the new token', async (t) => {
  const issued = await issueToken(server, { ...ANN, device: 'phone-9' })
  await send(server, { token: issued.tokenId }, 'before')
  await revoke(server, issued.tokenId)
  const again = await issueToken(server, { ...ANN, device: 'phone-9' })
  const device = await connectDevice(t, server, again, { subscribe: true })
  t.equal((await device.next()).text, 'before')
})
