// What does a device get that connects with somebody else's client id, also when that session was persistent?
import { t } from '../support/tap.ts'
import { barrier, connectDevice, connectProvider, issueToken, send, startServer } from '../support/index.ts'
import { ANN, getsItsOwn, gotNothing, join, NEIGHBOURS } from './support/people.ts'

const CLIENT_ID = 'the-same-client-id'
const server = await startServer(t)

for (const protocolVersion of [4, 5] as const) {
  const persistent = {
    clientId: CLIENT_ID,
    clean: false,
    protocolVersion,
    ...(protocolVersion === 5 ? { properties: { sessionExpiryInterval: 3600 } } : {}),
  }

  await t.test(`protocol ${protocolVersion}: both stay connected, each with its own`, async (t) => {
    const ann = await join(t, server, ANN, persistent)
    for (const names of Object.values(NEIGHBOURS)) {
      const mallory = await join(t, server, names, persistent)
      await send(server, { token: ann.issued.tokenId }, 'for Ann alone')
      t.equal((await ann.device.next()).text, 'for Ann alone', 'she is still connected')
      await gotNothing(t, server, mallory)
      await gotNothing(t, server, ann)
      await mallory.device.end()
    }
    await getsItsOwn(t, server, ann)
    await ann.device.end()
  })

  await t.test(`protocol ${protocolVersion}: a persistent session is not resumed by another token`, async (t) => {
    const names = { ...ANN, device: `phone-of-${protocolVersion}` }
    const ann = await join(t, server, names, persistent)
    await ann.device.reset()
    await send(server, { token: ann.issued.tokenId }, 'while Ann was away')
    for (const others of Object.values(NEIGHBOURS)) {
      const issued = await issueToken(server, others)
      await (await connectDevice(t, server, issued, { protocolVersion, clientId: CLIENT_ID })).end()
      const mallory = await connectDevice(t, server, issued, persistent)
      t.equal(mallory.connack.sessionPresent, false, 'no session waits for it')
      await mallory.subscribe(issued.topics.private)
      t.same(
        (await barrier(server, mallory)).map(({ text }) => text),
        [],
      )
      await mallory.end()
    }
    const back = await connectDevice(t, server, ann.issued, { ...persistent, clientId: 'another-client-id' })
    t.equal(back.connack.sessionPresent, true, "the session is the token's, whatever the client id")
    t.equal((await back.next()).text, 'while Ann was away')
    await back.end()
  })

  await t.test(`protocol ${protocolVersion}: a provider with the same client id`, async (t) => {
    const ann = await join(t, server, ANN, persistent)
    const provider = await connectProvider(t, server, persistent)
    t.equal(provider.connack.sessionPresent, false)
    t.same(await provider.subscribe('chat/u/#'), [1])
    await getsItsOwn(t, server, ann)
    await ann.device.publish(`chat/u/${ann.issued.tokenId}/x`, 'from Ann')
    t.equal((await provider.next()).text, 'from Ann')
    await provider.reset()

    // What waits for the provider does not come to a device with its client id.
    await ann.device.publish(`chat/u/${ann.issued.tokenId}/x`, 'while the provider was away')
    const bob = await join(t, server, NEIGHBOURS['another device'], { ...persistent, clean: true })
    await gotNothing(t, server, bob)
    await bob.device.end()
    await ann.device.end()
    const again = await connectDevice(t, server, ann.issued, persistent)
    t.equal(again.connack.sessionPresent, true)
    await gotNothing(t, server, { ...ann, device: again })
    await again.end()
    const back = await connectProvider(t, server, persistent)
    t.equal(back.connack.sessionPresent, true, "the provider's session was not ended by the devices")
    t.equal((await back.next()).text, 'while the provider was away')
    await (await connectProvider(t, server, { ...persistent, clean: true })).end()
  })
}
