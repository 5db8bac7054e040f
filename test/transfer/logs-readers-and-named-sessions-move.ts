// Does everything that later versions of an export hold survive a move to Redis and back, an import that fails anywhere, and a second one?
import type { Test } from 'tap'
import { PushError } from '../../errors.ts'
import { t } from '../support/tap.ts'
import { openLevelStore, type Store } from '../../store/index.ts'
import { EPOCHS_TABLE } from '../../store/revocations.ts'
import { openRedisStore } from '../../store/redis/index.ts'
import { openRedisRetained } from '../../broker/aedes/redis-retained.ts'
import { retainedInStore } from '../../broker/index.ts'
import {
  exportStore,
  type Imported,
  importStore,
  noCounts,
  nothingImported,
  splitLines,
} from '../../store/transfer/index.ts'
import { startRedis, temporaryFolder } from '../support/index.ts'
import {
  fill,
  namedOf,
  type Place,
  RETAINED_SINCE,
  retainedOf,
  rowsOf,
  START,
  TABLES,
  unreadOf,
} from './support/full-store.ts'

const clock = { now: START }
const options = { now: () => clock.now, limits: { sweepMs: 2 ** 31 - 1 } }

async function level(t: Test): Promise<Place> {
  const store = openLevelStore({ ...options, directory: temporaryFolder(t, 'level') })
  await store.open()
  t.teardown(() => store.close())
  return { store, topics: retainedInStore(store.retainedTopics) }
}

async function redisAt(t: Test, url: string): Promise<Place> {
  const store = openRedisStore({ ...options, url })
  await store.open()
  const topics = openRedisRetained({ url, prefix: 'push', now: options.now })
  t.teardown(async () => {
    topics.close()
    await store.close()
  })
  return { store, topics }
}

async function linesOf({ store, topics }: Place, id: string): Promise<string[]> {
  const lines: string[] = []
  for await (const line of exportStore(store, { id, secrets: [], topics, tables: TABLES, counts: noCounts() }))
    lines.push(line)
  return lines
}

async function take({ store, topics }: Place, lines: readonly string[]): Promise<Imported> {
  const imported = nothingImported()
  async function* pieces() {
    yield* lines
  }
  await importStore(store, splitLines(pieces()), { secrets: store, topics, now: () => clock.now, imported })
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
  const second = await redisAt(t, redis.url)
  const third = await level(t)
  await fill(first)
  // Some of the messages, a reader and a session are over by now, and the will of that session waits.
  clock.now = START + 1_000
  const lines = await linesOf(first, 'one')
  const unread = await unreadOf(first.store, clock.now)
  const named = await namedOf(first.store, clock.now)
  const retained = await retainedOf(first)
  t.equal(retained.length, 4)
  const rows = (await rowsOf(first)).filter((row) => row !== 'x=78 Infinity')
  t.equal(rows.length, 29)

  const imported = await take(second, lines)
  t.match(imported, { duplicates: 0, dropped: 0, sessions: 0 })
  t.ok(Object.keys(unread).length > 30)
  t.same(await unreadOf(second.store, clock.now), unread, 'each reader has what it had not passed')
  t.same(await namedOf(second.store, clock.now), named)
  t.same(await retainedOf(second), retained)
  t.same(await rowsOf(second), rows, 'the tables that were named')

  await second.store.writeRow({ table: 'keys', key: 'ä 0' })
  await second.store.writeRow({ table: 'keys', key: 'ä 2', value: Buffer.from([1]) })
  const since = await rowsOf(second)
  await second.topics.retain({ ...RETAINED_SINCE, storedAt: clock.now })
  const again = await take(second, lines)
  t.ok(again.duplicates > 100)
  t.same(await unreadOf(second.store, clock.now), unread, 'the same export adds nothing')
  t.same(await namedOf(second.store, clock.now), named)
  const newer = retained.filter(([topic]) => topic !== RETAINED_SINCE.topic)
  t.equal(newer.length, 3)
  const others = (await retainedOf(second)).filter(([topic]) => topic !== RETAINED_SINCE.topic)
  t.same(others, newer)
  t.same(await rowsOf(second), since, 'what was removed or changed since stays so')
  t.match(await retainedOf(second), [[RETAINED_SINCE.topic, 1, 'since', 'newer']], 'and takes nothing back')

  await take(third, await linesOf(second, 'two'))
  nothingIsLost(t, await unreadOf(third.store, clock.now), unread, 'back again')
  t.same(await namedOf(third.store, clock.now), named)
  t.same(await retainedOf(third), await retainedOf(second))
  t.same(await rowsOf(third), since)

  const fourth = await level(t)
  await fourth.store.writeRow({ table: 'codes', key: 'ä 1', value: Buffer.from('other') })
  t.match(await take(fourth, lines), { rows: 1 }, 'another row of the same key is told of')
  t.match((await fourth.store.readRow('codes', 'ä 1'))?.value, Buffer.from('other'), 'and stays')
})

await t.test('of two revocations of the same, the later one holds', async (t) => {
  const first = await level(t)
  const tables = [EPOCHS_TABLE]
  const epochs: readonly [string, number][] = [
    ['later there', 7],
    ['later here', 5],
    ['only there', 3],
  ]
  for (const [key, epoch] of epochs) await first.store.writeRow({ table: EPOCHS_TABLE, key, value: rowOf(epoch) })
  const lines: string[] = []
  for await (const line of exportStore(first.store, {
    id: 'epochs',
    secrets: [],
    topics: first.topics,
    tables,
    counts: noCounts(),
  }))
    lines.push(line)
  const second = await level(t)
  for (const key of ['later there', 'later here'])
    await second.store.writeRow({ table: EPOCHS_TABLE, key, value: rowOf(6), expiresAt: START + 9_000 })
  t.match(await take(second, lines), { rows: 0 })
  const rows = await second.store.readRows(EPOCHS_TABLE, '', 10)
  t.same(
    rows.map(({ key, value, expiresAt }) => [key, Buffer.from(value).readDoubleBE(1), expiresAt]),
    [
      ['later here', 6, START + 9_000],
      ['later there', 7, Infinity],
      ['only there', 3, Infinity],
    ],
  )
})

function rowOf(epoch: number): Buffer {
  const bytes = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 0])
  bytes.writeDoubleBE(epoch, 1)
  return bytes
}

/** Fails at the call of this number, and at all after it. */
function failing(store: Store, calls: number): Store {
  let left = calls
  return new Proxy(store, {
    get(target, name): unknown {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...args: unknown[]): unknown => {
        const counts =
          typeof name === 'string' && /^(restore|note|write|open|save|append|move|close|change|commit)/.test(name)
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
  const unread = await unreadOf(first.store, clock.now)
  const named = await namedOf(first.store, clock.now)
  const retained = await retainedOf(first)
  const rows = (await rowsOf(first)).filter((row) => row !== 'x=78 Infinity')
  for (let calls = 3; ; calls += 23) {
    const place = await level(t)
    const ended = await take({ ...place, store: failing(place.store, calls) }, lines).then(
      () => true,
      () => false,
    )
    if (!ended) await take(place, lines)
    nothingIsLost(t, await unreadOf(place.store, clock.now), unread, `after ${calls} calls`)
    t.same(await namedOf(place.store, clock.now), named, `after ${calls} calls`)
    t.same(await retainedOf(place), retained, `after ${calls} calls`)
    t.same(await rowsOf(place), rows, `after ${calls} calls`)
    if (ended) break
  }
})
