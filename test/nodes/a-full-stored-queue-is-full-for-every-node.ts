// Does the queue of a session that is away take nothing new from any node once it is full, and count it?
import { t } from '../support/tap.ts'
import { connectProvider, issueToken, connectDevice, metric } from '../support/index.ts'
import { KEPT, twoNodes } from './support/nodes.ts'

const LIMIT = 5
const app = 'shop'

t.test('a full queue', async (t) => {
  const { a, b } = await twoNodes(t, { PUSH_MAX_STORED: `${LIMIT}` })
  const provider = await connectProvider(t, a, { ...KEPT, clientId: 'backend' })
  await provider.subscribe(`${app}/u/#`)
  await provider.end()

  const issued = await issueToken(a, { app, device: 'till', account: 'ann', version: '1.0.0' })
  const topic = `${app}/u/${issued.tokenId}/orders`
  for (const [name, node] of Object.entries({ a, b })) {
    const device = await connectDevice(t, node, issued)
    for (let number = 1; number <= LIMIT; number++) await device.publish(topic, `${name}${number}`)
    await device.end()
  }
  t.equal(await metric(a, 'push_stored_dropped_total'), 0)
  t.equal(await metric(b, 'push_stored_dropped_total'), LIMIT)

  const back = await connectProvider(t, b, { ...KEPT, clientId: 'backend' })
  const texts = (await back.nextN(LIMIT)).map(({ text }) => text)
  t.same(texts, ['a1', 'a2', 'a3', 'a4', 'a5'], 'the oldest are kept')
})
