// Does every value of the embedded store decode to what was encoded, and do its keys sort like their numbers?
import * as fc from 'fast-check'
import { t } from '../support/tap.ts'
import { decodeAccount, encodeAccount } from '../../store/level/accounts.ts'
import {
  COLLAPSE,
  decodeBroadcastEntry,
  decodeEntry,
  encodeEntry,
  FOLLOWED,
  marksOf,
  WEB_PUSH,
  readHead,
  RECEIPT,
} from '../../store/level/entry.ts'
import {
  dueKey,
  entryKey,
  parseDueKey,
  parseEntryKey,
  parseRetainedUpstreamOwner,
  privateLogPrefix,
  retainedUpstreamKey,
  sessionLogPrefix,
  tokenKey,
  upstreamLogPrefix,
} from '../../store/level/keys.ts'
import { ENDS } from '../../store/contract.ts'
import { headOf } from '../../store/level/heads.ts'
import { decodeId, encodeId } from '../../store/level/message-ids.ts'
import { isReceived, withoutReceived, withReceived } from '../../store/level/received.ts'
import { decodeNamed, decodeWill, encodeNamed, encodeWill } from '../../store/level/named-records.ts'
import {
  decodeApp,
  decodeToken,
  emptyLog,
  encodeApp,
  encodeTimed,
  encodeToken,
  NEVER,
} from '../../store/level/records.ts'
import { beyond, isAmong, withOffsets } from '../../store/level/runs.ts'
import {
  asReleased,
  bodyId,
  decodeSessionEntry,
  encodeBody,
  encodeSessionEntry,
} from '../../store/level/session-entry.ts'
import { decodeDetails, encodeDetails } from '../../store/level/token-details.ts'
import { decodeUpstreamEntry, encodeUpstreamEntry } from '../../store/level/upstream-entry.ts'
import { decodeReader, decodeUpstream, encodeReader, encodeUpstream } from '../../store/level/upstream-records.ts'

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
const time = fc.oneof(fc.integer({ min: 0, max: 2 ** 42 }), fc.constant(NEVER))
const offset = fc.integer({ min: 1, max: 2 ** 47 })
const bytes = fc.uint8Array({ maxLength: 300 }).map((value) => Buffer.from(value))

const message = fc.record(
  { id: text, payload: bytes, properties: bytes, retain: fc.boolean(), storedAt: time, expiresAt: time },
  { requiredKeys: ['id', 'payload', 'retain', 'storedAt', 'expiresAt'] },
)
const asked = fc
  .tuple(message, fc.record({ collapseKey: text, receipt: fc.constant(true) }, { requiredKeys: [] }))
  .map(([each, more]) => ({ ...each, ...more }))
const versions = fc.oneof(
  fc.constant({ kind: 'all' as const }),
  fc.constantFrom('1.0', 'nightly β').map((version) => ({ kind: 'exact' as const, version })),
  fc.constantFrom('>=2.1 <3', '^1').map((range) => ({ kind: 'range' as const, range })),
)
const tagged = fc.tuple(versions, fc.constantFrom('{"any":["β\\"\\\\"]}', '{"all":["a"],"none":["b","c"]}'))
const selector = fc.oneof(
  versions,
  tagged.map(([each, tags]) => ({ ...each, tags })),
)

const NO_WEB_PUSH = { webPush: 0, webPushBytes: 0 }
const someLog = fc
  .record({ last: offset, span: fc.integer({ min: 1, max: 1_000 }), bytes: offset, latestExpiry: time, dueAt: time })
  .map(({ last, span, ...rest }) => ({
    ...rest,
    last,
    head: Math.max(1, last - span),
    count: span,
    marks: 0,
    ...NO_WEB_PUSH,
  }))
