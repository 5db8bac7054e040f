// Does a connection end with its token, and is the expired token refused everywhere?
import { t } from '../support/tap.ts'
import { connectDevice, issueToken, lookup, send, startServer } from '../support/index.ts'
import { operatorKey, open, sign } from './support/forge.ts'
import { ANN, getsItsOwn, join, NEIGHBOURS } from './support/people.ts'
import { EXPIRED, tokenIsRefused } from './support/refused.ts'

const server = await startServer(t)
const bob = await join(t, server, NEIGHBOURS['another device'])

for (const protocolVersion of [4, 5] as const) {
  await t.test(`protocol ${protocolVersion}: closed at the end of the token`, async (t) => {
    const names = { ...ANN, device: `phone of protocol ${protocolVersion}` }
    const issued = await issueToken(server, { ...names, ttl: 2 })
    const device = await connectDevice(t, server, issued, { protocolVersion, subscribe: true })
    await send(server, { token: issued.tokenId }, 'in time')
    t.equal((await device.next()).text, 'in time')
    await device.closed
    if (protocolVersion === 5) t.equal(device.disconnectPacket?.reasonCode, 0x87, 'it is told why')
    const seen = device.received.length
    await send(server, { token: issued.tokenId }, 'for later')
    await tokenIsRefused(t, server, issued.token, EXPIRED, 'the expired token')
    await getsItsOwn(t, server, bob)
    t.equal(device.received.length, seen)

    const again = await issueToken(server, names)
    t.match(await lookup(server, again.token), { messages: [{ payload: 'for later' }] })
    const back = await connectDevice(t, server, again, { protocolVersion, subscribe: true })
    t.equal((await back.next()).text, 'for later', 'what is pending stays for the next token')
    await back.end()
  })
}

await t.test('expired long ago, with a right signature', async (t) => {
  const issued = await issueToken(server, ANN)
  const { header, claims } = open(issued.token)
  const { secret } = operatorKey(server.dataDir, 'HS256')
  const resigned = sign(header, claims, secret!)
  t.equal(resigned, issued.token, 'the test signs as the server does')
  const past = Math.floor(Date.now() / 1000) - 1000
  await tokenIsRefused(
    t,
    server,
    sign(header, { ...claims, iat: past, exp: past + 1 }, secret!),
    EXPIRED,
    'an old token',
  )
  await getsItsOwn(t, server, bob)
})
