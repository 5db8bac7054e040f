// Does the queue of a session that is away stop growing, keep what it has, count what it did not take, and take again?
import { t } from '../support/tap.ts'
import { connect, metric, type Device } from '../support/index.ts'
import { embed, JOE } from './support/embed.ts'
import { received } from './support/members.ts'

const LIMIT = 5
const embedded = await embed(t, { limits: { storedMessages: LIMIT } })
const writer = await connect(t, embedded, JOE, { clientId: 'writer' })
const away = { clean: false, properties: { sessionExpiryInterval: 100 } }

async function write(topic: string, from: number, to: number): Promise<void> {
  for (let number = from; number <= to; number++) await writer.publish(topic, `${number}`)
}

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => `${from + index}`)
const texts = async (device: Device, count: number) => (await device.nextN(count)).map(({ text }) => text)
const dropped = () => metric(embedded, 'push_dropped_total', 'destination="session"')

await t.test('a session', async (t) => {
  const how = { clientId: 'reader', ...away }
  const reader = await connect(t, embedded, JOE, how)
  await reader.subscribe('queue/#')
  await reader.end()
  const other = await connect(t, embedded, JOE)
  await other.subscribe('queue/#')
  await write('queue/a', 1, LIMIT + 3)
  t.same(await texts(other, LIMIT + 3), numbers(1, LIMIT + 3), 'nobody else is held back')
  t.equal(await dropped(), 3)

  const back = await connect(t, embedded, JOE, how)
  t.same(await texts(back, LIMIT), numbers(1, LIMIT), 'the oldest are kept')
  // The server has read the acknowledgements, and the next connection waits until the queue is what they made of it.
  await back.publish('done', '')
  await back.end()
  await (await connect(t, embedded, JOE, how)).end()
  await write('queue/a', 201, 200 + LIMIT)
  const again = await connect(t, embedded, JOE, how)
  t.same(await texts(again, LIMIT), numbers(201, 200 + LIMIT), 'and it takes as many again')
  t.equal(await dropped(), 3)
})

await t.test('a shared subscription', async (t) => {
  const how = { clientId: 'member', ...away }
  const member = await connect(t, embedded, JOE, how)
  await member.subscribe('$share/group/shared/#')
  await member.end()
  const before = await dropped()
  await write('shared/a', 1, LIMIT + 2)
  t.equal((await dropped()) - before, 2)
  const back = await connect(t, embedded, JOE, how)
  await back.nextN(LIMIT)
  t.same(received([back]), numbers(1, LIMIT))
})
