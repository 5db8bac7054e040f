// Does the session of a provider outlive the restart of all nodes, get what was sent meanwhile, and go on at another node?
import { t } from '../support/tap.ts'
import { connectProvider, eventually, metric } from '../support/index.ts'
import { join, KEPT, twoNodes } from './support/nodes.ts'

await t.test('a session of a provider roams', async (t) => {
  const { a, b } = await twoNodes(t)
  const app = 'shop'
  const options = { ...KEPT, clientId: 'backend' }
  const first = await connectProvider(t, a, options)
  t.equal(first.connack.sessionPresent, false)
  await first.subscribe(`${app}/u/#`)
  const names = { app, device: 'till', account: 'ann', version: '1.0.0' }
  const { device, issued } = await join(t, a, b, names)
  const topic = `${app}/u/${issued.tokenId}/orders`
  await device.publish(topic, 'while connected')
  t.equal((await first.next()).text, 'while connected')
  await eventually(
    'the PUBACK',
    async () => (await metric(a, 'push_acknowledged_total', 'destination="upstream"')) === 1,
  )
  await first.reset()

  await device.publish(topic, 'while away')
  await Promise.all([a.restart(), b.restart()])
  const again = await join(t, a, a, names)
  await again.device.publish(topic, 'after the restart')

  const second = await connectProvider(t, b, options)
  t.equal(second.connack.sessionPresent, true, 'the other node resumes it')
  t.same(
    (await second.nextN(2)).map(({ text }) => text),
    ['while away', 'after the restart'],
  )
  await again.device.publish(topic, 'and goes on')
  t.equal((await second.next()).text, 'and goes on', 'it is still subscribed')
})
