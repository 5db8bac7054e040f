// Does a message that takes a slow link longer than the stall timeout arrive, as long as the link takes something?
import { t } from '../support/tap.ts'
import { connectDevice, eventually, faultProxy, issueToken, metric, send, startServer } from '../support/index.ts'

const MIB = 1024 * 1024
const PAYLOAD = Buffer.alloc(16 * MIB - 1, 0x78)
const server = await startServer(t, {
  settings: {
    PUSH_STALL_TIMEOUT: '2',
    PUSH_MAX_PAYLOAD: String(16 * MIB),
    PUSH_MAX_PENDING_BYTES: String(64 * MIB),
    PUSH_MAX_BODY: String(32 * MIB),
  },
})
const proxy = await faultProxy(t, server.mqttPort)
const slowReaders = () => metric(server, 'push_disconnects_total', 'code="SLOW_READER"')

await t.test('a slow link', async (t) => {
  const issued = await issueToken(server, { app: 'chat', device: 'far-away' })
  const device = await connectDevice(t, server, issued, { subscribe: true, url: `mqtt://127.0.0.1:${proxy.port}` })
  proxy.throttle(2 * MIB)
  await send(server, { token: issued.tokenId }, PAYLOAD)
  const { payload, dup } = await device.next()
  t.equal(payload.length, PAYLOAD.length)
  t.notOk(dup, 'at the first attempt')
  t.equal(await slowReaders(), 0)

  proxy.freeze('down')
  await send(server, { token: issued.tokenId }, PAYLOAD)
  await eventually('the end of a link that takes nothing', async () => (await slowReaders()) === 1)
  // Neither end of a frozen link hears of the other.
  proxy.cut()
  await device.closed
})
