// When another account logs in on a connected device, does the previous one get anything more, before its token is issued again?
import { t } from '../support/tap.ts'
import { connectDevice, issueToken, lookup, request, send, startServer } from '../support/index.ts'
import { ANN, getsItsOwn, gotNothing, join } from './support/people.ts'

const server = await startServer(t)
const BOB = { ...ANN, account: 'bob' }

for (const protocolVersion of [3, 4, 5] as const) {
  await t.test(`protocol ${protocolVersion}`, async (t) => {
    const ann = await join(t, server, ANN, { protocolVersion })
    await getsItsOwn(t, server, ann)

    const bob = await join(t, server, BOB, { protocolVersion })
    await ann.device.closed
    if (protocolVersion === 5) t.equal(ann.device.disconnectPacket?.reasonCode, 0x87, 'she is told why')
    const seen = ann.device.received.length

    // What is for Ann waits for her; Bob gets his own.
    await send(server, { token: ann.issued.tokenId }, 'for Ann, later')
    await send(server, { token: ann.issued.token }, 'for Ann, by her token')
    await getsItsOwn(t, server, bob)
    await gotNothing(t, server, bob)

    await t.rejects(connectDevice(t, server, ann.issued, { protocolVersion }), {
      code: protocolVersion === 5 ? 0x87 : 5,
    })
    t.match(await request(server, 'GET', '/v1/messages', { bearer: ann.issued.token }), {
      status: 403,
      body: { code: 'TOKEN_SUPERSEDED' },
    })
    await getsItsOwn(t, server, bob, 'although the previous token tried')

    // Ann logs in again: with a token that is issued now, and Bob is out.
    const annAgain = await issueToken(server, ANN)
    t.equal(annAgain.tokenId, ann.issued.tokenId)
    await bob.device.closed
    await t.rejects(connectDevice(t, server, bob.issued, { protocolVersion }), {
      code: protocolVersion === 5 ? 0x87 : 5,
    })
    const { messages } = await lookup(server, annAgain.token)
    t.same(
      messages.map(({ payload }) => payload).filter((text) => text?.startsWith('for Ann')),
      ['for Ann, later', 'for Ann, by her token'],
      'over HTTP her messages wait too',
    )
    const device = await connectDevice(t, server, annAgain, { protocolVersion, subscribe: true })
    t.same(
      (await device.nextN(2)).map(({ text }) => text),
      ['for Ann, later', 'for Ann, by her token'],
      'what was sent while she was away arrives',
    )
    await getsItsOwn(t, server, { issued: annAgain, device, names: ANN })
    t.equal(ann.device.received.length, seen, 'the previous connection got nothing after the switch')
    await device.end()
  })
}

await t.test('logged out is an account too', async (t) => {
  const ann = await join(t, server, ANN)
  const nobody = await join(t, server, { app: ANN.app, device: ANN.device, version: ANN.version })
  await ann.device.closed
  await send(server, { token: ann.issued.tokenId }, 'for Ann, later')
  await gotNothing(t, server, nobody)
  const back = await join(t, server, ANN)
  await nobody.device.closed
  t.equal((await back.device.next()).text, 'for Ann, later')
  await back.device.end()
})

await t.test('a switch on one device leaves the account alone on another', async (t) => {
  const phone = await join(t, server, ANN)
  const tablet = await join(t, server, { ...ANN, device: 'tablet-1' })
  await join(t, server, BOB)
  await phone.device.closed
  await getsItsOwn(t, server, tablet)
})
