// Where more waits in memory than the process may hold, does whoever holds most give way, and nobody else?
import { t } from '../support/tap.ts'
import { arrival, join, publish } from './support/people.ts'
import { serve } from './support/serve.ts'

const MIB = 1024 ** 2
await t.test('who is greedy is disconnected', async (t) => {
  const server = await serve(t, { limits: { queuedBytes: MIB, queuedBytesInAll: MIB } })
  const how = { expiry: 0, properties: { receiveMaximum: 1 } }
  const greedy = await join(t, server, 'greedy', how)
  await greedy.raw.subscribe(['all', 'much'], 1)
  const modest = await join(t, server, 'modest', how)
  await modest.raw.subscribe('all', 1)
  const writer = await join(t, server, 'writer', { expiry: 0 })
  const text = 'x'.repeat(100_000)
  let messageId = 0
  for (const topic of ['all', 'all', 'all', 'much', 'much', 'much', 'much', 'much', 'much', 'all', 'all']) {
    publish(writer.raw, topic, text, ++messageId)
    await writer.raw.next('puback')
  }
  t.match(await greedy.raw.next('disconnect'), { reasonCode: 0x97 })
  for (let each = 0; each < 5; each++) {
    const { messageId } = await arrival(modest.raw)
    modest.raw.puback({ messageId })
  }
  t.pass('the other one gets all')
})