const noLog = offset.map((last) => emptyLog(last))
const marks = fc.constantFrom(
  0,
  FOLLOWED,
  COLLAPSE,
  WEB_PUSH,
  FOLLOWED | RECEIPT,
  FOLLOWED | RECEIPT | COLLAPSE | WEB_PUSH,
)
const log = fc.oneof(someLog, noLog)
const session = fc.record({
  held: fc.boolean(),
  unclean: fc.boolean(),
  hasState: fc.boolean(),
  hasReceived: fc.boolean(),
  dropped: fc.oneof(fc.constant(0), offset),
  hasWill: fc.boolean(),
  run: fc.oneof(fc.constant(0), offset),
  expiresAt: time,
})
const anyToken = fc.record({
  app: text,
  deviceMark: text,
  generation: offset,
  revoked: fc.boolean(),
  current: fc.boolean(),
  expiresAt: time,
  cursor: offset,
  broadcastCursor: offset,
  marks: fc.option(
    fc.record({
      floor: offset,
      versions: fc.array(text),
      passed: fc.array(fc.tuple(text, offset)),
      skippedPrivate: fc.array(offset),
      skippedBroadcast: fc.array(offset),
    }),
    { nil: undefined },
  ),
  log: fc
    .tuple(log, marks, offset)
    .map(([each, marks, bytes]) =>
      each.count === 0
        ? each
        : { ...each, marks, ...((marks & WEB_PUSH) !== 0 && { webPush: each.count, webPushBytes: bytes }) },
    ),
  epoch: offset,
  session: fc.option(session, { nil: undefined }),
  retainedUntil: time,
  upstream: fc.option(fc.record({ unread: offset, unreadBytes: offset, retained: offset }), { nil: undefined }),
  visitAt: time,
  hasTags: fc.boolean(),
  lastSeen: time,
  seen: offset,
  missed: fc.option(fc.record({ count: offset, through: offset }), { nil: undefined }),
})
const token = anyToken.map((each) => ({ ...each, seen: Math.max(each.seen, each.cursor) }))
const epochs = fc.tuple(time, time)

t.test('entries', async (t) => {
  fc.assert(
    fc.property(
      asked,
      offset,
      selector,
      fc.boolean(),
      fc.boolean(),
      (message, offset, selector, indexed, remembered) => {
        const marks = marksOf(message, remembered)
        const entry = { ...message, offset, ...(marks & FOLLOWED ? { isFollowed: true } : {}) }
        t.same(decodeEntry(encodeEntry({ message, offset, indexed, marks })), entry)
        const broadcast = encodeEntry({ message, offset, selector, indexed, marks })
        t.same(decodeBroadcastEntry(broadcast), { ...entry, selector })
        const payloadBytes = message.payload.length
        const head = { offset, expiresAt: message.expiresAt, payloadBytes, indexed, marks, owner: undefined }
        t.same(readHead(broadcast), { ...head, body: undefined })
      },
    ),
    { numRuns: 200 },
  )
})

t.test('upstream entries', async (t) => {
  fc.assert(
    fc.property(
      message,
      offset,
      time,
      text,
      text,
      fc.boolean(),
      (message, offset, expiresAt, tokenId, subject, indexed) => {
        const bytes = encodeUpstreamEntry({ message, offset, expiresAt, tokenId, subject, indexed })
        t.same(decodeUpstreamEntry(bytes), { ...message, offset, expiresAt, tokenId, subject })
        const payloadBytes = message.payload.length
        const head = { offset, expiresAt, payloadBytes, indexed, marks: 0, owner: tokenId, body: undefined }
        t.same(headOf(upstreamLogPrefix('weather'), bytes), head)
        bytes[0] = 2
        t.throws(() => decodeUpstreamEntry(bytes), RangeError, 'another version')
      },
    ),
    { numRuns: 200 },
  )
})

t.test('upstream records', async (t) => {
  const dropped = fc
    .array(fc.record({ from: offset, span: fc.integer({ min: 0, max: 1_000 }), count: offset }), { maxLength: 32 })
    .map((all) => all.map(({ from, span, count }) => ({ from, to: from + span, count })))
  const upstream = fc.record({ log, lowest: time, nextEnd: time, lastEnd: time, dropped, visitAt: time })
  fc.assert(
    fc.property(upstream, (upstream) => void t.same(decodeUpstream(encodeUpstream(upstream)), upstream)),
    { numRuns: 100 },
  )
  const beyondCursor = fc.array(fc.integer({ min: 1, max: 500 }))
  const reader = fc
    .record({ cursor: offset, expiresAt: time, missed: offset, toldTo: offset, beyondCursor })
    .map(({ beyondCursor, ...rest }) => ({
      ...rest,
      settled: withOffsets(
        [],
        beyondCursor.map((more) => rest.cursor + more),
      ),
    }))
  fc.assert(
    fc.property(reader, (reader) => void t.same(decodeReader(encodeReader(reader)), reader)),
    { numRuns: 200 },
  )
})

