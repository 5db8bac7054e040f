/** Going through everything, a portion at a time. */
import type { KnownNamedSession, KnownReader, KnownToken, ReaderPart, UpstreamEntry } from '../contract.ts'
import { type Client, servers } from './connection.ts'
import { tokenIdOf } from './events.ts'
import {
  appKey,
  appOfKey,
  broadcastBase,
  BUCKETS,
  bucketName,
  logKeysPattern,
  logOfKey,
  PARTITIONS,
  partitionBase,
} from './keys.ts'
import type { Lanes, Result } from './lanes.ts'
import { asCursors } from './marks.ts'
import type { Packed } from './pack.ts'
import { unavailable } from './script.ts'
import { asBytes, asList, asNumber, asText, BUCKET, NAMED_SESSIONS, READERS_OF } from './steps.ts'

const BUCKETS_AT_ONCE = 8
const KEYS_A_SCAN = 1_000
const PARTITIONS_AT_ONCE = 32
const START = '0'
/** What `bucket` answers for each token id. */
const FIELDS = 11

export async function* knownTokens(lanes: Lanes, prefix: string): AsyncIterable<KnownToken> {
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const base = partitionBase(prefix, partition)
    const first = Buffer.from([partition])
    for (let bucket = 0; bucket < BUCKETS; bucket += BUCKETS_AT_ONCE) {
      const numbers = Array.from({ length: BUCKETS_AT_ONCE }, (_, number) => bucket + number)
      const results = await Promise.all(numbers.map((number) => lanes.run(BUCKET, base, bucketName(number), first)))
      for (const result of results) yield* tokensOf(result)
    }
  }
}

function* tokensOf(result: Result): Iterable<KnownToken> {
  for (let at = 0; at + FIELDS <= result.length; at += FIELDS) {
    const [id, app, mark, expires, generation, revoked, current, cursor, broadcast, last, marks] = result.slice(
      at,
      at + FIELDS,
    )
    yield {
      registration: {
        tokenId: tokenIdOf(asBytes(id)),
        app: asText(app),
        deviceMark: asBytes(mark).toString('base64url'),
        expiresAt: asNumber(expires) * 1000,
      },
      generation: asNumber(generation),
      revoked: revoked === true,
      current: current === true,
      cursors: asCursors(cursor, broadcast, marks),
      privateEnd: asNumber(last),
    }
  }
}

/** Goes over all keys of every master: what no call that serves may do. */
export async function* knownApps(client: Client, prefix: string): AsyncIterable<string> {
  const apps = new Set<string>()
  try {
    for await (const key of allKeys(client, appKey(broadcastBase(prefix, '*')))) {
      const app = appOfKey(prefix, key)
      if (app !== undefined) apps.add(app)
    }
  } catch (error) {
    throw unavailable('the apps cannot be listed', error)
  }
  yield* apps
}

interface Logs {
  readonly client: Client
  readonly lanes: Lanes
  readonly prefix: string
  readonly retained: (app: string) => AsyncIterable<UpstreamEntry>
}

/** Also goes over all keys. */
export async function* knownLogs({ client, lanes, prefix, retained }: Logs): AsyncIterable<string> {
  const logs = new Set<string>()
  try {
    for await (const key of allKeys(client, logKeysPattern(prefix))) {
      const log = logOfKey(prefix, key)
      if (log !== undefined) logs.add(log)
    }
  } catch (error) {
    throw unavailable('the upstream logs cannot be listed', error)
  }
  for (const log of logs) {
    // A key tells what was: readers end, and what is retained expires.
    const isRead = (await knownReaders(lanes, prefix, log)).length > 0
    if (isRead || (await isAny(retained(log)))) yield log
  }
}

async function isAny(entries: AsyncIterable<unknown>): Promise<boolean> {
  for await (const _ of entries) return true
  return false
}

export async function knownReaders(lanes: Lanes, prefix: string, log: string): Promise<readonly KnownReader[]> {
  const results = await Promise.all(
    Array.from({ length: PARTITIONS }, (_, part) => lanes.run(READERS_OF, partitionBase(prefix, part), log)),
  )
  const readers = new Map<string, { expiresAt: number; parts: ReaderPart[] }>()
  for (const [part, [last, ...fields]] of results.entries()) {
    for (let at = 0; at + 3 < fields.length; at += 4) {
      const [name, cursor, expires, missed] = fields.slice(at, at + 4)
      const known = readers.get(asText(name)) ?? { expiresAt: 0, parts: [] }
      readers.set(asText(name), known)
      known.expiresAt = Math.max(known.expiresAt, asNumber(expires) || Infinity)
      known.parts.push({ part, cursor: asNumber(cursor), end: asNumber(last), missed: asNumber(missed) })
    }
  }
  return Array.from(readers, ([reader, known]) => ({ reader, ...known }))
}

export async function* knownNamedSessions(lanes: Lanes, prefix: string): AsyncIterable<KnownNamedSession> {
  for (let first = 0; first < PARTITIONS; first += PARTITIONS_AT_ONCE) {
    const bases = Array.from({ length: PARTITIONS_AT_ONCE }, (_, number) => partitionBase(prefix, first + number))
    const pages = await Promise.all(bases.map((base) => lanes.run(NAMED_SESSIONS, base, START)))
    for (const [position, page] of pages.entries()) yield* namedSessionsOf(lanes, bases[position] ?? '', page)
  }
}

/** From its first page on. A page may tell again what an earlier one told. */
async function* namedSessionsOf(lanes: Lanes, base: string, first: Result): AsyncIterable<KnownNamedSession> {
  const told = new Set<string>()
  for (let page = first; ; ) {
    const [next, ...sessions] = page
    for (const each of sessions) {
      const session = namedSessionOf(asList(each))
      if (told.has(session.name)) continue
      told.add(session.name)
      yield session
    }
    const cursor = asText(next)
    if (cursor === START) return
    page = await lanes.run(NAMED_SESSIONS, base, cursor)
  }
}

function namedSessionOf(fields: readonly Packed[]): KnownNamedSession {
  const [field, name, epoch, isHeld, kept, expires, state, received, willAt, will] = fields
  const flat = asList(received)
  const packetIds: [number, string][] = []
  for (let at = 0; at + 1 < flat.length; at += 2) packetIds.push([Number(asText(flat[at])), asText(flat[at + 1])])
  return {
    name: asText(name === false ? field : name),
    epoch: asNumber(epoch),
    held: isHeld === true,
    keptMs: asNumber(kept) < 0 ? Infinity : asNumber(kept),
    expiresAt: asNumber(expires) || Infinity,
    ...(state instanceof Buffer ? { state } : {}),
    received: packetIds.sort(([one], [other]) => one - other),
    ...(will instanceof Buffer ? { will: { publishAt: asNumber(willAt), value: will } } : {}),
  }
}

async function* allKeys(client: Client, pattern: string): AsyncIterable<string> {
  for (const server of servers(client)) {
    let cursor = START
    do {
      const [next, keys] = await server.scan(cursor, 'MATCH', pattern, 'COUNT', KEYS_A_SCAN)
      yield* keys
      cursor = next
    } while (cursor !== START)
  }
}
