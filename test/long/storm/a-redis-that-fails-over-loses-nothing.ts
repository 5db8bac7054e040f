// A storm in which Sentinels make another Redis the master again and again: is all that was accepted delivered?
import { setTimeout as pause } from 'node:timers/promises'
import { t } from '../../support/tap.ts'
import { type Failover, startSentinelRedis } from '../../support/index.ts'
import { publisherKind } from '../crash/support/publishers.ts'
import { rideOut } from './support/ride-out.ts'

const SECONDS = Number(process.env.PUSH_TEST_SECONDS ?? 180)
const LONG = SECONDS >= 60
/** Long enough for a node to start in, also where no master answers. */
const EVERY_MS = 5_000
const DEVICES = LONG ? 50 : 20
const PUBLISHERS = 10
/** A master that stood still may come back before its clients have given it up, or after. */
const LONGEST_ABSENCE_MS = 4_000
const KINDS: readonly Failover[] = ['frozen', 'killed', 'planned']

await t.test(`a storm of ${SECONDS} s`, async (t) => {
  const redis = await startSentinelRedis(t, { config: { 'min-replicas-to-write': '1' } })
  const backAfterMs: number[] = []
  let failovers = 0
  const { accepted } = await rideOut(t, {
    urls: [redis.url, redis.url, redis.url],
    settings: { PUSH_REDIS_WAIT: '1' },
    devices: DEVICES,
    publishers: Array.from({ length: PUBLISHERS }, (_, index) => publisherKind(index)),
    seconds: SECONDS,
    everyMs: EVERY_MS,
    storeEvery: 1,
    async strikeStore(random, ledger) {
      const how = KINDS[failovers++ % KINDS.length] ?? 'killed'
      await redis.failOver(how)
      const start = performance.now()
      const before = ledger.acceptedCount
      const accepting = ledger.until(() => ledger.acceptedCount > before)
      const noted = accepting.then(() => backAfterMs.push(Math.round(performance.now() - start)))
      await pause(random.between(0, LONGEST_ABSENCE_MS))
      await redis.bringBack()
      // So that there is somebody to fail over to the next time.
      if (LONG) await redis.untilWhole()
      await noted
    },
  })
  t.comment(`${failovers} failovers; accepted again after ${backAfterMs.join(', ')} ms with the new master`)
  t.ok(accepted > SECONDS * 2, 'under load')
})
