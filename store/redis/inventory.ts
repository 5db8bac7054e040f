/** Going through everything, a portion at a time. */
import { PushError } from '../../errors.ts'
import { isTokenId } from '../../topics/index.ts'
import type { KnownNamedSession, KnownReader, KnownToken, ReaderPart, TokenPage, UpstreamEntry } from '../contract.ts'
import { type Client, servers } from './connection.ts'
import { asDetails } from './details.ts'
import { tokenIdOf } from './events.ts'
import {
  appKey,
  appOfKey,
  broadcastBase,
  BUCKETS,
  logKey,
  logKeysPattern,
  logOfKey,
  PARTITIONS,
  partitionBase,
} from './keys.ts'
import type { Lanes, Result } from './lanes.ts'
import { asCursors } from './marks.ts'
import type { Packed } from './pack.ts'
import { unavailable } from './script.ts'
import { asBytes, asList, asNumber, asText, NAMED_SESSIONS, READERS_OF, TOKEN_PAGE } from './steps.ts'

const TOKENS_AT_ONCE = 1_000
/** Partitions that one page looks at, as most may be empty, and token ids, as most may be of other apps. */
const PARTITIONS_A_PAGE = 16
const LOOKED_A_PAGE = 2_048
const PLACES = PARTITIONS * BUCKETS
const TOKEN_ID_BYTES = 16
const KEYS_A_SCAN = 1_000
const PARTITIONS_AT_ONCE = 32
const START = '0'
/** What `page` answers for each token id. */
const FIELDS = 14

/** The sizes of the hashes that hold them, one a partition. */
export async function pendingMessages(client: Client, prefix: string): Promise<number> {
  try {
    const partitions = Array.from({ length: PARTITIONS }, (_, number) => logKey(partitionBase(prefix, number)))
    const sizes = await Promise.all(partitions.map((key) => client.hlen(key)))
    return sizes.reduce((sum, size) => sum + size, 0)
  } catch (error) {
    throw unavailable('Redis does not count messages', error)
  }
}

export async function* knownTokens(lanes: Lanes, prefix: string): AsyncIterable<KnownToken> {
  for (let after: string | undefined; ; ) {
    const { tokens, next } = await tokenPage(lanes, prefix, after, TOKENS_AT_ONCE)
    yield* tokens
    if (next === undefined) return
    after = next
  }
}

/**
 * Partition by partition, bucket by bucket, which is the order of the bytes of token ids: `after` is one of these, or the
 * last one that a bucket can have.
 * @throws CURSOR_INVALID
 */
export async function tokenPage(
  lanes: Lanes,
  prefix: string,
  after: string | undefined,
  most: number,
  app?: string,
): Promise<TokenPage> {
  if (after !== undefined && !isTokenId(after)) throw new PushError('CURSOR_INVALID')
  const from = after === undefined ? undefined : bytesOf(after)
  const tokens: KnownToken[] = []
  let place = from === undefined ? 0 : placeOf(from)
  let toLookAt = LOOKED_A_PAGE
  for (let visited = 0; visited < PARTITIONS_A_PAGE && place < PLACES && toLookAt > 0; visited += 1) {
    const partition = Math.floor(place / BUCKETS)
    const told = [place % BUCKETS, Buffer.from([partition]), Math.max(1, most - tokens.length), toLookAt, app ?? false]
    const [next, looked, ...fields] = await lanes.run(TOKEN_PAGE, partitionBase(prefix, partition), ...told)
    tokens.push(...inOrder(tokensOf(fields), from))
    toLookAt -= asNumber(looked)
    place = partition * BUCKETS + asNumber(next)
    if (tokens.length >= most) break
  }
  // A bucket comes as a whole.
  const last = tokens.length > most ? tokens[most - 1]?.registration.tokenId : undefined
  if (last !== undefined) return { tokens: tokens.slice(0, most), next: last }
  return place < PLACES ? { tokens, next: lastBefore(place) } : { tokens }
}

function inOrder(tokens: Iterable<KnownToken>, after: Buffer | undefined): KnownToken[] {
  return [...tokens]
    .map((token) => ({ token, bytes: bytesOf(token.registration.tokenId) }))
    .filter(({ bytes }) => after === undefined || Buffer.compare(bytes, after) > 0)
    .toSorted((one, other) => Buffer.compare(one.bytes, other.bytes))
    .map(({ token }) => token)
}

function bytesOf(tokenId: string): Buffer {
  return Buffer.from(tokenId, 'base64url')
}

/** As `bucket_of` in token.lua has it. */
function placeOf(bytes: Buffer): number {
  return bytes.readUInt8(0) * BUCKETS + Math.floor(bytes.readUInt8(1) / (256 / BUCKETS))
}

function lastBefore(place: number): string {
  const bytes = Buffer.alloc(TOKEN_ID_BYTES, 0xff)
  bytes.writeUInt8(Math.floor((place - 1) / BUCKETS), 0)
  bytes.writeUInt8((((place - 1) % BUCKETS) + 1) * (256 / BUCKETS) - 1, 1)
  return bytes.toString('base64url')
}

function* tokensOf(fields: Result): Iterable<KnownToken> {
  for (let at = 0; at + FIELDS <= fields.length; at += FIELDS) {
    const [id, app, mark, expires, generation, revoked, current, cursor, broadcast, last, ...rest] = fields.slice(
      at,
      at + FIELDS,
    )
    const [marks, seen, details, missed] = rest
    yield {
      registration: {
        tokenId: tokenIdOf(id),
        app: asText(app),
        deviceMark: asBytes(mark).toString('base64url'),
        expiresAt: asNumber(expires) * 1000,
      },
      generation: asNumber(generation),
      revoked: revoked === true,
      current: current === true,
      cursors: asCursors(cursor, broadcast, marks),
      details: asDetails(details),
      lastSeen: asNumber(seen) * 1000,
      privateEnd: asNumber(last),
      ...(asNumber(missed) === 0 ? {} : { missed: asNumber(missed) }),
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
