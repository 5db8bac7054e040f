// Are the sums of a log right when most of it expired between messages that live on?
import { t } from '../support/tap.ts'
import { message, openLevel, register, texts, TOKEN } from './support/level.ts'

const DAY = 86_400_000
await t.test('a log with holes', async (t) => {
  let now = 1_800_000_000_000
  const counted = { expired: 0, dropped: 0 }
  const { store } = await openLevel(t, {
    now: () => now,
    limits: { privateMessages: 2_000, privateBytes: 10_000 },
    observer: {
      expired: (_, count) => {
        counted.expired += count
      },
      dropped: (_, count) => {
        counted.dropped += count
      },
    },
  })
  await register(store, TOKEN, now)
  const send = (payload: string, ttl: number) =>
    store.append({ tokenId: TOKEN, message: message({ now, payload, ttl }), dedupe: false })

  await send('first', 20 * DAY)
  for (let round = 0; round < 3; round += 1) {
    await Promise.all(Array.from({ length: 1_000 }, () => send('short', 1_000)))
    now += 1_000
    await store.sweep()
  }
  t.same(counted, { expired: 3_000, dropped: 0 })
  await send('second', 20 * DAY)
  t.same(await texts(store), ['first', 'second'], 'read across the hole')

  t.match(await send('x'.repeat(9_990), 20 * DAY), { dropped: 1 }, 'one goes from before the hole')
  t.match(await send('y', 20 * DAY), { dropped: 0 })
  await store.commit([{ tokenId: TOKEN, private: 3_002 }])
  t.same(await texts(store), ['x'.repeat(9_990), 'y'])
  await send('z', 20 * DAY)
  t.match(await send('zz', 20 * DAY), { dropped: 0 }, 'what was acknowledged counts no more')
  t.match(await send('zzzzzzzz', 20 * DAY), { dropped: 1 })
  t.same(await texts(store), ['y', 'z', 'zz', 'zzzzzzzz'])
  await store.commit([{ tokenId: TOKEN, private: Infinity }])
  t.same(await texts(store), [])
  t.same(counted, { expired: 3_000, dropped: 2 })
})
