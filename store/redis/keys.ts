/**
 * Every key and channel of the engine, one function each; the scripts get the same names from `luaKeyNames`.
 *
 * All keys of one partition share the hash tag `{<prefix>:<partition>}`, the parts of upstream logs among them, all keys of
 * one app's broadcast log `{<prefix>:b:<app>}`, so that what one script touches lies on one node of a Cluster.
 */
import { ENDS, OFFSET_CYCLE } from '../contract.ts'

/** Also the number of hash tags: enough to spread over dozens of masters, few enough for steps to travel together. */
export const PARTITIONS = 256

/** In each partition. */
export const BUCKETS = 64

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
/** Of a bucket with many token ids, and a part of its devices: hash of device -> 15 bytes of its current token id. */
const devicesKey = (base: string, bucket: string): string => `${base}i${bucket}`
/** Hash of those buckets -> how many token ids they have. */
const indexedKey = (base: string): string => `${base}i`
/** The last serial given in a partition. */
const serialsKey = (base: string): string => `${base}n`
/** Sorted set of the buckets of a partition, and of `u<app>`, by when something in them must be swept. */
export const dueKey = (base: string): string => `${base}x`
/** Entries of logs: hash of (serial, offset) -> entry. */
export const logKey = (base: string): string => `${base}l`
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
/** What is known of the token ids of a bucket beside their names: hash of serial -> details. */
const detailsKey = (base: string, bucket: string): string => `${base}p${bucket}`
/** The token ids of an account: hash of 16 bytes of the token id -> note; and '' -> what is known of all. */
const accountKey = (base: string, accountMark: string): string => `${base}c${accountMark}`
/** Message ids that are remembered: hash of id -> what is known of its message, one for each token id or app that uses them. */
const idsKey = (base: string, serial: number | ''): string => `${base}d${serial}`
/** Collapse keys of what is pending: hash of key -> offset, one for each token id or app that uses them. */
const collapseKey = (base: string, serial: number | ''): string => `${base}b${serial}`
/** Hash of serial -> how many messages went because the log was full, and until which cursor that is told. */
const missedKey = (base: string): string => `${base}g`
/** Of an app: hash of offset -> how many acknowledged the broadcast, and to how many it was sent. */
const countsKey = (base: string): string => `${base}c`
/** Hash of name -> session that is known by it. */
const namedKey = (base: string): string => `${base}y`
/** Sorted set of the names whose sessions nobody holds, by when they end, and of those whose subscriptions have ended. */
const namedDueKey = (base: string): string => `${base}z`
/** Hash of name -> what its session kept. */
const namedStatesKey = (base: string): string => `${base}yk`
/** Hash of packet id of QoS 2 -> what is known of its message, of the session of one name. */
const namedReceivedKey = (base: string, field: string): string => `${base}yq${field}`
/** The log of the session of one name: hash of offset -> entry. */
const sessionLogKey = (base: string, field: string): string => `${base}yl${field}`
/** Hash of number -> body that entries of several session logs share. */
const bodiesKey = (base: string): string => `${base}yb`
/** Hash of number -> how many do. */
const bodyCountsKey = (base: string): string => `${base}yc`
/** List of the numbers of graves. */
const gravesKey = (base: string): string => `${base}yg`
/** What was the log of a session that has ended. */
const graveKey = (base: string, number: number | ''): string => `${base}yd${number}`
/** Set of the sessions that have taken the message of this uid. */
const uidsKey = (base: string, uid: string): string => `${base}yu${uid}`
/** The name of the session that has a message of the log of a group: log, `/` and offset. */
const assignedKey = (base: string, message: string): string => `${base}yg${message}`
/** Hash of owner -> will. */
const willsKey = (base: string): string => `${base}a`
/** Sorted set of owners by when they are told of. */
const willsDueKey = (base: string): string => `${base}e`
/** Set of the packet ids of QoS 2 that the session of a token id has received. */
const receivedKey = (base: string, serial: number | ''): string => `${base}q${serial}`
/** Retained upstream messages of a token id: hash of subject -> (offset, entry). */
const retainingKey = (base: string, serial: number | ''): string => `${base}v${serial}`
/** Sorted set of their subjects by when they expire. */
const retainingDueKey = (base: string, serial: number | ''): string => `${base}o${serial}`
/** Upstream logs in a partition, and event logs, whose names begin with a `/`: hash of name -> record. */
const upstreamKey = (base: string): string => `${base}u`
/** Of one log in a partition: hash of offset -> entry. */
const upstreamLogKey = (base: string, log: string): string => `${base}ul${log}`
/** Hash of reader -> where it is. */
const readersKey = (base: string, log: string): string => `${base}ur${log}`
/** Hash of 15 bytes of a token id -> what of it is unread. */
const sharesKey = (base: string, app: string): string => `${base}us${app}`
/** What is claimed and settled of a shared reader: hash of offset -> claim. No app has a `/` in it. */
const claimsKey = (base: string, appAndReader: string): string => `${base}uc${appAndReader}`
/** Set of the token ids that retain upstream messages. */
const retainersKey = (base: string, app: string): string => `${base}uv${app}`
/** How far the sweep of a bucket of a partition is. */
const sweepingKey = (base: string): string => `${base}ws`
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

/** Of a lane: how many messages a node was told. */
const toldKey = (journal: string, node: string): string => `${journal}w${node}`

