// Does a device that never reads delay a healthy one, or make the server's memory grow; and is it disconnected?
import { Agent } from 'node:http'
import { t } from '../support/tap.ts'
import {
  connectDevice,
  connectRaw,
  eventually,
  issueToken,
  metric,
  send,
  startServerProcess,
} from '../support/index.ts'
import { bystander } from './support/bystander.ts'
import { residentMiB } from './support/memory.ts'

const PAYLOAD = Buffer.alloc(100_000, 0x78)

for (const [protocolVersion, messages, maxOutput] of [
  [5, 150, 64 * 1024],
  [4, 150, 1024],
] as const) {
  await t.test(`protocol ${protocolVersion}, ${messages} messages, PUSH_MAX_OUTPUT ${maxOutput}`, async (t) => {
    const server = await startServerProcess(t, {
      settings: {
        PUSH_STALL_TIMEOUT: '1',
        // As much as it may take, so that nothing but the reader is the limit.
        PUSH_WINDOW: '1000',
        PUSH_MAX_PENDING_BYTES: String(256 * 1024 * 1024),
        PUSH_MAX_OUTPUT: String(maxOutput),
      },
    })
    const healthy = await bystander(t, server)
    const agent = new Agent({ keepAlive: true })
    t.teardown(() => agent.destroy())
    const slowReaders = () => metric(server, 'push_disconnects_total', 'code="SLOW_READER"')
    const issued = await issueToken(server, { app: 'chat', device: 'never-reads' })
    const raw = await connectRaw(t, server.mqttPort, { protocolVersion })
    await raw.connect({ token: issued.token })
    await raw.subscribe(issued.topics.private)
    raw.pause()

    const start = residentMiB(server.pid)
    let most = 0
    for (let count = 0; count < messages; count++) {
      await send(server, { token: issued.tokenId }, Buffer.concat([Buffer.from(`${count} `), PAYLOAD]), { agent })
      if (count % 100 === 0) await healthy.isServed(t)
      most = Math.max(most, residentMiB(server.pid))
    }
    t.ok(
      most - start < 100,
      `${messages / 10} MB for one that does not read cost ${Math.round(most - start)} MiB of memory`,
    )

    await eventually('the disconnection of the slow reader', async () => (await slowReaders()) === 1)
    raw.resume()
    await raw.closed
    t.equal(await metric(server, 'push_connections', 'principal="device"'), 1, 'only the healthy one is left')
    await healthy.isServed(t)

    // What it was not sent is there when it comes back and reads.
    const device = await connectDevice(t, server, issued, { protocolVersion, subscribe: true })
    const texts = (await device.nextN(messages)).map(({ payload }) =>
      payload.subarray(0, payload.indexOf(0x20)).toString(),
    )
    t.same(
      texts,
      Array.from({ length: messages }, (_, count) => String(count)),
      'all of it arrives, in order',
    )
    await device.end()
    await healthy.isServed(t)
  })
}
