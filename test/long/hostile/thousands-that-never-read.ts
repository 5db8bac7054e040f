// Do thousands of devices that never read what is sent to them leave memory bounded, and a healthy one served?
import { t } from '../../support/tap.ts'
import {
  connectBytes,
  DEADLINE_MS,
  eventually,
  issueToken,
  metric,
  send,
  startServerProcess,
  within,
} from '../../support/index.ts'
import { bystander } from '../../hostile/support/bystander.ts'
import { openCrowd } from '../../hostile/support/crowd.ts'
import { residentMiB } from '../../hostile/support/memory.ts'

const DEAF = 1_000
const BROADCASTS = 20
const PAYLOAD = Buffer.alloc(200 * 1024, 0x78)
/** What one may hold, KiB: PUSH_MAX_OUTPUT, the message that goes over it, and its session. */
const KIB_EACH = 64 + 200 + 32

await t.test(`${DEAF} devices`, async (t) => {
  const server = await startServerProcess(t, {
    settings: { PUSH_STALL_TIMEOUT: '20', PUSH_CONNECT_TIMEOUT: '60', PUSH_MAX_OUTPUT: '65536' },
  })
  const healthy = await bystander(t, server)
  const sockets = await openCrowd(t, server.mqttPort, DEAF)
  // SUBSCRIBE to `flood/1` with packet id 1.
  const subscribe = Buffer.from([0x82, 12, 0, 1, 0, 7, ...Buffer.from('flood/1'), 1])
  for (let from = 0; from < sockets.length; from += 50) {
    await Promise.all(
      sockets.slice(from, from + 50).map(async (socket, index) => {
        const { token } = await issueToken(server, { app: 'flood', device: `deaf-${from + index}`, version: '1' })
        const answers = new Promise<void>((resolve) => {
          let bytes = 0
          // CONNACK and SUBACK; after them it never reads again.
          socket.on('data', (chunk: Buffer) => {
            bytes += chunk.length
            if (bytes < 9) return
            socket.pause()
            socket.removeAllListeners('data')
            resolve()
          })
        })
        socket.write(Buffer.concat([connectBytes({ token, clientId: `deaf-${from + index}` }), subscribe]))
        await within('CONNACK and SUBACK', answers)
      }),
    )
  }
  const before = residentMiB(server.pid)
  let most = before
  const look = setInterval(() => (most = Math.max(most, residentMiB(server.pid))), 100)
  t.teardown(() => clearInterval(look))
  for (let count = 0; count < BROADCASTS; count++) {
    await send(server, { app: 'flood', versions: '*' }, PAYLOAD)
    await healthy.isServed(t, 'a healthy device is served among them')
  }
  const slow = () => metric(server, 'push_disconnects_total', 'code="SLOW_READER"')
  await eventually('the end of all', async () => (await slow()) === DEAF, DEADLINE_MS * 3)
  t.comment(`resident memory: ${before.toFixed(0)} MiB before, ${most.toFixed(0)} MiB at most`)
  t.ok(most - before < 160 + (DEAF * KIB_EACH) / 1024, `${DEAF} cost ${Math.round(most - before)} MiB`)
  t.equal(await metric(server, 'push_connections', 'principal="device"'), 1, 'only the healthy one is left')
  await healthy.isServed(t, 'and afterwards')
})
