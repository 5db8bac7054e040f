/**
 * Every key and channel of the engine, one function each; the scripts get the same names from `luaKeyNames`.
 *
 * All keys of one partition share the hash tag `{<prefix>:<partition>}`, the parts of upstream logs among them, all keys of
 * one app's broadcast log `{<prefix>:b:<app>}`, so that what one script touches lies on one node of a Cluster.
 */
import { OFFSET_CYCLE } from '../contract.ts'

/** Also the number of hash tags: enough to spread over dozens of masters, few enough for steps to travel together. */
export const PARTITIONS = 256

/** In each partition. */
export const BUCKETS = 64
/** A bucket is named by a printable character: a number would be written out with every key. */
export const bucketName = (bucket: number): string => String.fromCharCode(48 + bucket)

const PREFIX = /^[A-Za-z0-9_.:-]{1,64}$/

/** A prefix may not hold braces, which would move the hash tag. */
export function isKeyPrefix(prefix: string): boolean {
  return PREFIX.test(prefix)
}

/** The first byte of the token id (its text carries 6 bits a character), so that a partition holds whole devices. */
export function partitionBase(prefix: string, partition: number): string {
  return `{${prefix}:${partition}}`
}

export function broadcastBase(prefix: string, app: string): string {
  return `{${prefix}:b:${app}}`
}

/** The app of what `appKey` made; undefined for other keys. */
export function appOfKey(prefix: string, key: string): string | undefined {
  const start = `{${prefix}:b:`
  const end = appKey('}')
  return key.startsWith(start) && key.endsWith(end) ? key.slice(start.length, -end.length) : undefined
}

/** Token records: hash of 15 bytes of the token id -> record. */
const tokensKey = (base: string, bucket: string): string => `${base}t${bucket}`
/** The last serial given in a partition. */
const serialsKey = (base: string): string => `${base}n`
/** Sorted set of the buckets of a partition, and of `u<app>`, by when something in them has to be swept. */
export const dueKey = (base: string): string => `${base}x`
/** Entries of logs: hash of (serial, offset) -> entry. */
const logKey = (base: string): string => `${base}l`
/** Hash of serial -> who holds the session. */
const sessionsKey = (base: string): string => `${base}s`
/** Hash of serial -> what a session kept. */
const statesKey = (base: string): string => `${base}k`
/** Hash of serial -> retained message; of an app: selector -> retained broadcast. */
const retainedKey = (base: string): string => `${base}r`
/** Of an app: hash of selector -> (offset, expires). */
export const retainedIndexKey = (base: string): string => `${base}i`
/** Hash of serial -> nodes that follow the log without a session. */
const followersKey = (base: string): string => `${base}f`
/** Hash of serial -> what the cursors do not say alone. */
const marksKey = (base: string): string => `${base}m`
/** Message ids that are remembered: hash of id -> (offset, until), one for each token id or app that uses them. */
const idsKey = (base: string, serial: number | ''): string => `${base}d${serial}`
/** Hash of name -> session that is known by it. */
const namedKey = (base: string): string => `${base}y`
/** Sorted set of the names whose sessions nobody holds, by when they end. */
const namedDueKey = (base: string): string => `${base}z`
/** Set of the packet ids of QoS 2 that the session of a token id has received. */
const receivedKey = (base: string, serial: number | ''): string => `${base}q${serial}`
/** Retained upstream messages of a token id: hash of subject -> (offset, entry). */
const retainingKey = (base: string, serial: number | ''): string => `${base}v${serial}`
/** Sorted set of their subjects by when they expire. */
const retainingDueKey = (base: string, serial: number | ''): string => `${base}o${serial}`
/** Upstream logs in a partition: hash of app -> record. */
const upstreamKey = (base: string): string => `${base}u`
/** Of one app in a partition: hash of offset -> entry. */
const upstreamLogKey = (base: string, app: string): string => `${base}ul${app}`
/** Hash of reader -> where it is. */
const readersKey = (base: string, app: string): string => `${base}ur${app}`
/** Hash of 15 bytes of a token id -> what of it is unread. */
const sharesKey = (base: string, app: string): string => `${base}us${app}`
/** What is claimed and settled of a shared reader: hash of offset -> claim. No app has a `/`. */
const claimsKey = (base: string, appAndReader: string): string => `${base}uc${appAndReader}`
/** Set of the token ids that retain upstream messages. */
const retainersKey = (base: string, app: string): string => `${base}uv${app}`
/** When a partition was last swept. */
const sweptKey = (base: string): string => `${base}w`
/** The record of an app. */
export const appKey = (base: string): string => `${base}h`

/** The last batch of each process in one partition or broadcast log (Cluster). */
export const laneJournalKey = (base: string): string => `${base}j`
/** The same for a single server, where one batch may hold steps of all partitions. */
export const serverJournalKey = (prefix: string, lane: number): string => `{${prefix}:j}${lane}`
/**
 * Never written, and declared with every batch: while a Cluster moves a slot, it refuses (TRYAGAIN) what names a key that
 * it has and one that it has not. So no script starts among keys of which some are here and some are there.
 */
export const absentKey = (journal: string): string => `${journal}!`

/** Sorted set of the apps that have broadcasts, by when to sweep them. */
export const appsKey = (prefix: string): string => `{${prefix}:apps}`
export const secretKey = (prefix: string, name: string): string => `{${prefix}:secret}${name}`
/** Written by the health check, so that a Redis that only reads is found. */
export const probeKey = (prefix: string, node: string): string => `{${prefix}:probe}${node}`

/** What a node hears; with '' the channel that every node listens to. */
export const channel = (prefix: string, node: string): string => `${prefix}:node:${node}`

/** The suffixes as a table of Lua, and the numbers that the scripts share with the rest. */
export function luaKeyNames(): string {
  const names = {
    tokens: tokensKey('', ''),
    serials: serialsKey(''),
    due: dueKey(''),
    log: logKey(''),
    sessions: sessionsKey(''),
    states: statesKey(''),
    retained: retainedKey(''),
    retainedIndex: retainedIndexKey(''),
    followers: followersKey(''),
    marks: marksKey(''),
    ids: idsKey('', ''),
    named: namedKey(''),
    namedDue: namedDueKey(''),
    received: receivedKey('', ''),
    retaining: retainingKey('', ''),
    retainingDue: retainingDueKey('', ''),
    upstream: upstreamKey(''),
    upstreamLog: upstreamLogKey('', ''),
    readers: readersKey('', ''),
    shares: sharesKey('', ''),
    claims: claimsKey('', ''),
    retainers: retainersKey('', ''),
    swept: sweptKey(''),
    app: appKey(''),
  }
  const rows = Object.entries(names).map(([name, suffix]) => `${name} = '${suffix}'`)
  return `local KEY = { ${rows.join(', ')} }\nlocal CYCLE = ${OFFSET_CYCLE}\n`
}