t.test('sets of offsets', async (t) => {
  const some = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 40 })
  fc.assert(
    fc.property(some, some, fc.integer({ min: 0, max: 61 }), (one, other, after) => {
      const runs = beyond(withOffsets(withOffsets([], one), other), after)
      const expected = new Set([...one, ...other].filter((each) => each > after))
      for (let each = 0; each < 62; each += 1) {
        if (isAmong(runs, each) !== expected.has(each)) t.fail(`${each} of ${JSON.stringify(runs)}`)
      }
      t.ok(
        runs.every(([from], at) => from > (runs[at - 1]?.[1] ?? -1) + 1),
        'a gap before each',
      )
    }),
    { numRuns: 200 },
  )
  const packetId = fc.oneof(fc.integer({ min: 1, max: 65_535 }), fc.integer({ min: 1, max: 40 }))
  fc.assert(
    fc.property(fc.array(fc.tuple(packetId, fc.boolean()), { maxLength: 60 }), (changes) => {
      let received: Buffer | undefined
      const expected = new Set<number>()
      for (const [id, comes] of changes) {
        if (isReceived(received, id) !== expected.has(id)) t.fail(`packet id ${id}`)
        if (comes) {
          received = withReceived(received, id)
          expected.add(id)
        } else if (received !== undefined && expected.delete(id)) {
          received = withoutReceived(received, id)
        }
        t.equal(received === undefined, expected.size === 0)
      }
      for (const [id] of changes) if (isReceived(received, id) !== expected.has(id)) t.fail(`packet id ${id}`)
    }),
    { numRuns: 100 },
  )
})

t.test('sessions by name', async (t) => {
  const named = fc.record({
    epoch: offset,
    held: fc.boolean(),
    unclean: fc.boolean(),
    run: offset,
    keptMs: time,
    expiresAt: time,
    indexed: fc.boolean(),
    hasState: fc.boolean(),
    hasWill: fc.boolean(),
    id: offset,
    table: offset,
    born: fc.oneof(fc.constant(0), offset),
    log,
    released: offset,
    releasedBytes: offset,
    visitAt: time,
  })
  fc.assert(
    fc.property(named, (named) => void t.same(decodeNamed(encodeNamed(named)), named)),
    { numRuns: 100 },
  )
  const will = fc.record({ epoch: offset, publishAt: time, takenUntil: time, dueAt: time, value: bytes })
  fc.assert(
    fc.property(will, (will) => void t.same(decodeWill(encodeWill(will)), will)),
    { numRuns: 100 },
  )
  const copy = fc.record({
    qos: fc.constantFrom(1 as const, 2 as const),
    retain: fc.boolean(),
    identifiers: fc.array(fc.integer({ min: 1, max: 268_435_455 }), { maxLength: 5 }),
  })
  fc.assert(
    fc.property(
      message,
      offset,
      text,
      copy,
      fc.boolean(),
      fc.boolean(),
      (message, offset, topic, copy, indexed, shared) => {
        const body = shared ? bodyId(7, offset) : undefined
        const entry = encodeSessionEntry({ message, offset, topic, copy, indexed, body })
        const decoded = decodeSessionEntry(entry, (id) => (body?.equals(id) ? encodeBody(message) : undefined))
        t.same(decoded, { ...message, ...copy, offset, topic, released: false })
        const { expiresAt, payload } = message
        const head = { offset, expiresAt, payloadBytes: payload.length, indexed, marks: 0, owner: undefined, body }
        t.same(headOf(sessionLogPrefix(7), entry), head)
        const released = decodeSessionEntry(asReleased(entry), () => encodeBody(message))
        t.match(released, { payload, offset, released: true, expiresAt: NEVER })
        if (shared)
          t.equal(
            decodeSessionEntry(entry, () => undefined),
            undefined,
          )
        entry[0] = 2
        t.throws(() => decodeSessionEntry(entry, () => undefined), RangeError, 'another version')
      },
    ),
    { numRuns: 200 },
  )
})

