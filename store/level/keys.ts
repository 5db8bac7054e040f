/**
 * Every key of the embedded store. The first byte is the kind; a name that something follows has its length before it,
 * in 2 bytes; times and offsets are 6 bytes big-endian, so that keys sort like them.
 */
import { clamp } from './bytes.ts'

export const Kind = {
  account: 0x41,
  body: 0x42,
  bodyCount: 0x43,
  broadcastCollapse: 0x44,
  sessionEntry: 0x45,
  broadcastCount: 0x46,
  sessionRest: 0x47,
  heldSession: 0x48,
  sessionName: 0x49,
  subscriptionChange: 0x4c,
  retainedTopic: 0x4d,
  namedState: 0x4e,
  sessionReceived: 0x51,
  sessionReleased: 0x52,
  subscription: 0x53,
  tokenDetails: 0x54,
  sessionUid: 0x55,
  tokenWill: 0x56,
  namedWill: 0x57,
  app: 0x61,
  broadcastEntry: 0x62,
  current: 0x63,
  privateId: 0x64,
  broadcastId: 0x65,
  upstreamEntry: 0x66,
  upstreamReader: 0x67,
  upstreamRetained: 0x68,
  upstreamReceived: 0x69,
  groupUid: 0x6a,
  assigned: 0x6b,
  privateCollapse: 0x6c,
  meta: 0x6d,
  namedSession: 0x6e,
  privateEntry: 0x70,
  retainedPrivate: 0x72,
  sessionState: 0x73,
  tableRow: 0x6f,
  tableChange: 0x71,
  tableRemoved: 0x79,
  token: 0x74,
  upstream: 0x75,
  due: 0x76,
  retainedIndex: 0x77,
  retainedBroadcast: 0x78,
  secret: 0x7a,
} as const

const NUMBER_BYTES = 6
const DUE_PREFIX = 1 + NUMBER_BYTES

/** Kind and name: all of the key. */
function named(kind: number, name: string): Buffer {
  const key = Buffer.allocUnsafe(1 + Buffer.byteLength(name))
  key[0] = kind
  key.write(name, 1)
  return key
}

/** Kind, length of the name, name, and what follows. */
function under(kind: number, name: string, rest: string): Buffer {
  const length = Buffer.byteLength(name)
  const key = Buffer.allocUnsafe(3 + length + Buffer.byteLength(rest))
  key[0] = kind
  key.writeUInt16BE(length, 1)
  key.write(name, 3)
  key.write(rest, 3 + length)
  return key
}

/** The name of a key made by `named`. */
export function nameOf(key: Buffer): string {
  return key.toString('utf8', 1)
}

export function tokenKey(tokenId: string): Buffer {
  return named(Kind.token, tokenId)
}

export function tokenDetailsKey(tokenId: string): Buffer {
  return named(Kind.tokenDetails, tokenId)
}

/** The token ids of an account. */
export function accountKey(accountMark: string): Buffer {
  return named(Kind.account, accountMark)
}

export function appKey(app: string): Buffer {
  return named(Kind.app, app)
}

/** The current token id of an app on a device. */
export function currentKey(app: string, deviceMark: string): Buffer {
  return under(Kind.current, app, deviceMark)
}

/** What is known of an app's upstream log and of its readers together. */
export function upstreamKey(app: string): Buffer {
  return named(Kind.upstream, app)
}

/** Packet ids of a session that were received and not released. */
export function receivedKey(tokenId: string): Buffer {
  return named(Kind.upstreamReceived, tokenId)
}

export function sessionStateKey(tokenId: string): Buffer {
  return named(Kind.sessionState, tokenId)
}

export function namedSessionKey(name: string): Buffer {
  return named(Kind.namedSession, name)
}

export function namedStateKey(name: string): Buffer {
  return named(Kind.namedState, name)
}

export function namedWillKey(name: string): Buffer {
  return named(Kind.namedWill, name)
}

export function tokenWillKey(tokenId: string): Buffer {
  return named(Kind.tokenWill, tokenId)
}

export function metaKey(name: string): Buffer {
  return named(Kind.meta, name)
}

/** How many messages all private logs hold. */
export const PENDING_KEY = metaKey('pending messages')

export function secretKey(name: string): Buffer {
  return named(Kind.secret, name)
}

// Logs

/** What the keys of a private log start with. */
export function privateLogPrefix(tokenId: string): Buffer {
  return under(Kind.privateEntry, tokenId, '')
}

