// Three nodes, each cut off from Redis again and again, and killed in between: is all that was accepted delivered?
import { setTimeout as pause } from 'node:timers/promises'
import { t } from '../../support/tap.ts'
import { type FaultProxy, faultProxy, startRedis } from '../../support/index.ts'
import { publisherKind } from '../crash/support/publishers.ts'
import { rideOut } from './support/ride-out.ts'

const SECONDS = Number(process.env.PUSH_TEST_SECONDS ?? 180)
const EVERY_MS = 3_000
const DEVICES = 50
const PUBLISHERS = 10
/** Longer than the time-out of Redis, and than a node's connections take to come back. */
const LONGEST_MS = 8_000
const FAULTS: readonly ((proxy: FaultProxy) => void)[] = [
  (proxy) => proxy.cut(),
  (proxy) => proxy.refuse(),
  (proxy) => proxy.freeze(),
  // What a node sends arrives, and it hears no answer; and the other way round.
  (proxy) => proxy.freeze('down'),
  (proxy) => proxy.freeze('up'),
]

await t.test(`partitions for ${SECONDS} s`, async (t) => {
  const redis = await startRedis(t)
  const proxies = [
    await faultProxy(t, redis.port),
    await faultProxy(t, redis.port),
    await faultProxy(t, redis.port),
  ] as const
  const [a, b, c] = proxies
  const { accepted } = await rideOut(t, {
    urls: [`redis://127.0.0.1:${a.port}`, `redis://127.0.0.1:${b.port}`, `redis://127.0.0.1:${c.port}`],
    devices: DEVICES,
    publishers: Array.from({ length: PUBLISHERS }, (_, index) => publisherKind(index)),
    seconds: SECONDS,
    everyMs: EVERY_MS,
    storeEvery: 1,
    async strikeStore(random) {
      const proxy = random.pick(proxies)
      random.pick(FAULTS)(proxy)
      await pause(random.between(100, LONGEST_MS))
      proxy.heal()
    },
  })
  t.ok(accepted > SECONDS * 5, 'under load')
})
