// Do thousands of sockets that drip a CONNECT and never finish it cost little, end in time, and hold up nobody?
import { t } from '../support/tap.ts'
import { connectBytes, DEADLINE_MS, eventually, metric, startServerProcess } from '../support/index.ts'
import { bystander } from './support/bystander.ts'
import { CROWD, openCrowd } from './support/crowd.ts'
import { residentMiB } from './support/memory.ts'

/** Resident memory that one of them may cost, KiB. */
const KIB_EACH = 24

await t.test(`${CROWD} sockets`, async (t) => {
  const server = await startServerProcess(t, { settings: { PUSH_CONNECT_TIMEOUT: '5' } })
  const healthy = await bystander(t, server)
  const timeouts = () => metric(server, 'push_disconnects_total', 'code="CONNECT_TIMEOUT"')
  const before = residentMiB(server.pid)
  const bytes = connectBytes({ token: 'x'.repeat(20_000) })
  const sockets = await openCrowd(t, server.mqttPort)
  let most = before
  let sent = 0
  const drip = setInterval(() => {
    const next = bytes.subarray(sent, ++sent)
    for (const socket of sockets) if (socket.writable) socket.write(next)
    most = Math.max(most, residentMiB(server.pid))
  }, 200)
  t.teardown(() => clearInterval(drip))
  for (const socket of sockets) socket.resume()
  for (let count = 0; count < 5; count++) await healthy.isServed(t, 'a healthy device is served among them')

  await eventually('the end of all', () => sockets.every((socket) => socket.closed), DEADLINE_MS * 2)
  await eventually('the count', async () => (await timeouts()) === CROWD)
  t.comment(`resident memory: ${before.toFixed(0)} MiB before, ${most.toFixed(0)} MiB at most`)
  t.ok(most - before < 40 + (CROWD * KIB_EACH) / 1024, `${CROWD} cost ${Math.round(most - before)} MiB`)
  await healthy.isServed(t, 'and afterwards')
})
