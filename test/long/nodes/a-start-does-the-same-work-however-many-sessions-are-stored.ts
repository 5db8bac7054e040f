// Does a node do the same work at its start with 0 and with 200,000 stored sessions?
import type { Test } from 'tap'
import { t } from '../../support/tap.ts'
import { startRedis } from '../../support/index.ts'
import { openStore, storeSessions } from '../../nodes/support/bulk.ts'
import { startNode } from '../../nodes/support/nodes.ts'
import { least, RedisObserver, type RedisWork } from '../../nodes/support/redis-work.ts'

const SESSIONS = 200_000
const STARTS = 3

interface Starts {
  readonly work: RedisWork
  readonly milliseconds: number
}

async function startsOn(t: Test, sessions: number): Promise<Starts> {
  const redis = await startRedis(t, { config: { appendonly: 'no' } })
  const store = await openStore(t, redis.url)
  await storeSessions(store, 'shop', sessions)
  await store.close()
  // The first start makes the keys that all nodes share.
  await (await startNode(t, redis.url)).stop()
  const observer = new RedisObserver(t, redis)
  let milliseconds = Infinity
  const work = await least(STARTS, async () => {
    let stop: () => Promise<unknown> = () => Promise.resolve()
    const seen = await observer.of(async () => {
      const before = performance.now()
      const node = await startNode(t, redis.url, { PUSH_SWEEP: '3600', PUSH_SESSION_RECHECK: '3600' })
      milliseconds = Math.min(milliseconds, performance.now() - before)
      stop = () => node.stop()
    })
    await stop()
    return seen
  })
  t.comment(`${sessions} sessions: ready in ${milliseconds.toFixed(0)} ms, the best of ${STARTS}`)
  t.comment(`  ${JSON.stringify(work.commands)}, ${work.bytesIn} bytes in, ${work.bytesOut} bytes out`)
  await redis.kill()
  return { work, milliseconds }
}

await t.test(`a start with 0 and with ${SESSIONS} sessions`, async (t) => {
  const none = await startsOn(t, 0)
  const many = await startsOn(t, SESSIONS)
  t.same(many.work.commands, none.work.commands, 'the same commands')
  t.ok(many.work.bytesOut < none.work.bytesOut * 1.1, 'and no more is read')
})
