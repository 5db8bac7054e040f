// Does a client id that is a word of JavaScript, very long, or a name of ours, harm the server or reach somebody else?
import { t } from '../support/tap.ts'
import { connectProvider, connectRaw, startServer } from '../support/index.ts'
import { ANN, getsItsOwn, gotNothing, join, NEIGHBOURS } from './support/people.ts'

const STRANGE = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'valueOf',
  '__defineGetter__',
  'prototype',
  'null',
  'undefined',
  '$SYS',
  '$push/p/provider/x',
  '../../keys',
  '#',
  '+/+',
  'a/b',
  ':retained',
  'x'.repeat(1024),
  '\u{1f4a9}'.repeat(200),
]

for (const protocolVersion of [3, 4, 5] as const) {
  await t.test(`protocol ${protocolVersion}`, async (t) => {
    const server = await startServer(t)
    const ann = await join(t, server, ANN)
    const provider = await connectProvider(t, server)
    await provider.subscribe('chat/u/#')
    for (const clientId of STRANGE) {
      const what = JSON.stringify(clientId.slice(0, 24))
      for (const clean of [true, false]) {
        const how = { clientId, clean, protocolVersion }
        const device = await join(t, server, NEIGHBOURS['another device'], how)
        await getsItsOwn(t, server, device, `with the client id ${what}`)
        await device.device.publish(`chat/u/${device.issued.tokenId}/x`, clientId)
        t.equal((await provider.next()).text, clientId)
        await device.device.end()

        // What an earlier round left waiting for this client id is not looked at here.
        const other = await connectProvider(t, server, {
          ...how,
          clientId: `${clientId.slice(0, 900)}${protocolVersion}`,
        })
        t.same(await other.subscribe(['chat/u/#', '#']), [1, protocolVersion === 5 ? 0x87 : 0x80])
        await ann.device.publish(`chat/u/${ann.issued.tokenId}/x`, 'from Ann')
        t.equal((await other.next()).text, 'from Ann', `a provider is served with ${what}`)
        t.equal((await provider.next()).text, 'from Ann')
        await other.end()
      }
    }
    await getsItsOwn(t, server, ann)
    await gotNothing(t, server, ann)
  })
}

for (const [protocolVersion, code] of [
  [3, 2],
  [4, 2],
  [5, 0x85],
] as const) {
  await t.test(`65,535 bytes, protocol ${protocolVersion}`, async (t) => {
    const server = await startServer(t)
    const ann = await join(t, server, ANN)
    const clientId = 'x'.repeat(65_535)
    for (const token of [NEIGHBOURS['another device'], undefined]) {
      const raw = await connectRaw(t, server.mqttPort, { protocolVersion })
      const credentials =
        token === undefined
          ? { username: 'provider', password: Buffer.from(server.providerKey) }
          : { token: (await join(t, server, token)).issued.token }
      const connack = await raw.connect({ clientId, ...credentials })
      t.equal(protocolVersion === 5 ? connack.reasonCode : connack.returnCode, code)
      await raw.closed
    }
    await getsItsOwn(t, server, ann)
  })
}
