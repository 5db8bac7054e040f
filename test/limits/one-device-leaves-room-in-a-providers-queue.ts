// When one device fills the queue of a provider that is away, is another device's message kept, or refused?
import { t } from '../support/tap.ts'
import { connectDevice, connectProvider, type ConnectOptions, issueToken } from '../support/index.ts'
import { embed } from '../plugin/support/embed.ts'

const KEPT: ConnectOptions = { clean: false, clientId: 'backend', properties: { sessionExpiryInterval: 3600 } }
const QUEUE = 10

await t.test('a full queue', async (t) => {
  const embedded = await embed(t, {}, { limits: { storedMessages: QUEUE, devicePublishes: 0 } })
  const provider = await connectProvider(t, embedded, KEPT)
  await provider.subscribe('shop/u/#')
  await provider.end()
  const device = async (name: string) => {
    const issued = await issueToken(embedded, { app: 'shop', device: name, account: 'ann' })
    const connected = await connectDevice(t, embedded, issued)
    return (text: string) =>
      connected.publish(`shop/u/${issued.tokenId}/said`, text).then(
        () => true,
        () => false,
      )
  }
  const loud = await device('loud')
  for (let count = 0; count < QUEUE * 2; count++) await loud(`loud ${count}`)
  const isAcknowledged = await (await device('quiet'))('quiet')
  const again = await connectProvider(t, embedded, KEPT)
  await loud('last')
  const [first] = again.received.length > 0 ? again.received : [await again.next()]
  t.ok(first, 'what was queued arrives')
  await again.nextN(QUEUE - 2)
  const isThere = again.received.some(({ text }) => text === 'quiet')
  t.equal(isThere, isAcknowledged, 'acknowledged means kept')
})
