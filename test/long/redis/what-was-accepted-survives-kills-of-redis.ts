// With appendfsync always: is every message that was accepted still there, once, after Redis was killed under load?
import { t } from '../../support/tap.ts'
import { startRedis } from '../../support/index.ts'
import { redisStore } from '../../redis/support/engine.ts'
import { known, message } from '../../redis/support/people.ts'

await t.test('what was accepted survives kills of redis', async (t) => {
  const KILLS = 3
  const redis = await startRedis(t, { appendfsync: 'always' })
  const store = await redisStore(t, { url: redis.url, limits: { redisTimeoutMs: 10_000, privateMessages: 1_000_000 } })
  const tokens = await Promise.all(Array.from({ length: 20 }, (_, number) => known(store, `phone-${number}`)))
  const accepted = new Map<string, number>()
  let sent = 0
  let running = true

  async function publish(publisher: number): Promise<void> {
    while (running) {
      const position = (publisher + (sent += 1)) % tokens.length
      const id = `m${sent}`
      const { offset } = await store.append({ tokenId: tokens[position]!, message: message(id), dedupe: false })
      accepted.set(`${position} ${id}`, offset)
    }
  }

  const publishers = Array.from({ length: 16 }, (_, publisher) => publish(publisher))
  for (let kill = 0; kill < KILLS; kill += 1) {
    const before = accepted.size
    while (accepted.size < before + 500) await new Promise((resolve) => setImmediate(resolve))
    await redis.restart()
  }
  running = false
  await Promise.all(publishers)

  const found = new Map<string, number>()
  let total = 0
  for (const [position, token] of tokens.entries()) {
    const { entries } = await store.readPrivate(token, 0, { entries: 1_000_000, bytes: Infinity })
    total += entries.length
    for (const entry of entries) found.set(`${position} ${entry.id}`, entry.offset)
  }
  t.ok(accepted.size > KILLS * 500)
  t.same(
    [...accepted].filter(([key, offset]) => found.get(key) !== offset),
    [],
    'nothing that was accepted is lost',
  )
  t.equal(total, found.size, 'and nothing is there twice, though batches were sent again')
})
