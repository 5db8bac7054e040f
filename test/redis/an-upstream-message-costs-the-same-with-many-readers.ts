// Does Redis do as much for an upstream message with 100 readers as with one, and no more for each of them that moves on?
import { t } from '../support/tap.ts'
import { least, RedisObserver, type RedisWork } from '../nodes/support/redis-work.ts'
import { startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { APP } from './support/people.ts'
import { publisher } from './support/upstream.ts'

const READERS = 100
const ROUNDS = 4
/** Seen: 9. Four of them are those of every batch. */
const MOST_FOR_AN_APPEND = 9
/** Seen: 9, when the last reader passes what is trimmed then. */
const MOST_FOR_A_MOVE = 9

await t.test('an append and a move', async (t) => {
  const redis = await startRedis(t, { config: { appendonly: 'no' } })
  const store = await redisStore(t, { url: redis.url, limits: { sweepMs: 2 ** 31 - 1, redisProbeMs: 600_000 } })
  const observer = new RedisObserver(t, redis)
  const phone = await publisher(store, 'phone')
  const part = store.upstreamPart(phone.tokenId)
  const open = (number: number) =>
    store.openReader({ app: APP, reader: `reader ${number}`, expiresAt: Infinity }).then(() => undefined)
  const move = (number: number, cursor: number) => store.moveReader(APP, `reader ${number}`, [{ part, cursor }])

  /** Of one append, and of a move of each reader up to it. */
  async function costs(readers: number): Promise<{ append: RedisWork; moves: RedisWork }> {
    let offset = 0
    const append = await least(ROUNDS, () =>
      observer.of(async () => {
        offset = (await phone.publish('hello')).offset
      }),
    )
    const moves = await observer.of(async () => {
      for (let number = 0; number < readers; number += 1) t.equal(await move(number, offset), true)
    })
    t.same((await store.readUpstream(APP, part, 0, { entries: 1, bytes: 1 })).entries, [], 'all have passed it')
    return { append, moves }
  }

  await open(0)
  const one = await costs(1)
  await Promise.all(Array.from({ length: READERS - 1 }, (_, number) => open(number + 1)))
  const many = await costs(READERS)
  t.comment(`an append: ${JSON.stringify(one.append.commands)}`)
  t.comment(`a move: ${JSON.stringify(one.moves.commands)}; ${READERS}: ${JSON.stringify(many.moves.commands)}`)
  t.same(many.append.commands, one.append.commands)
  t.ok(one.append.total <= MOST_FOR_AN_APPEND, `an append costs ${one.append.total}`)
  t.ok(one.moves.total <= MOST_FOR_A_MOVE, `a move costs ${one.moves.total}`)
  t.ok(many.moves.total <= READERS * one.moves.total, `${READERS} moves cost ${many.moves.total}`)
  t.equal(many.moves.commands['hvals'], 1, 'the cursors of all are looked at when the last one moves on')
})
