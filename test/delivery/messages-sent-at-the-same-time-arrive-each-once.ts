// Do messages that many providers send at the same time, while devices connect and subscribe, arrive each exactly once?
import { t } from '../support/tap.ts'
import { barrier, connectDevice, connectProvider, issueToken, send, startServer } from '../support/index.ts'
import { numbered, texts, untilNothingIsPending } from './support/messages.ts'

const server = await startServer(t)
const app = 'shop'
const PROVIDERS = 10
const EACH = 40

for (const kind of ['private', 'broadcast'] as const) {
  await t.test(kind, async (t) => {
    const version = `1.0.0-${kind}`
    const issued = await issueToken(server, { app, device: kind, version })
    const late = await issueToken(server, { app, device: `${kind} late`, version })
    const to = kind === 'private' ? { tokens: [issued.tokenId, late.tokenId] } : { app, version }
    const device = await connectDevice(t, server, issued)
    await device.subscribe(issued.topics[kind]!)
    const sending = Array.from({ length: PROVIDERS }, async (_, index) => {
      const messages = numbered(EACH, 1, `p${index}`)
      if (kind === 'broadcast' && index % 2 === 1) {
        const provider = await connectProvider(t, server)
        await Promise.all(messages.map((text) => provider.publish(issued.topics.broadcast!, text)))
      } else {
        for (const text of messages) await send(server, to, text)
      }
    })
    await device.nextN(50)
    const lateDevice = await connectDevice(t, server, late)
    await lateDevice.subscribe(late.topics[kind]!)
    await Promise.all(sending)
    for (const [each, client] of [
      [issued, device],
      [late, lateDevice],
    ] as const) {
      await barrier(server, client, kind === 'private' ? { token: each.tokenId } : to)
      const arrived = texts(client.received).filter((text) => text.startsWith('p'))
      t.equal(arrived.length, PROVIDERS * EACH, 'each once')
      t.equal(new Set(arrived).size, PROVIDERS * EACH)
      for (let index = 0; index < PROVIDERS; index++) {
        const ofOne = arrived.filter((text) => text.startsWith(`p${index}-`))
        t.same(ofOne, numbered(EACH, 1, `p${index}`), 'in the order in which each provider sent them')
      }
      await untilNothingIsPending(server, each)
    }
    const inOrder = (client: typeof device) => texts(client.received).filter((text) => text.startsWith('p'))
    if (kind === 'broadcast') t.same(inOrder(device), inOrder(lateDevice), 'and in one order for all devices')
  })
}

await t.test('a retained message is sent once, also when others arrive while it is subscribed to', async (t) => {
  for (const kind of ['private', 'broadcast'] as const) {
    for (let round = 0; round < 15; round++) {
      const version = `2.0.${round}`
      const issued = await issueToken(server, { app, device: `${kind} ${round}`, version })
      const to = kind === 'private' ? { token: issued.tokenId } : { app, version }
      await send(server, to, 'state', { retain: true })
      const device = await connectDevice(t, server, issued, {
        clean: round % 2 === 0,
        properties: { sessionExpiryInterval: 3600 },
      })
      const sending = Promise.all(numbered(8).map((text) => send(server, to, text)))
      await device.subscribe(issued.topics[kind]!)
      await sending
      await barrier(server, device, to)
      const states = device.received.filter(({ text }) => text === 'state')
      t.match(states, [{ retain: true }], `${kind}, ${round}`)
      t.equal(states.length, 1)
      t.equal(device.received.length, 10)
      await device.end()
    }
  }
})
