// How many system calls that write does a delivered message cost the server? A bound that fails when they grow.
import { t } from '../support/tap.ts'
import { batchWorld, writeCallsOf } from '../support/batches.ts'
import { startServerProcess } from '../support/index.ts'

const DEVICES = 12
/** Of one write of the provider; no more than a device's window. */
const BATCH = 16
/** For one device in a batch; those of all are no more than a provider may have unacknowledged. */
const EACH = 4
const BATCHES = 5
/** The best of these: a busy machine cuts a batch into pieces, which cost more. */
const ROUNDS = 6
/** Seen: 0.65 and 0.15, PUBACKs, a PINGRESP for each device and batch, and the disk included. */
const MOST_FOR_PRIVATE = 0.85
const MOST_FOR_BROADCAST = 0.25

await t.test('batches of messages to devices that are connected', async (t) => {
  const server = await startServerProcess(t, { settings: { PUSH_LOG_LEVEL: 'warn' } })
  const { issued, send } = await batchWorld(t, server, DEVICES)
  const broadcastTopics = Array.from({ length: BATCH }, () => issued[0]?.topics.broadcast ?? '')
  const privateTopics = issued.flatMap(({ topics }) => Array.from({ length: EACH }, () => topics.private))

  for (const { name, topics, arrivals, most } of [
    { name: 'private', topics: privateTopics, arrivals: EACH, most: MOST_FOR_PRIVATE },
    { name: 'broadcast', topics: broadcastTopics, arrivals: BATCH, most: MOST_FOR_BROADCAST },
  ]) {
    await send(topics, arrivals)
    let calls = Infinity
    for (let round = 0; round < ROUNDS; round += 1) {
      const before = writeCallsOf(server.pid)
      for (let batch = 0; batch < BATCHES; batch += 1) await send(topics, arrivals)
      calls = Math.min(calls, writeCallsOf(server.pid) - before)
    }
    const each = calls / (BATCHES * arrivals * DEVICES)
    t.comment(`${name}: ${each.toFixed(3)} writes a delivery`)
    t.ok(each <= most, `a delivered ${name} message costs ${each.toFixed(3)} writes, at most ${most}`)
  }
})
