// When connections of one token take over from each other while messages flow, does every message reach one of them?
import { t } from '../support/tap.ts'
import { type ConnectOptions, type Device, barrier, connectDevice, issueToken, startServer } from '../support/index.ts'
import { numbered, sendEach, texts, untilNothingIsPending } from './support/messages.ts'

const server = await startServer(t)
const app = 'shop'
const MESSAGES = 80
const TAKEOVERS = 8
const kinds: Record<string, ConnectOptions> = {
  'MQTT 3.1.1, clean session': { protocolVersion: 4 },
  'MQTT 3.1.1, kept session': { protocolVersion: 4, clean: false },
  'MQTT 5, clean start': { clean: true },
  'MQTT 5, kept session': { clean: false, properties: { sessionExpiryInterval: 3600 } },
}

for (const [name, options] of Object.entries(kinds)) {
  await t.test(name, async (t) => {
    const issued = await issueToken(server, { app, device: name, version: name })
    const connections: Device[] = []
    const connect = async () => {
      const device = await connectDevice(t, server, issued, options)
      connections.push(device)
      // It may be taken over before it is answered.
      const subscribed = device.subscribe([issued.topics.private, issued.topics.broadcast!])
      await Promise.race([subscribed, device.closed])
      return device
    }
    const sending = Promise.all([
      sendEach(t, server, { token: issued.tokenId }, numbered(MESSAGES)),
      sendEach(t, server, { app, version: name }, numbered(MESSAGES, 1, 'b')),
    ])
    for (let takeover = 0; takeover < TAKEOVERS; takeover++) {
      const device = await connect()
      await Promise.race([device.nextN(20).catch(() => undefined), sending])
    }
    await sending
    const last = await connect()
    await barrier(server, last)
    await barrier(server, last, { app, version: name })
    await untilNothingIsPending(server, issued)
    const arrived = connections.flatMap((device) => device.received)
    const firsts = (topic: string) =>
      [...new Set(texts(arrived.filter((each) => each.topic === topic)))].filter((text) => !text.startsWith('barrier'))
    t.same(firsts(issued.topics.private), numbered(MESSAGES), 'the private log, in order')
    t.same(firsts(issued.topics.broadcast!), numbered(MESSAGES, 1, 'b'), 'the broadcast log, in order')
    for (const earlier of connections.slice(0, -1)) await earlier.closed
    if (options.protocolVersion !== 4) {
      t.ok(connections.slice(0, -1).every(({ disconnectPacket }) => disconnectPacket?.reasonCode === 0x8e))
    }
  })
}
