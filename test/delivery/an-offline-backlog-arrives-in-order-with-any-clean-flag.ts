// Do 200 messages to an offline device arrive in order once it connects, with any clean flag, and only once?
import { t } from '../support/tap.ts'
import { type ConnectOptions, barrier, connectDevice, issueToken, startServer } from '../support/index.ts'
import { numbered, sendEach, texts, untilNothingIsPending } from './support/messages.ts'

const server = await startServer(t)
const app = 'shop'
const hour = { properties: { sessionExpiryInterval: 3600 } }
const kinds: Record<string, ConnectOptions> = {
  '3.1, clean session': { protocolVersion: 3, clean: true },
  '3.1, kept session': { protocolVersion: 3, clean: false },
  '3.1.1, clean session': { protocolVersion: 4, clean: true },
  '3.1.1, kept session': { protocolVersion: 4, clean: false },
  '5, clean start': { protocolVersion: 5, clean: true },
  '5, clean start and session expiry': { protocolVersion: 5, clean: true, ...hour },
  '5, no clean start': { protocolVersion: 5, clean: false },
  '5, no clean start and session expiry': { protocolVersion: 5, clean: false, ...hour },
  '5, WebSocket': { protocolVersion: 5, transport: 'ws' },
}
const names = Object.keys(kinds)
const tokens = await Promise.all(
  names.map((device) => issueToken(server, { app, device, account: 'ada', version: '1.0.0' })),
)
const messages = numbered(200)
const broadcasts = numbered(200, 1, 'broadcast')
await sendEach(t, server, { tokens: tokens.map(({ tokenId }) => tokenId) }, messages)
await sendEach(t, server, { app, version: '1.0.0' }, broadcasts)

for (const [index, name] of names.entries()) {
  await t.test(name, async (t) => {
    const issued = tokens[index]!
    const options = { ...kinds[name], clientId: `device-${index}` }
    const device = await connectDevice(t, server, issued, { ...options, subscribe: true })
    const arrived = await device.nextN(messages.length)
    t.same(texts(arrived), messages, 'the private log')
    t.notOk(arrived.some(({ dup }) => dup))
    t.same(await barrier(server, device), [])
    await device.subscribe(issued.topics.broadcast!)
    t.same(texts(await device.nextN(broadcasts.length)), broadcasts, 'the broadcast log')
    await untilNothingIsPending(server, issued)
    await device.end()

    const again = await connectDevice(t, server, issued, options)
    await again.subscribe([issued.topics.private, issued.topics.broadcast!])
    t.same(await barrier(server, again), [], 'nothing of the private log comes again')
    t.same(await barrier(server, again, { app, version: '1.0.0' }), [], 'nor of the broadcast log')
    await untilNothingIsPending(server, issued)
  })
}
