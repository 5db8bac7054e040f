// Thirty readers are opened and closed at one moment, in all parts: do they wait for each other, and all end well?
import { t } from '../support/tap.ts'
import { startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { APP } from './support/people.ts'
import { publisher } from './support/upstream.ts'

const READERS = 30

await t.test('more steps than may wait for Redis', async (t) => {
  const redis = await startRedis(t, { config: { appendonly: 'no' } })
  const store = await redisStore(t, { url: redis.url, limits: { redisCalls: 4_200 } })
  const names = Array.from({ length: READERS }, (_, number) => `reader ${number}`)
  const opened = await Promise.all(names.map((reader) => store.openReader({ app: APP, reader, expiresAt: Infinity })))
  t.ok(opened.every((parts) => parts.length === store.upstreamParts))
  const phone = await publisher(store, 'phone')
  const { offset } = await phone.publish('hello')
  const moves = opened[0]!.map(({ part }) => ({ part, cursor: offset }))
  t.same(
    await Promise.all(names.map((reader) => store.moveReader(APP, reader, moves))),
    names.map(() => true),
  )
  // In the order of the calls: what is opened and closed is closed.
  await Promise.all([
    ...names.map((reader) => store.closeReader(APP, reader)),
    store.openReader({ app: APP, reader: 'short', expiresAt: Infinity }),
    store.closeReader(APP, 'short'),
  ])
  t.match(await phone.publish('nobody'), { read: false })
})
