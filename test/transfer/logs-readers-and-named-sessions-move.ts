// Does everything that version 2 of an export holds survive a move to Redis and back, an import that fails anywhere, and a second one?
import type { Test } from 'tap'
import { PushError } from '../../errors.ts'
import { t } from '../support/tap.ts'
import { openLevelStore, type Store } from '../../store/index.ts'
import { openRedisStore } from '../../store/redis/index.ts'
import {
  exportStore,
  type Imported,
  importStore,
  noCounts,
  nothingImported,
  splitLines,
} from '../../store/transfer/index.ts'
import { startRedis, temporaryFolder } from '../support/index.ts'
import { fill, namedOf, START, unreadOf } from './support/full-store.ts'

const clock = { now: START }
const options = { now: () => clock.now, limits: { sweepMs: 2 ** 31 - 1 } }

async function level(t: Test): Promise<Store> {
  const store = openLevelStore({ ...options, directory: temporaryFolder(t, 'level') })
  await store.open()
  t.teardown(() => store.close())
  return store
}

async function linesOf(store: Store, id: string): Promise<string[]> {
  const lines: string[] = []
  for await (const line of exportStore(store, { id, secrets: [], counts: noCounts() })) lines.push(line)
  return lines
}

async function take(store: Store, lines: readonly string[]): Promise<Imported> {
  const imported = nothingImported()
  async function* pieces() {
    yield* lines
  }
  await importStore(store, splitLines(pieces()), { secrets: store, now: () => clock.now, imported })
  return imported
}

/** Everything that was unread is there, in order and at the end; before it may come what was passed in another part. */
function nothingIsLost(
  t: Test,
  found: Record<string, unknown[]>,
  wanted: Record<string, unknown[]>,
  name: string,
): void {
  for (const [key, entries] of Object.entries(wanted)) {
    const all = found[key] ?? []
    t.same(entries.length === 0 ? [] : all.slice(-entries.length), entries, `${name}: ${key}`)
    if (key.includes(' away ')) t.equal(all.length, entries.length, `${name}: nothing comes twice for who was away`)
  }
}

await t.test('level, Redis, level', async (t) => {
  const redis = await startRedis(t, { appendfsync: 'no' })
  const first = await level(t)
  const second = openRedisStore({ ...options, url: redis.url })
  await second.open()
  t.teardown(() => second.close())
  const third = await level(t)
  await fill(first)
  // Some of the messages, a reader and a session are over by now, and the will of that session waits.
  clock.now = START + 1_000
  const lines = await linesOf(first, 'one')
  const unread = await unreadOf(first, clock.now)
  const named = await namedOf(first, clock.now)

  const imported = await take(second, lines)
  t.equal(imported.topics, 4, 'they wait for the persistence of Aedes')
  t.match(imported, { duplicates: 0, dropped: 0, sessions: 0 })
  t.ok(Object.keys(unread).length > 30)
  t.same(await unreadOf(second, clock.now), unread, 'each reader has what it had not passed')
  t.same(await namedOf(second, clock.now), named)

  const again = await take(second, lines)
  t.ok(again.duplicates > 100)
  t.same(await unreadOf(second, clock.now), unread, 'the same export adds nothing')
  t.same(await namedOf(second, clock.now), named)

  await take(third, await linesOf(second, 'two'))
  nothingIsLost(t, await unreadOf(third, clock.now), unread, 'back again')
  t.same(await namedOf(third, clock.now), named)
})

await t.test('general topics', async (t) => {
  const [first, second] = [await level(t), await level(t)]
  await fill(first)
  t.equal((await take(second, await linesOf(first, 'topics'))).topics, 0)
  const topics: unknown[][] = [[], []]
  for (const [at, store] of [first, second].entries()) {
    for await (const { topic, qos, id, payload } of store.retainedTopics?.retainedTopics('') ?? [])
      topics[at]?.push([topic, qos, id, Buffer.from(payload).toString()])
  }
  t.equal(topics[0]?.length, 4)
  t.same(topics[1], topics[0])
})

/** Fails at the call of this number, and at all after it. */
function failing(store: Store, calls: number): Store {
  let left = calls
  return new Proxy(store, {
    get(target, name): unknown {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...args: unknown[]): unknown => {
        const counts = typeof name === 'string' && /^(restore|open|save|append|move|close|change|commit)/.test(name)
        if (counts && left <= 0) return Promise.reject(new PushError('STORE_UNAVAILABLE'))
        if (counts) left -= 1
        return Reflect.apply(value, target, args)
      }
    },
  })
}

await t.test('an import that ends anywhere is run again', async (t) => {
  const first = await level(t)
  await fill(first)
  const lines = await linesOf(first, 'fails')
  const unread = await unreadOf(first, clock.now)
  const named = await namedOf(first, clock.now)
  for (let calls = 3; ; calls += 23) {
    const store = await level(t)
    const ended = await take(failing(store, calls), lines).then(
      () => true,
      () => false,
    )
    if (!ended) await take(store, lines)
    nothingIsLost(t, await unreadOf(store, clock.now), unread, `after ${calls} calls`)
    t.same(await namedOf(store, clock.now), named, `after ${calls} calls`)
    if (ended) break
  }
})
