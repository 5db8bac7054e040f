/** Going through everything, a portion at a time. */
import { PushError } from '../../errors.ts'
import { isTokenId } from '../../topics/index.ts'
import type { KnownNamedSession, KnownReader, KnownToken, SessionUsage, TokenPage } from '../contract.ts'
import { type Database, orDamaged } from './database.ts'
import type { Durable } from './durable.ts'
import {
  Kind,
  kindRange,
  nameOf,
  namedSessionKey,
  namedStateKey,
  namedWillKey,
  numberRange,
  ownerNameOf,
  packetIdOf,
  retainedUpstreamPrefix,
  startingWith,
  tokenKey,
} from './keys.ts'
import { decodeBytes, decodeText, decodeWill, hasEnded } from './named-records.ts'
import { cursorsOf, NEVER } from './records.ts'
import { detailsOf } from './token-details.ts'
import { PART } from './upstream-log.ts'
import { hasEnded as hasReaderEnded } from './upstream-readers.ts'
import { droppedBetween, isRead } from './upstream-records.ts'
import { keysIn } from './walk.ts'

const ROWS_AT_ONCE = 256
/** That one page looks at, as most may be of other apps. */
const ROWS_A_PAGE = 2_048

/** What is not written to disk is not there. */
export async function* knownTokens(durable: Durable): AsyncIterable<KnownToken> {
  const { database } = durable
  for await (const key of keysIn(database, kindRange(Kind.token))) {
    const bytes = database.get(key)
    if (bytes !== undefined) yield knownToken(durable, key, bytes)
  }
}

/** @throws CURSOR_INVALID */
export async function tokenPage(
  durable: Durable,
  after: string | undefined,
  most: number,
  app: string | undefined,
): Promise<TokenPage> {
  if (after !== undefined && !isTokenId(after)) throw new PushError('CURSOR_INVALID')
  const { gte, lt } = kindRange(Kind.token)
  const appBytes = app === undefined ? undefined : Buffer.from(app)
  const tokens: KnownToken[] = []
  let last = after
  for (let looked = 0; looked < ROWS_A_PAGE; looked += ROWS_AT_ONCE) {
    const from = last === undefined ? gte : Buffer.concat([tokenKey(last), Buffer.alloc(1)])
    const rows = await durable.database.entries({ gte: from, lt, limit: ROWS_AT_ONCE })
    for (const [key, bytes] of rows) {
      last = nameOf(key)
      // A record holds the bytes of its app: to look for them costs less than to decode it.
      if (appBytes !== undefined && !bytes.includes(appBytes)) continue
      const token = knownToken(durable, key, bytes)
      if (app === undefined || token.registration.app === app) tokens.push(token)
      if (tokens.length >= most) return { tokens, next: last }
    }
    if (rows.length < ROWS_AT_ONCE) return { tokens }
  }
  return last === undefined ? { tokens } : { tokens, next: last }
}

function knownToken(durable: Durable, key: Buffer, bytes: Buffer): KnownToken {
  const tokenId = nameOf(key)
  const token = durable.tokenOf(tokenId, bytes)
  const { app, deviceMark, expiresAt, generation, revoked, current, log, lastSeen, missed } = token
  return {
    registration: { tokenId, app, deviceMark, expiresAt },
    generation,
    revoked,
    current,
    cursors: cursorsOf(token),
    details: detailsOf(durable.database, tokenId),
    lastSeen,
    privateEnd: log.last,
    ...(missed === undefined ? {} : { missed: missed.count }),
  }
}

export async function* knownApps(database: Database): AsyncIterable<string> {
  for await (const key of keysIn(database, kindRange(Kind.app))) yield nameOf(key)
}

/** Those that are read, and then those that nobody reads, and that retain something. */
export async function* knownUpstreamLogs(durable: Durable, now: number): AsyncIterable<string> {
  const { database } = durable
  const isNamed = (log: string): boolean => isRead(durable.upstream(log), now)
  for await (const key of keysIn(database, kindRange(Kind.upstream))) {
    const log = nameOf(key)
    if (isNamed(log)) yield log
  }
  const { gte, lt } = kindRange(Kind.upstreamRetained)
  for (let from = gte; ; ) {
    const [key] = await database.keys({ gte: from, lt }, 1)
    if (key === undefined) return
    const app = ownerNameOf(key)
    if (!isNamed(app)) yield app
    from = startingWith(retainedUpstreamPrefix(app)).lt
  }
}

export async function knownReaders(durable: Durable, log: string, now: number): Promise<readonly KnownReader[]> {
  const { dropped, log: state } = durable.upstream(log)
  const readers: KnownReader[] = []
  for (const [reader, known] of await durable.readers(log)) {
    if (hasReaderEnded(known, now)) continue
    const { cursor, toldTo } = known
    const missed = known.missed + droppedBetween(dropped, Math.max(cursor, toldTo), state.last)
    readers.push({
      reader,
      expiresAt: timeOf(known.expiresAt),
      parts: [{ part: PART, cursor, end: state.last, missed }],
    })
  }
  return readers
}

/** One that was not closed is kept as long as if that had happened when the process started. */
export async function* knownNamedSessions(durable: Durable, now: number): AsyncIterable<KnownNamedSession> {
  const { database } = durable
  for await (const key of keysIn(database, kindRange(Kind.namedSession))) {
    const name = nameOf(key)
    const session = durable.named(name)
    if (session === undefined || hasEnded(session, now)) continue
    const { epoch, held, unclean, keptMs, expiresAt, id } = session
    const state = session.hasState ? database.get(namedStateKey(name)) : undefined
    const will = session.hasWill ? database.get(namedWillKey(name)) : undefined
    const received = id === 0 ? [] : await database.entries(numberRange(Kind.sessionReceived, id))
    yield orDamaged(() => ({
      name,
      epoch,
      held: held || unclean,
      keptMs: timeOf(keptMs),
      expiresAt: timeOf(expiresAt),
      ...(state === undefined ? {} : { state: decodeBytes(state) }),
      received: received.map(([each, known]) => [packetIdOf(each), decodeText(known)] as const),
      ...(will === undefined ? {} : { will: knownWill(will) }),
    }))
  }
}

/** Sessions whose names begin so. */
export async function sessionUsage(durable: Durable, prefix: string, now: number): Promise<SessionUsage> {
  const usage = { away: 0, messages: 0, bytes: 0 }
  for await (const key of keysIn(durable.database, startingWith(namedSessionKey(prefix)))) {
    const session = durable.lookedAt(nameOf(key))
    if (session === undefined || hasEnded(session, now)) continue
    if (!session.held) usage.away += 1
    usage.messages += session.log.count + session.released
    usage.bytes += session.log.bytes + session.releasedBytes
  }
  return usage
}

function knownWill(bytes: Buffer): NonNullable<KnownNamedSession['will']> {
  const { publishAt, value } = decodeWill(bytes)
  return { publishAt, value }
}

function timeOf(stored: number): number {
  return stored >= NEVER ? Infinity : stored
}
