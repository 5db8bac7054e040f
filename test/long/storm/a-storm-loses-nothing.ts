// Three nodes, one killed every second, and Redis every fifth time: is all that was accepted delivered, to the right devices?
import { t } from '../../support/tap.ts'
import { startRedis } from '../../support/index.ts'
import { publisherKind } from '../crash/support/publishers.ts'
import { rideOut } from './support/ride-out.ts'

const SECONDS = Number(process.env.PUSH_TEST_SECONDS ?? 180)
const EVERY_MS = 1_000
const DEVICES = 50
const PUBLISHERS = 10

await t.test(`a storm of ${SECONDS} s`, async (t) => {
  const redis = await startRedis(t)
  const { accepted, duplicated, strikes } = await rideOut(t, {
    urls: [redis.url, redis.url, redis.url],
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
  // What comes twice is what a kill finds delivered and not written yet. How much that is depends on the disk.
  const kills = strikes.nodes + strikes.store
  t.ok(
    duplicated < kills * DEVICES,
    `${duplicated} came twice in ${kills} kills: less than one for each device and kill`,
  )
  t.ok(accepted > SECONDS * 10, 'under load')
})
