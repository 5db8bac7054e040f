// When the disk was full and is freed, is every upstream message that was acknowledged there after the next start?
import { t } from '../support/tap.ts'
import {
  connectDevice,
  connectProvider,
  type ConnectOptions,
  issueToken,
  runProgram,
  startServerProcess,
} from '../support/index.ts'

const KEPT: ConnectOptions = { clean: false, clientId: 'backend', properties: { sessionExpiryInterval: 3600 } }

await t.test('a full disk, then freed', async (t) => {
  const server = await startServerProcess(t, { settings: { PUSH_LOG_LEVEL: 'fatal', PUSH_MAX_DEVICE_PUBLISHES: '0' } })
  const provider = await connectProvider(t, server, KEPT)
  await provider.subscribe('shop/u/#')
  await provider.end()
  const issued = await issueToken(server, { app: 'shop', device: 'phone', account: 'ann' })
  const phone = await connectDevice(t, server, issued)
  const acknowledged: string[] = []
  const publish = async (text: string) => {
    await phone.publish(`shop/u/${issued.tokenId}/said`, text)
    acknowledged.push(text)
  }
  // No file grows beyond this: as on a full disk, a write stops in its middle.
  const fileSize = (bytes: string) => runProgram(t, 'prlimit', [`--pid=${server.pid}`, `--fsize=${bytes}:unlimited`])
  for (let count = 0; count < 10; count++) await publish(`before ${count} ${'x'.repeat(1_000)}`)
  await fileSize('20000')
  await t.rejects(async () => {
    for (let count = 0; count < 50; count++) await publish(`full ${count} ${'x'.repeat(1_000)}`)
  }, 'a full disk refuses')
  await fileSize('unlimited')
  for (let count = 0; count < 10; count++) await publish(`after ${count}`)

  await server.restart()
  const again = await connectProvider(t, server, KEPT)
  const marker = await connectDevice(t, server, issued)
  await marker.publish(`shop/u/${issued.tokenId}/said`, 'marker')
  await again.queue.nextWhere(({ text }) => text === 'marker')
  const texts = new Set(again.received.map(({ text }) => text))
  const lost = acknowledged.filter((text) => !texts.has(text))
  t.equal(lost.length, 0, 'nothing that was acknowledged is lost')
})