/** What the keys of an app's broadcast log start with. */
export function broadcastLogPrefix(app: string): Buffer {
  return under(Kind.broadcastEntry, app, '')
}

/** What the keys of an app's upstream log start with. */
export function upstreamLogPrefix(app: string): Buffer {
  return under(Kind.upstreamEntry, app, '')
}

export function entryKey(prefix: Buffer, offset: number): Buffer {
  const key = Buffer.allocUnsafe(prefix.length + NUMBER_BYTES)
  prefix.copy(key)
  key.writeUIntBE(offset, prefix.length, NUMBER_BYTES)
  return key
}

/** Token id or app of an entry's key, and its offset. */
export function parseEntryKey(key: Buffer): { name: string; offset: number } {
  const end = key.length - NUMBER_BYTES
  return { name: key.toString('utf8', 3, end), offset: key.readUIntBE(end, NUMBER_BYTES) }
}

/** Where a provider's message id is remembered. */
export function messageIdKey(kind: typeof Kind.privateId | typeof Kind.broadcastId, name: string, id: string): Buffer {
  return under(kind, name, id)
}

/** Where the pending message with a collapse key is. */
export function privateCollapseKey(tokenId: string, collapseKey: string): Buffer {
  return under(Kind.privateCollapse, tokenId, collapseKey)
}

/** The same of a broadcast. `selector`: encoded; its length is before it. */
export function broadcastCollapseKey(app: string, selector: string, collapseKey: string): Buffer {
  return under(Kind.broadcastCollapse, app, `${selector.length}:${selector}${collapseKey}`)
}

/** What was counted of the broadcast at an offset. */
export function broadcastCountKey(app: string, offset: number): Buffer {
  return under(Kind.broadcastCount, app, String(offset))
}

/** All keys with a beginning that texts follow: no UTF-8 has the byte 0xff. */
export function startingWith(gte: Buffer): { gte: Buffer; lt: Buffer } {
  return { gte, lt: Buffer.concat([gte, Buffer.from([0xff])]) }
}

/** All keys of a kind. */
export function kindRange(kind: number): { gte: Buffer; lt: Buffer } {
  return { gte: Buffer.from([kind]), lt: Buffer.from([kind + 1]) }
}

// What sessions by name have beyond their record. It is known by a number, and a session that begins anew gets another one.

/** Kind and number, and what follows. */
function numbered(kind: number, number: number, rest = ''): Buffer {
  const key = Buffer.allocUnsafe(DUE_PREFIX + Buffer.byteLength(rest))
  key[0] = kind
  key.writeUIntBE(number, 1, NUMBER_BYTES)
  if (rest !== '') key.write(rest, DUE_PREFIX)
  return key
}

export function numberOf(key: Buffer): number {
  return key.readUIntBE(1, NUMBER_BYTES)
}

/** What follows the number. */
export function afterNumber(key: Buffer): string {
  return key.toString('utf8', DUE_PREFIX)
}

/** All keys of a kind with this number. */
export function numberRange(kind: number, number: number): { gte: Buffer; lt: Buffer } {
  return { gte: numbered(kind, number), lt: numbered(kind, number + 1) }
}

/** Those with these numbers. */
export function numbersRange(kind: number, from: number, to: number): { gte: Buffer; lt: Buffer } {
  return { gte: numbered(kind, from), lt: numbered(kind, to + 1) }
}

/** The name of the session that has this number. */
export function sessionNameKey(id: number): Buffer {
  return numbered(Kind.sessionName, id)
}

/** What has a number that no session has any more: a sweep takes it away. */
export function sessionRestKey(id: number): Buffer {
  return numbered(Kind.sessionRest, id)
}

/** What the keys of a session's log start with. */
export function sessionLogPrefix(id: number): Buffer {
  return numbered(Kind.sessionEntry, id)
}

/** The prefix of the keys of messages with a received PUBREC. */
export function sessionReleasedPrefix(id: number): Buffer {
  return numbered(Kind.sessionReleased, id)
}

export function sessionReceivedKey(id: number, packetId: number): Buffer {
  const key = Buffer.allocUnsafe(DUE_PREFIX + 2)
  key[0] = Kind.sessionReceived
  key.writeUIntBE(id, 1, NUMBER_BYTES)
  key.writeUInt16BE(packetId, DUE_PREFIX)
  return key
}

