// Do providers on two nodes who share `<app>/u/#` get each upstream message once in all, also when one of them leaves?
import { t } from '../support/tap.ts'
import { connectProvider, eventually } from '../support/index.ts'
import { join, twoNodeProcesses, twoNodes } from './support/nodes.ts'

const texts = (members: readonly { received: readonly { text: string }[] }[]) =>
  members.flatMap(({ received }) => received.map(({ text }) => text)).sort()

await t.test('a group of providers on two nodes', async (t) => {
  const { a, b } = await twoNodeProcesses(t)
  const app = 'shop'
  const { device, issued } = await join(t, b, a, { app, device: 'till', account: 'ann', version: '1.0.0' })
  const publish = async (from: number, count: number) => {
    for (let number = from; number < from + count; number++)
      await device.publish(`${app}/u/${issued.tokenId}/orders`, `order ${number}`)
  }
  const orders = (from: number, count: number) =>
    Array.from({ length: count }, (_, index) => `order ${from + index}`).sort()

  const onA = await connectProvider(t, a)
  const onB = await connectProvider(t, b)
  const alone = await connectProvider(t, b)
  for (const each of [onA, onB])
    t.same(
      await each.subscribe(`$share/workers/${app}/u/#`, { qos: 2 }),
      [1],
      [a, b].flatMap(({ logs }) => logs).join('\n'),
    )
  await alone.subscribe(`$share/others/${app}/u/#`)
  await publish(10, 40)
  await eventually('forty orders', () => texts([onA, onB]).length >= 40)
  await alone.nextN(40)
  t.same(texts([onA, onB]), orders(10, 40), 'each once')
  t.ok(onA.received.length > 0 && onB.received.length > 0, 'both nodes take part')
  await onB.end()

  const slow = await connectProvider(t, b, { manualAck: true })
  await slow.subscribe(`$share/workers/${app}/u/#`)
  await onA.end()
  await publish(50, 5)
  await slow.nextN(5)
  const next = await connectProvider(t, a)
  await next.subscribe(`$share/workers/${app}/u/#`)
  await slow.reset()
  t.same((await next.nextN(5)).map(({ text }) => text).sort(), orders(50, 5), 'what was not acknowledged on one node')

  await b.kill()
  await publish(60, 5)
  t.same((await next.nextN(5)).map(({ text }) => text).sort(), orders(60, 5))
})

await t.test('a session on one node is resumed on the other, with its queue and its packet ids', async (t) => {
  const { a, b } = await twoNodes(t)
  const app = 'kept'
  const { device, issued } = await join(t, a, a, { app, device: 'till', account: 'ann', version: '1.0.0' })
  const publish = (text: string) => device.publish(`${app}/u/${issued.tokenId}/x`, text)
  const how = { clientId: 'backend', clean: false, properties: { sessionExpiryInterval: 100 } }
  const first = await connectProvider(t, a, { ...how, manualAck: true })
  t.equal(first.connack.sessionPresent, false)
  await first.subscribe([`${app}/u/#`, `$share/g/${app}/u/#`])
  await publish('one')
  const sent = await first.nextN(2)
  const second = await connectProvider(t, b, how)
  t.equal(second.connack.sessionPresent, true)
  const again = await second.nextN(2)
  t.same(
    again.map(({ text }) => text),
    ['one', 'one'],
    'by its own subscription, and by the one it shares',
  )
  t.ok(again.some(({ packetId, dup }) => dup && sent.some((each) => each.packetId === packetId)))
  await first.closed
  await publish('two')
  t.same(
    (await second.nextN(2)).map(({ text }) => text),
    ['two', 'two'],
  )
})
