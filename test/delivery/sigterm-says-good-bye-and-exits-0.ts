// Does SIGTERM, with clients connected, tell MQTT 5 clients 0x8B, answer requests in flight, and exit with 0?
import { t } from '../support/tap.ts'
import {
  connectDevice,
  connectProvider,
  connectRaw,
  issueToken,
  lookup,
  send,
  startServerProcess,
} from '../support/index.ts'
import { numbered, sendEach } from './support/messages.ts'

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  await t.test(signal, async (t) => {
    const server = await startServerProcess(t)
    const app = 'shop'
    const token = (device: string) => issueToken(server, { app, device, account: 'ada' })
    const tokens = await Promise.all(['five', 'five ws', 'three', 'mute', 'stalled', 'polling'].map(token))
    const [five, fiveWs, three, mute, stalled, polling] = tokens
    const told = [
      await connectDevice(t, server, five!, { subscribe: true }),
      await connectDevice(t, server, fiveWs!, { subscribe: true, transport: 'ws' }),
      await connectDevice(t, server, mute!, { subscribe: true, manualAck: true }),
      await connectProvider(t, server),
    ]
    const old = await connectDevice(t, server, three!, { subscribe: true, protocolVersion: 4 })
    await sendEach(t, server, { tokens: [mute!.tokenId, stalled!.tokenId] }, numbered(30))
    await told[2]!.nextN(20)
    const raw = await connectRaw(t, server.mqttPort, { protocolVersion: 5 })
    await raw.connect({ token: stalled!.token })
    await raw.subscribe(stalled!.topics.private)
    raw.pause()
    const silent = await connectRaw(t, server.mqttPort)
    const waiting = lookup(server, polling!.token, { wait: 60 })
    // Enters before the request after it is answered.
    await send(server, { token: five!.tokenId }, 'last words')
    t.equal((await told[0]!.next()).text, 'last words')

    const exit = await server.kill(signal)
    t.same(exit, { code: 0, signal: null })
    for (const each of told) {
      await each.closed
      t.equal(each.disconnectPacket?.reasonCode, 0x8b)
    }
    await old.closed
    await silent.closed
    t.same((await waiting).messages, [], 'the long poll is answered')
    t.notOk(
      server.logs.some((line) => /"level":(50|60)/.test(line)),
      'and nothing failed',
    )
  })
}
