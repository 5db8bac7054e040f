// How many commands of Redis does a message cost, private and broadcast? A bound that fails when they grow.
import { t } from '../support/tap.ts'
import { least, RedisObserver } from '../nodes/support/redis-work.ts'
import { startNode } from '../nodes/support/nodes.ts'
import { batchWorld } from '../support/batches.ts'
import { startRedis } from '../support/index.ts'

const DEVICES = 8
/** Of one write of the provider: 4 for each device. */
const BATCH = 32
const BATCHES = 5
/** The best of these: a busy machine cuts a batch into pieces, which cost more. */
const ROUNDS = 6
/** Seen: 1.9 and 2.9. Commands that a script makes count each; one more a message is above these. */
const MOST_FOR_PRIVATE = 2.7
const MOST_FOR_BROADCAST = 3.8

await t.test('batches of messages to devices that are connected', async (t) => {
  const redis = await startRedis(t)
  const node = await startNode(t, redis.url, { PUSH_SWEEP: '3600', PUSH_SESSION_RECHECK: '3600' })
  const { issued, send } = await batchWorld(t, node, DEVICES)
  const observer = new RedisObserver(t, redis)
  const privateTopics = Array.from({ length: BATCH }, (_, at) => issued[at % DEVICES]?.topics.private ?? '')
  const broadcastTopics = Array.from({ length: BATCH / 4 }, () => issued[0]?.topics.broadcast ?? '')

  for (const { name, topics, arrivals, most } of [
    { name: 'private', topics: privateTopics, arrivals: BATCH / DEVICES, most: MOST_FOR_PRIVATE },
    { name: 'broadcast', topics: broadcastTopics, arrivals: BATCH / 4, most: MOST_FOR_BROADCAST },
  ]) {
    await send(topics, arrivals)
    const work = await least(ROUNDS, () =>
      observer.of(async () => {
        for (let batch = 0; batch < BATCHES; batch += 1) await send(topics, arrivals)
      }),
    )
    const each = work.total / BATCHES / topics.length
    t.comment(`${name}: ${each.toFixed(2)} commands, ${JSON.stringify(work.commands)}`)
    t.ok(each <= most, `a ${name} message costs ${each.toFixed(2)} commands, at most ${most}`)
  }
})
