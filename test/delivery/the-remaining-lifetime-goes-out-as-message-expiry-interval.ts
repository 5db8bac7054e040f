// Does an MQTT 5 device see how long a message still lives, counting down, with its id and when it was stored?
import { t } from '../support/tap.ts'
import { barrier, connectDevice, eventually, issueToken, lookup, send, startServer } from '../support/index.ts'
import { userProperty } from './support/messages.ts'

const server = await startServer(t, { settings: { PUSH_MESSAGE_TTL: '500' } })
const app = 'shop'

for (const kind of ['private', 'broadcast'] as const) {
  await t.test(kind, async (t) => {
    const version = `1.0.0-${kind}`
    const issued = await issueToken(server, { app, device: kind, version })
    const to = kind === 'private' ? { token: issued.tokenId } : { app, version }
    const before = Date.now()
    await send(server, to, 'told', { ttl: 100, id: 'the id' })
    await send(server, to, 'the default')
    const after = Date.now()
    /** What a device that connects now is sent, without acknowledging it. */
    const look = async () => {
      const device = await connectDevice(t, server, issued, { manualAck: true })
      await device.subscribe(issued.topics[kind]!)
      const [told, byDefault] = await device.nextN(2)
      await device.reset()
      return { told: told!, byDefault: byDefault! }
    }
    const { told, byDefault } = await look()
    t.ok(told.properties.messageExpiryInterval! > 0 && told.properties.messageExpiryInterval! <= 100)
    t.ok(byDefault.properties.messageExpiryInterval! > 100 && byDefault.properties.messageExpiryInterval! <= 500)

    t.equal(userProperty(told, 'id'), 'the id')
    t.match(userProperty(byDefault, 'id'), /^[\w-]{20,}$/, 'the server makes one where the provider gives none')
    const storedAt = userProperty(told, 'storedAt') as string
    t.ok(Date.parse(storedAt) >= before - 1 && Date.parse(storedAt) <= after + 1)
    const [message] = (await lookup(server, issued.token)).messages
    t.match(message, { id: 'the id', storedAt }, 'the same as over HTTP')
    t.equal(Date.parse(String(message!.expiresAt)) - Date.parse(storedAt), 100_000)

    const later = await eventually('the interval to go down', async () => {
      const { told: again } = await look()
      return again.properties.messageExpiryInterval! < told.properties.messageExpiryInterval! ? again : undefined
    })
    t.equal(userProperty(later, 'storedAt'), storedAt)
    t.equal(userProperty(later, 'id'), 'the id')
  })
}

await t.test('MQTT 3.1.1 gets the same message without properties', async (t) => {
  const issued = await issueToken(server, { app, device: 'old', account: 'ada' })
  const device = await connectDevice(t, server, issued, { protocolVersion: 4, subscribe: true })
  await send(server, { token: issued.tokenId }, 'plain', { ttl: 100, id: 'the id' })
  t.match(await device.next(), { text: 'plain', properties: {} })
  t.same(await barrier(server, device), [])
})
