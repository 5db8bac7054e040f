// Does push.close() tell clients, answer who waits, keep what was accepted, and let the same directory be opened again?
import { t } from '../support/tap.ts'
import {
  connect,
  connectDevice,
  connectProvider,
  connectRaw,
  type Issued,
  issueToken,
  lookup,
  request,
  send,
  temporaryFolder,
} from '../support/index.ts'
import { embed, JOE } from './support/embed.ts'

const dataDir = temporaryFolder(t)
let issued: Issued
const persistent = { clean: false, clientId: 'kept', properties: { sessionExpiryInterval: 3600 } }

await t.test('a close with everybody connected', async (t) => {
  const first = await embed(t, { dataDir })
  issued = await issueToken(first, { app: 'chat', device: 'phone-1' })
  const device = await connectDevice(t, first, issued, { ...persistent, subscribe: true, manualAck: true })
  const old = await connectDevice(t, first, await issueToken(first, { app: 'chat', device: 'phone-2' }), {
    protocolVersion: 4,
  })
  const provider = await connectProvider(t, first)
  const user = await connect(t, first, JOE)
  await user.subscribe('home/#')
  const silent = await connectRaw(t, first.mqttPort)
  const waiting = await issueToken(first, { app: 'chat', device: 'phone-3' })
  const longPoll = lookup(first, waiting.token, { wait: 60 })
  // Its answer comes after the close; that it waits is seen by a call that was sent later and is answered.
  await request(first, 'GET', '/healthz')

  for (const text of ['one', 'two', 'three']) await send(first, { token: issued.tokenId }, text)
  const [one, two] = await device.nextN(3)
  device.ack(one!)
  device.ack(two!)
  await device.subscribe(issued.topics.private, { retainHandling: 2 })

  first.listener.close()
  await first.push.close()
  await Promise.all([device, old, provider, user, silent].map(({ closed }) => closed))
  t.equal(device.disconnectPacket?.reasonCode, 0x8b, 'a device is told')
  t.equal(provider.disconnectPacket?.reasonCode, 0x8b, 'a provider is told')
  t.equal(user.disconnectPacket?.reasonCode, 0x8b, "a user of the embedder's is told")
  t.same((await longPoll).messages, [], 'a long poll is answered')
  await first.push.close()
  t.pass('closing again is no error')
})

await t.test('the same directory again, in the same process', async (t) => {
  const second = await embed(t, { dataDir })
  const back = await connectDevice(t, second, issued, persistent)
  t.equal(back.connack.sessionPresent, true)
  const message = await back.next()
  t.equal(message.text, 'three', 'what was acknowledged does not come again, what was not does')
  t.equal(message.dup, true)
})

await t.test('one that nobody connected to', async (t) => {
  const { createPush } = await import('../../index.ts')
  const push = await createPush({ dataDir: temporaryFolder(t), providers: [] })
  await push.close()
  t.pass('closes')
})
