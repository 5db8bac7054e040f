// Three nodes, one killed every second or two, and Redis every fifth time: is all that was accepted delivered, to the right devices?
import t from 'tap'
import { startRedis } from '../../support/index.ts'
import { publisherKind } from '../crash/support/publishers.ts'
import { rideOut } from './support/ride-out.ts'

const SECONDS = Number(process.env.PUSH_TEST_SECONDS ?? 180)
/** A short run starts its nodes again half as often: the rest of the time it delivers, as a long one does. */
const EVERY_MS = SECONDS >= 60 ? 1_000 : 2_000
const DEVICES = 50
const PUBLISHERS = 10
/** What comes twice is what a kill or a reset finds delivered, and not written yet. */
const MOST_DUPLICATES = 0.01

await t.test(`a storm of ${SECONDS} s`, async (t) => {
  const redis = await startRedis(t)
  const { accepted, repeated } = await rideOut(t, {
    url: redis.url,
    devices: DEVICES,
    publishers: Array.from({ length: PUBLISHERS }, (_, index) => publisherKind(index)),
    seconds: SECONDS,
    everyMs: EVERY_MS,
    storeEvery: 5,
    async strikeStore() {
      await redis.kill()
      await redis.restart()
    },
  })
  t.ok(repeated < MOST_DUPLICATES, `less than ${MOST_DUPLICATES * 100} % comes twice`)
  t.ok(accepted > SECONDS * 10, 'under load')
})
