// Is what a device acknowledged over HTTP on one node not sent to it by another, nor the other way round?
import { t } from '../support/tap.ts'
import { ack, barrier, lookup, send } from '../support/index.ts'
import { untilNothingIsPending } from '../delivery/support/messages.ts'
import { connectAll, join, KEPT, twoNodes } from './support/nodes.ts'

await t.test('one cursor for all nodes', async (t) => {
  const { a, b } = await twoNodes(t)
  const app = 'news'
  const { issued, device } = await join(t, a, b, { app, device: 'phone', account: 'ann', version: '1.0.0' }, KEPT)
  await device.reset()

  await send(a, { token: issued.tokenId }, 'private')
  await send(b, { app, versions: '*' }, 'broadcast')
  const { messages, cursor } = await lookup(a, issued.token)
  t.same(messages.map(({ payload }) => payload).sort(), ['broadcast', 'private'])
  await ack(a, issued.token, cursor)
  const back = await connectAll(t, b, issued, KEPT)
  const all = { app, versions: '*' }
  const before = [...(await barrier(a, back)), ...(await barrier(a, back, all))]
  t.same(
    before.map(({ text }) => text).filter((text) => !text.startsWith('barrier-')),
    [],
    'read over HTTP on one node, it is not sent by the other',
  )

  await send(a, { token: issued.tokenId }, 'over MQTT')
  t.equal((await back.next()).text, 'over MQTT')
  await untilNothingIsPending(a, issued)
  t.same((await lookup(a, issued.token)).messages, [], 'acknowledged over MQTT, it is not found over HTTP')
})

await t.test('acknowledged over HTTP while another node has it under way', async (t) => {
  const { a, b } = await twoNodes(t)
  const names = { app: 'news', device: 'phone', account: 'ann', version: '1.0.0' }
  const { issued, device } = await join(t, a, b, names, { ...KEPT, manualAck: true })
  await send(a, { token: issued.tokenId }, 'once')
  t.equal((await device.next()).text, 'once')
  await ack(a, issued.token, (await lookup(a, issued.token)).cursor)
  await untilNothingIsPending(b, issued)
  await device.reset()
  const back = await connectAll(t, b, issued, KEPT)
  t.same(await barrier(a, back), [], 'it does not come again')
})
