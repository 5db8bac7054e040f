// Does a provider that is connected to one node get what a device publishes upstream on another, stored before the PUBACK?
import { t } from '../support/tap.ts'
import { connectProvider } from '../support/index.ts'
import { join, twoNodes } from './support/nodes.ts'

await t.test('upstream across nodes', async (t) => {
  const { a, b } = await twoNodes(t)
  const app = 'shop'
  const provider = await connectProvider(t, b)
  const other = await connectProvider(t, b)
  t.same(await provider.subscribe(`${app}/u/#`), [1])
  t.same(await other.subscribe('mail/u/#'), [1])
  const { device, issued } = await join(t, b, a, { app, device: 'till', account: 'ann', version: '1.0.0' })

  for (let number = 1; number <= 20; number += 1) {
    await device.publish(`${app}/u/${issued.tokenId}/orders`, `order ${number}`)
  }
  const arrived = await provider.nextN(20)
  t.same(
    arrived.map(({ text }) => text),
    Array.from({ length: 20 }, (_, index) => `order ${index + 1}`),
    'all of it, in order',
  )
  t.same([...new Set(arrived.map(({ topic }) => topic))], [`${app}/u/${issued.tokenId}/orders`])
  t.same(other.received, [], 'a provider that asked for another app hears nothing')
})
