// Does a session that was resumed on another node go on, when the time that it had on the node it left is over?
import { t } from '../support/tap.ts'
import { connectProvider, eventually, type Device, type Server } from '../support/index.ts'
import { join, KEPT, twoNodes } from './support/nodes.ts'

const app = 'shop'

t.test('a session moves', async (t) => {
  const { redis, a, b } = await twoNodes(t)
  const { device, issued } = await join(t, a, b, { app, device: 'till', account: 'ann', version: '1.0.0' })
  const topic = `${app}/u/${issued.tokenId}/orders`

  /** Subscribes, and leaves a session that lives so long. */
  async function leave(node: Server, clientId: string, seconds: number): Promise<void> {
    const provider = await connectProvider(t, node, {
      clientId,
      clean: false,
      properties: { sessionExpiryInterval: seconds },
    })
    await provider.subscribe(`${app}/u/#`)
    await provider.reset()
  }
  async function resume(node: Server): Promise<Device> {
    const provider = await connectProvider(t, node, { ...KEPT, clientId: 'moves' })
    t.equal(provider.connack.sessionPresent, true)
    return provider
  }

  await leave(a, 'moves', 1)
  const there = await resume(b)
  // Its time begins after the other's.
  await leave(a, 'stays', 1)
  await eventually(
    'the end of the session that stayed',
    async () => !(await redis.cli('keys', '*:session:*')).includes('stays'),
  )

  await device.publish(topic, 'while connected')
  t.equal((await there.next()).text, 'while connected')
  await there.reset()
  await device.publish(topic, 'while away')
  const back = await resume(a)
  t.equal((await back.next()).text, 'while away')
})