/** Sorted set of the apps that have broadcasts, by when to sweep them. */
export const appsKey = (prefix: string): string => `{${prefix}:apps}`
/** Everything about subscriptions. */
export const subscriptionsBase = (prefix: string): string => `{${prefix}:subs}`
/** What is known of the log of their changes. */
export const subscriptionsKey = (base: string): string => `${base}h`
/** Hash of offset -> change. */
const changesKey = (base: string): string => `${base}l`
/** Hash of name -> subscriptions of its session. */
const subscribersKey = (base: string): string => `${base}s`
/** Hash of filter -> options, of the session of one name that has many. */
const filtersKey = (base: string, field: string): string => `${base}f${field}`
/** Hash of node -> until when it relies on its table, in ticks (lua/begin.lua). */
const subscriptionLeasesKey = (base: string): string => `${base}w`
/** Hash of name -> epoch up to which its sessions have ended. */
const endedSubscribersKey = (base: string): string => `${base}e`

/** A small table. */
export const tableBase = (prefix: string, table: string): string => `{${prefix}:table:${table}}`
const tableKey = (base: string): string => `${base}h`
/** Hash of key -> row. */
const rowsKey = (base: string): string => `${base}r`
/** Sorted sets of the same keys: in the order of their bytes, by their newest change, by when they end. */
const rowKeysKey = (base: string): string => `${base}k`
const rowChangesKey = (base: string): string => `${base}v`
const rowsDueKey = (base: string): string => `${base}e`
/** Sorted set of keys of rows that were removed, by when. */
const rowsRemovedKey = (base: string): string => `${base}d`

/** The nodes. */
export const nodesBase = (prefix: string): string => `{${prefix}:nodes}`
/** Sorted set of nodes by when they were last heard of. */
const nodesKey = (base: string): string => `${base}n`

/** Which version of all these forms is there. */
export const formatKey = (prefix: string): string => `{${prefix}:format}`
export const secretKey = (prefix: string, name: string): string => `{${prefix}:secret}${name}`
/** Written by the health check, so that a Redis that only reads is found. */
export const probeKey = (prefix: string, node: string): string => `{${prefix}:probe}${node}`

/** What a node hears; with '' the channel that every node listens to. Redis has channels for all of its databases together. */
export const channel = (prefix: string, database: number, node: string): string => `${prefix}:${database}:node:${node}`

/** The upstream or event log of a key that says who reads it, or who retains; undefined for other keys. */
export function logOfKey(prefix: string, key: string): string | undefined {
  const start = `{${prefix}:`
  const tagEnd = key.indexOf('}')
  // Not the broadcast log of an app.
  if (!key.startsWith(start) || !/^\d+$/.test(key.slice(start.length, tagEnd))) return undefined
  const suffix = key.slice(tagEnd + 1)
  return [readersKey('', ''), retainersKey('', '')].includes(suffix.slice(0, 2)) ? suffix.slice(2) : undefined
}

/** The pattern of those keys. */
export const logKeysPattern = (prefix: string): string => `{${prefix}:*}u[rv]*`

/** The suffixes as a table of Lua, and the numbers that the scripts share with the rest. */
export function luaKeyNames(): string {
  const names = {
    tokens: tokensKey('', ''),
    devices: devicesKey('', ''),
    indexed: indexedKey(''),
    serials: serialsKey(''),
    due: dueKey(''),
    log: logKey(''),
    sessions: sessionsKey(''),
    states: statesKey(''),
    retained: retainedKey(''),
    retainedIndex: retainedIndexKey(''),
    followers: followersKey(''),
    marks: marksKey(''),
    details: detailsKey('', ''),
    account: accountKey('', ''),
    ids: idsKey('', ''),
    collapse: collapseKey('', ''),
    missed: missedKey(''),
    counts: countsKey(''),
    named: namedKey(''),
    namedDue: namedDueKey(''),
    namedStates: namedStatesKey(''),
    namedReceived: namedReceivedKey('', ''),
    sessionLog: sessionLogKey('', ''),
    bodies: bodiesKey(''),
    bodyCounts: bodyCountsKey(''),
    graves: gravesKey(''),
    grave: graveKey('', ''),
    uids: uidsKey('', ''),
    assigned: assignedKey('', ''),
    wills: willsKey(''),
    willsDue: willsDueKey(''),
    subscriptions: subscriptionsKey(''),
    changes: changesKey(''),
    subscribers: subscribersKey(''),
    filters: filtersKey('', ''),
    endedSubscribers: endedSubscribersKey(''),
    subscriptionLeases: subscriptionLeasesKey(''),
    table: tableKey(''),
    rows: rowsKey(''),
    rowKeys: rowKeysKey(''),
    rowChanges: rowChangesKey(''),
    rowsDue: rowsDueKey(''),
    rowsRemoved: rowsRemovedKey(''),
    nodes: nodesKey(''),
    received: receivedKey('', ''),
    retaining: retainingKey('', ''),
    retainingDue: retainingDueKey('', ''),
    upstream: upstreamKey(''),
    upstreamLog: upstreamLogKey('', ''),
    readers: readersKey('', ''),
    shares: sharesKey('', ''),
    claims: claimsKey('', ''),
    retainers: retainersKey('', ''),
    sweeping: sweepingKey(''),
    swept: sweptKey(''),
    told: toldKey('', ''),
    app: appKey(''),
  }
  const rows = Object.entries(names).map(([name, suffix]) => `${name} = '${suffix}'`)
  const ends = ENDS.map((end) => end.toUpperCase())
  const codes = ENDS.map((_, at) => at + 1)
  const numbers = `local CYCLE = ${OFFSET_CYCLE}\nlocal ${ends.join(', ')} = ${codes.join(', ')}`
  return `local KEY = { ${rows.join(', ')} }\n${numbers}\nlocal ENDS = '${ENDS.join(' ')}'\n`
}
