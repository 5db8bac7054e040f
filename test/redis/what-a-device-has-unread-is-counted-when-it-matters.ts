// Shares are counted only while much is unread: is each device refused at its share, however the rest comes and goes?
import { t } from '../support/tap.ts'
import { eventually, startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { APP, idOf } from './support/people.ts'
import { publisher } from './support/upstream.ts'

/** Of a part: 60 messages, 6 of each device. */
const LIMITS = { sweepMs: 2 ** 31 - 1, upstreamMessages: 960 }
const SHARE = 6

await t.test('two devices of one part', async (t) => {
  const redis = await startRedis(t, { config: { appendonly: 'no' } })
  const store = await redisStore(t, { url: redis.url, limits: LIMITS })
  const part = store.upstreamPart(idOf('phone'))
  let other = 'device 0'
  for (let number = 1; store.upstreamPart(idOf(other)) !== part; number += 1) other = `device ${number}`
  const [phone, tablet] = [await publisher(store, 'phone'), await publisher(store, other)]
  await store.openReader({ app: APP, reader: 'reader', expiresAt: Infinity })
  const move = (cursor: number) => store.moveReader(APP, 'reader', [{ part, cursor }])
  const shares = () => redis.cli('hlen', `{push:${part}}us${APP}`)
  /** As many as are accepted, in one batch or one by one. */
  async function flood(from: typeof phone, together: boolean): Promise<number[]> {
    const offsets: number[] = []
    let refused = 0
    const send = async (): Promise<void> => {
      try {
        offsets.push((await from.publish('x')).offset)
      } catch (error) {
        t.match(error, { code: 'UPSTREAM_SHARE' })
        refused += 1
      }
    }
    if (together) await Promise.all(Array.from({ length: 2 * SHARE }, send))
    else while (refused === 0) await send()
    return offsets
  }

  for (const together of [false, true]) {
    t.equal(await shares(), '0')
    await tablet.publish('one')
    await tablet.publish('two')
    const first = await flood(phone, together)
    t.equal(first.length, SHARE)
    t.equal((await flood(tablet, together)).length, SHARE - 2, 'what came before it was counted counts')
    t.equal(await shares(), '2')
    await move(first[1] ?? 0)
    t.equal((await flood(phone, together)).length, 2, 'what was read makes room')
    // All but the last two: so little that nobody has too much.
    const { entries } = await store.readUpstream(APP, part, 0, { entries: 100, bytes: Infinity })
    await move(entries.at(-3)?.offset ?? 0)
    t.equal(await shares(), '0')
    t.equal((await flood(phone, together)).length, SHARE - 2)
    t.equal(await shares(), '1', 'and it is found again')
    await move(Number.MAX_SAFE_INTEGER)
    await eventually('nothing that is unread', async () => (await shares()) === '0')
  }
})
