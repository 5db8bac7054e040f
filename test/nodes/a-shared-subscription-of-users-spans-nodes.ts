// Do users on two nodes who share a filter get each message once in all, whatever its QoS, also when one of them leaves?
import { t } from '../support/tap.ts'
import { connect, type Device, eventually, startRedis } from '../support/index.ts'
import { embed, JOE } from '../plugin/support/embed.ts'

const { url: redisUrl } = await startRedis(t)
const [a, b] = [await embed(t, { redisUrl }), await embed(t, { redisUrl })]
const KEPT = { clean: false, properties: { sessionExpiryInterval: 100 } }

const texts = (members: readonly Device[]) => members.flatMap(({ received }) => received.map(({ text }) => text)).sort()
const numbers = (from: number, count: number) => Array.from({ length: count }, (_, at) => `${from + at}`).sort()

async function publish(publisher: Device, topic: string, from: number, count: number, qos: 0 | 1 | 2): Promise<void> {
  for (let number = from; number < from + count; number++) await publisher.publish(topic, `${number}`, { qos })
}

await t.test('QoS 1 and 2: each once, and both nodes take part', async (t) => {
  const [onA, onB] = [await connect(t, a, JOE), await connect(t, b, JOE)]
  for (const member of [onA, onB]) t.same(await member.subscribe('$share/g/work/#', { qos: 2 }), [2])
  for (const [at, node] of [a, b].entries())
    await publish(await connect(t, node, JOE), 'work/x', 100 + at * 100, 30, at === 0 ? 1 : 2)
  await eventually('sixty', () => texts([onA, onB]).length >= 60)
  t.same(texts([onA, onB]), [...numbers(100, 30), ...numbers(200, 30)].sort())
  t.ok(onA.received.length > 0 && onB.received.length > 0)
})

await t.test('QoS 0 to one of all, also from a node without a member', async (t) => {
  const [one, two] = [await connect(t, a, JOE), await connect(t, a, JOE)]
  for (const member of [one, two]) await member.subscribe('$share/g/told/#', { qos: 2 })
  for (const node of [a, b]) {
    const publisher = await connect(t, node, JOE)
    await publish(publisher, 'told/x', node === a ? 100 : 200, 10, 0)
  }
  await eventually('twenty', () => texts([one, two]).length >= 20)
  t.same(texts([one, two]), [...numbers(100, 10), ...numbers(200, 10)].sort())
})

await t.test('what a member did not acknowledge goes to one on the other node', async (t) => {
  const slow = await connect(t, a, JOE, { manualAck: true })
  await slow.subscribe('$share/g/left/#')
  const publisher = await connect(t, b, JOE)
  await publish(publisher, 'left/x', 100, 5, 1)
  await slow.nextN(5)
  const next = await connect(t, b, JOE)
  await next.subscribe('$share/g/left/#')
  await slow.reset()
  t.same((await next.nextN(5)).map(({ text }) => text).sort(), numbers(100, 5))
})

await t.test('it is kept while all members are away, and ends with the last', async (t) => {
  const how = { ...KEPT, clientId: 'member' }
  const member = await connect(t, a, JOE, how)
  await member.subscribe('$share/g/away/#', { qos: 2 })
  await member.end()
  const publisher = await connect(t, b, JOE)
  await publish(publisher, 'away/x', 100, 3, 1)
  await publish(publisher, 'away/x', 103, 3, 2)
  const back = await connect(t, b, JOE, how)
  t.equal(back.connack.sessionPresent, true)
  t.same((await back.nextN(6)).map(({ text }) => text).sort(), numbers(100, 6))
  await back.client.unsubscribeAsync('$share/g/away/#')
  await publish(publisher, 'away/x', 200, 1, 1)
  await back.subscribe('$share/g/away/#')
  await publish(publisher, 'away/x', 300, 1, 1)
  t.equal((await back.next()).text, '300')
})