t.test('records', async (t) => {
  fc.assert(
    fc.property(token, (token) => void t.same(decodeToken(encodeToken(token)), token)),
    { numRuns: 200 },
  )
  const app = fc.record({
    log,
    retainedUntil: time,
    visitAt: time,
    droppedThrough: fc.oneof(fc.constant(0), offset),
  })
  fc.assert(
    fc.property(app, (app) => void t.same(decodeApp(encodeApp(app)), app)),
    { numRuns: 100 },
  )
  t.throws(() => decodeToken(encodeToken(fc.sample(token, 1)[0]!).subarray(0, 10)), RangeError)
  // Flags of two bytes, whatever else is in them.
  const upstream = { unread: 1, unreadBytes: 1, retained: 1 }
  const earlier = { ...fc.sample(token, 1)[0]!, upstream, hasTags: false, lastSeen: 0, missed: undefined }
  const { length } = encodeToken(earlier)
  t.equal(encodeToken({ ...earlier, hasTags: true }).length, length)
  t.equal(
    encodeToken({ ...earlier, lastSeen: 1 }).length,
    length + 6,
    'earlier records, which had no time there, are read',
  )
  const more = fc.record({
    fingerprint: fc.uint8Array({ minLength: 8, maxLength: 8 }).map((value) => Buffer.from(value)),
    storedAt: time,
    expiresAt: time,
    end: fc.constantFrom(undefined, ...ENDS),
    isUnseen: fc.boolean(),
  })
  fc.assert(
    fc.property(offset, time, more, (offset, until, more) => {
      t.same(decodeId(encodeId({ offset, until, more })), { offset, until, more })
      t.same(decodeId(encodeTimed(offset, until)), { offset, until, more: undefined }, 'of an earlier version')
    }),
    { numRuns: 100 },
  )
  const details = fc.record({ accountMark: text, epochs, tags: fc.array(text, { maxLength: 16 }), version: text })
  fc.assert(
    fc.property(details, (details) => {
      const encoded = encodeDetails(details)
      t.same(decodeDetails(encoded), details)
      encoded[0] = 2
      t.throws(() => decodeDetails(encoded), RangeError, 'another version')
    }),
    { numRuns: 100 },
  )
  const device = fc.record({ tokenId: text, stamp: offset, epochs, endsAt: time })
  const account = fc.record({ dueAt: time, devices: fc.array(device) })
  fc.assert(
    fc.property(account, (account) => void t.same(decodeAccount(encodeAccount(account)), account)),
    { numRuns: 100 },
  )
})

t.test('keys', async (t) => {
  fc.assert(
    fc.property(text, offset, offset, (name, one, other) => {
      const prefix = privateLogPrefix(name)
      t.same(parseEntryKey(entryKey(prefix, one)), { name, offset: one })
      t.equal(Math.sign(Buffer.compare(entryKey(prefix, one), entryKey(prefix, other))), Math.sign(one - other))
      const due = dueKey(one, tokenKey(name))
      t.same(parseDueKey(due), { time: one, key: tokenKey(name) })
      t.equal(Math.sign(Buffer.compare(due, dueKey(other, tokenKey(name)))), Math.sign(one - other))
    }),
    { numRuns: 100 },
  )
  fc.assert(
    fc.property(text, text, (app, subject) => {
      const tokenId = 'AAAAAAAAAAAAAAAAAAAAAQ'
      t.equal(parseRetainedUpstreamOwner(retainedUpstreamKey(app, tokenId, `${subject}/x`)), tokenId)
    }),
    { numRuns: 100 },
  )
  fc.assert(
    fc.property(text, text, offset, (one, other, offset) => {
      fc.pre(one !== other)
      t.notOk(entryKey(privateLogPrefix(one), offset).subarray(0, -6).equals(privateLogPrefix(other)))
    }),
    { numRuns: 100 },
  )
})
