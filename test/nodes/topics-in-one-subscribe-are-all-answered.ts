// Is a SUBSCRIBE with several topics answered for each of them, at once and again, by a server on Redis?
import { t } from '../support/tap.ts'
import { connectProvider } from '../support/index.ts'
import { join, KEPT, twoNodes } from './support/nodes.ts'

await t.test('several topics in one SUBSCRIBE', async (t) => {
  const { a, b } = await twoNodes(t)
  for (const options of [{}, { ...KEPT, clientId: 'kept' }, { protocolVersion: 4 as const, clean: false }]) {
    const provider = await connectProvider(t, a, options)
    t.same(await provider.subscribe(['shop/u/#', 'mail/u/#']), [1, 1])
    t.same(await provider.subscribe(['shop/u/#', 'news/u/+/orders', 'mail/u/#']), [1, 1, 1], 'and again')
    for (const app of ['shop', 'mail']) {
      const { device, issued } = await join(t, b, b, { app, device: 'phone', account: 'ann', version: '1.0.0' })
      await device.publish(`${app}/u/${issued.tokenId}/x`, app)
      t.equal((await provider.next()).text, app, `${app} is subscribed`)
      await device.end()
    }
    await provider.end()
  }
})
