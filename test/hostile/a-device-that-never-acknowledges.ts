// Does a device that reads but never acknowledges delay a healthy one, or get more than a window at a time?
import { Agent } from 'node:http'
import { t } from '../support/tap.ts'
import { connectDevice, issueToken, send, startServerProcess } from '../support/index.ts'
import { bystander } from './support/bystander.ts'
import { residentMiB } from './support/memory.ts'

const PAYLOAD = Buffer.alloc(100_000, 0x78)
const MESSAGES = 200
const WINDOW = 20

const server = await startServerProcess(t, { settings: { PUSH_MAX_PENDING_BYTES: String(256 * 1024 * 1024) } })
const healthy = await bystander(t, server)
const agent = new Agent({ keepAlive: true })
t.teardown(() => agent.destroy())

await t.test('a window at a time, and in order', async (t) => {
  const issued = await issueToken(server, { app: 'chat', device: 'never-acknowledges', version: '1.0' })
  const device = await connectDevice(t, server, issued, { subscribe: true, manualAck: true })
  await device.subscribe('chat/1.0')

  const start = residentMiB(server.pid)
  let most = 0
  for (let count = 0; count < MESSAGES; count++) {
    const to = count % 2 === 0 ? { token: issued.tokenId } : { app: 'chat', version: '1.0' }
    await send(server, to, Buffer.concat([Buffer.from(`${count} `), PAYLOAD]), { agent })
    if (count % 100 === 0) await healthy.isServed(t)
    most = Math.max(most, residentMiB(server.pid))
  }
  t.ok(most - start < 100, `20 MB for one that does not acknowledge cost ${Math.round(most - start)} MiB of memory`)
  const held = await device.nextN(WINDOW)
  await device.client.subscribeAsync('chat/1.0', { qos: 1, rh: 2 })
  t.equal(device.received.length, WINDOW, 'it gets a window, and no more')
  await healthy.isServed(t)

  // With every acknowledgement comes the next one: the window moves, it is not stuck.
  const texts = held.map(({ payload }) => payload)
  let at = 0
  while (texts.length < MESSAGES) {
    device.ack(device.received[at++]!)
    texts.push((await device.next()).payload)
  }
  const numbers = texts.map((payload) => Number(payload.subarray(0, payload.indexOf(0x20))))
  t.same(
    numbers.filter((count) => count % 2 === 0),
    Array.from({ length: MESSAGES / 2 }, (_, count) => count * 2),
    'every private message, in order',
  )
  t.same(
    numbers.filter((count) => count % 2 === 1),
    Array.from({ length: MESSAGES / 2 }, (_, count) => count * 2 + 1),
    'every broadcast, in order',
  )
  await healthy.isServed(t)
})
