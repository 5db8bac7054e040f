// A small app lies among many token ids of another: does a page of it look at a bounded number, and does Redis send only its own?
import { randomBytes } from 'node:crypto'
import { t } from '../support/tap.ts'
import type { Store } from '../../store/contract.ts'
import { RedisObserver } from '../nodes/support/redis-work.ts'
import { startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'

const OTHERS = 6_000
const OWN = 20
/** One page looks at 2,048, and at whole buckets. */
const PAGES = 3
/** Seen: 2,000 in all. All that are looked at would be 500,000. */
const MOST_BYTES = 20_000

/** In eight of the partitions, all of which one page could see. */
async function register(store: Store, app: string, place: number): Promise<string> {
  const id = randomBytes(16)
  id[0] = place % 8
  const tokenId = id.toString('base64url')
  const deviceMark = randomBytes(6).toString('base64url')
  await store.registerToken({ tokenId, app, deviceMark, expiresAt: 2e12, details: { version: '1.0.0' } })
  return tokenId
}

await t.test('pages of a small app', async (t) => {
  const redis = await startRedis(t, { config: { appendonly: 'no' } })
  const store = await redisStore(t, { url: redis.url, limits: { sweepMs: 2 ** 31 - 1, redisProbeMs: 60_000 } })
  const count = async (app: string, times: number) =>
    await Promise.all(Array.from({ length: times }, (_, place) => register(store, app, place)))
  await count('large', OTHERS)
  const own = await count('small', OWN)
  const found: string[] = []
  let pages = 0
  const work = await new RedisObserver(t, redis).of(async () => {
    for (let after: string | undefined; ; ) {
      const { tokens, next } = await store.tokenPage(after, 100, 'small')
      pages += 1
      for (const { registration, details } of tokens) {
        t.equal(details.version, '1.0.0')
        found.push(registration.tokenId)
      }
      after = next
      // Behind those eight there is nothing.
      if (next === undefined || Buffer.from(next, 'base64url').readUInt8(0) >= 8) break
    }
  })
  t.same(found.toSorted(), own.toSorted(), 'each once')
  t.ok(pages >= PAGES, `${pages} pages`)
  t.ok(work.bytesOut < MOST_BYTES, `${work.bytesOut} bytes`)
})