export function packetIdOf(key: Buffer): number {
  return key.readUInt16BE(DUE_PREFIX)
}

export function sessionUidKey(id: number, uid: string): Buffer {
  return numbered(Kind.sessionUid, id, uid)
}

/** Of the log of a group. */
export function groupUidKey(log: string, uid: string): Buffer {
  return under(Kind.groupUid, log, uid)
}

/** The session that the message at this offset of a group's log is assigned to. */
export function assignedKey(log: string, offset: number): Buffer {
  return under(Kind.assigned, log, String(offset))
}

/** Held by this run of the process, and ends some time after that. */
export function heldSessionKey(run: number, name: string): Buffer {
  return numbered(Kind.heldSession, run, name)
}

/** Without a filter: whose subscriptions these are. It comes first, as no filter is empty. */
export function subscriptionKey(table: number, filter = ''): Buffer {
  return numbered(Kind.subscription, table, filter)
}

export function subscriptionChangeKey(offset: number): Buffer {
  return numbered(Kind.subscriptionChange, offset)
}

/** A body that several logs share; its id is that of the first log and its offset there. */
export function bodyKey(id: Buffer): Buffer {
  return Buffer.concat([Buffer.from([Kind.body]), id])
}

export function bodyCountKey(id: Buffer): Buffer {
  return Buffer.concat([Buffer.from([Kind.bodyCount]), id])
}

/** A row of a table, or what the keys of all of them, and of its changes, start with. */
export function tableKey(kind: number, table: string, key = ''): Buffer {
  return under(kind, table, key)
}

// Retained messages

export function retainedTopicKey(topic: string): Buffer {
  return named(Kind.retainedTopic, topic)
}

export function retainedPrivateKey(tokenId: string): Buffer {
  return named(Kind.retainedPrivate, tokenId)
}

/** Which offset is retained for a selector. */
export function retainedIndexKey(app: string, selector: string): Buffer {
  return under(Kind.retainedIndex, app, selector)
}

/** All of these, of an app. */
export function retainedIndexRange(app: string): { gte: Buffer; lt: Buffer } {
  return startingWith(under(Kind.retainedIndex, app, ''))
}

/** The name in a key made by `under`. */
export function ownerNameOf(key: Buffer): string {
  return key.toString('utf8', 3, 3 + key.readUInt16BE(1))
}

/** What follows the name in a key made by `under`. */
export function restOf(key: Buffer): string {
  return key.toString('utf8', 3 + key.readUInt16BE(1))
}

export function retainedBroadcastKey(app: string, selector: string): Buffer {
  return under(Kind.retainedBroadcast, app, selector)
}

/** A token id has no `/`, so that the first one ends it. */
export function retainedUpstreamKey(app: string, tokenId: string, subject: string): Buffer {
  return under(Kind.upstreamRetained, app, `${tokenId}/${subject}`)
}

/** What the keys of all that an app, or one token id of it, retains upstream start with. */
export function retainedUpstreamPrefix(app: string, tokenId?: string): Buffer {
  return under(Kind.upstreamRetained, app, tokenId === undefined ? '' : `${tokenId}/`)
}

export function parseRetainedUpstreamOwner(key: Buffer): string {
  const rest = restOf(key)
  return rest.slice(0, rest.indexOf('/'))
}

// Readers

export function readerKey(app: string, reader: string): Buffer {
  return under(Kind.upstreamReader, app, reader)
}

/** All of an app. */
export function readerRange(app: string): { gte: Buffer; lt: Buffer } {
  return startingWith(under(Kind.upstreamReader, app, ''))
}

// What is due

/** At this time, something is to be done about what is stored under the other key. */
export function dueKey(time: number, key: Buffer): Buffer {
  const due = Buffer.allocUnsafe(DUE_PREFIX + key.length)
  due[0] = Kind.due
  due.writeUIntBE(clamp(time), 1, NUMBER_BYTES)
  key.copy(due, DUE_PREFIX)
  return due
}

export function parseDueKey(due: Buffer): { time: number; key: Buffer } {
  return { time: due.readUIntBE(1, NUMBER_BYTES), key: due.subarray(DUE_PREFIX) }
}

/** Everything that is due at this time, oldest first. */
export function dueRange(now: number): { gte: Buffer; lt: Buffer } {
  return { gte: dueKey(0, Buffer.alloc(0)), lt: dueKey(now + 1, Buffer.alloc(0)) }
}
