/**
 * The store: logs, cursors, sessions and the token registry. One contract, several engines
 * (`store/level`, `store/redis`), one conformance suite (`test/store/conformance.ts`).
 *
 * For every call of every engine:
 * - **Atomic**: a call takes effect whole or not at all, also when the process or the store is killed in between.
 * - **Durable**: what a resolved promise says survives a crash of the process, and (level: fsync; Redis:
 *   `appendfsync always`) of the machine. The exceptions say so.
 * - **Ordered**: calls on one token id, or on one app's broadcast log, take effect in the order they were made on
 *   one node, so a caller need not await one append before the next.
 * - **Errors**: a `PushError`. `STORE_UNAVAILABLE` when the store does not answer: the call may or may not have
 *   taken effect, and is safe to repeat with the same arguments where it says "idempotent".
 *
 * Times are milliseconds since the epoch, by the `now` the engine was given. Offsets are positive integers that
 * only grow within one log and are never used twice; gaps are allowed, and where a log begins is the engine's. Offset 0 is
 * "before the first message". Redis keeps that even where it was emptied: an earlier cursor is below all that comes after.
 */
import type { Limits } from '../common/limits.ts'
import type { Selector } from '../topics/index.ts'
import type {
  Appended,
  LogEntry,
  LogSlice,
  Message,
  Missed,
  ReadLimit,
  SessionClose,
  SessionOwner,
  TokenId,
} from './entries.ts'
import type { KnownNamedSession, NamedSessionStore } from './named-sessions.ts'
import type { End, FollowingStore, PassedAs } from './following-contract.ts'
import type { NodeChannel } from './node-channel.ts'
import type {
  AccountStore,
  Cursors,
  KnownToken,
  RegistryStore,
  RestoredToken,
  TokenRecord,
} from './registry-contract.ts'
import type { RetainedTopicStore, SessionEntry, SessionLogStore } from './session-logs.ts'
import type { TableStore } from './tables.ts'
import type { WebPushStore } from './web-push-contract.ts'
import type { KnownReader, Part, ReaderMove, UpstreamEntry, UpstreamStore } from './upstream-contract.ts'

export type * from './entries.ts'
export type * from './following-contract.ts'
export type * from './named-sessions.ts'
export type * from './node-channel.ts'
export type * from './registry-contract.ts'
export type * from './session-logs.ts'
export type * from './tables.ts'
export type * from './upstream-contract.ts'
export type * from './web-push-contract.ts'
export { ENDS, receiptPayload, receiptSubject } from './following-contract.ts'
export {
  appOfEventLog,
  eventLog,
  groupLog,
  groupOfLog,
  isGroupLog,
  LONGEST_KEPT_MS,
} from './upstream-contract.ts'

/** Offsets jump in multiples of this, so that values computed from them keep their cycle. */
export const OFFSET_CYCLE = 32_256

export interface BroadcastEntry extends LogEntry {
  readonly selector: Selector
}

/** The retained message of a selector, or the marker that it was cleared or has expired. */
export interface RetainedBroadcast {
  readonly selector: Selector
  readonly offset: number
  /** Absent: nothing; older retained broadcasts for the same versions stay hidden. */
  readonly entry?: BroadcastEntry
}

export interface PrivateAppend {
  readonly tokenId: TokenId
  /** If given, must be the app that the token id was registered for, otherwise `TOKEN_UNKNOWN`. */
  readonly app?: string
  readonly message: Message
  /**
   * True: the provider chose the id. The same id again on this log, within `limits.dedupeMs` or until the message
   * expires, whichever is later, is the same message; with other content or options (`fingerprintOf`) it is refused
   * (ID_REUSED). The end of the message is remembered as long as the id. False: the id is fresh, and is remembered only
   * as long as a retry needs it.
   */
  readonly dedupe: boolean
  /** Refuses if another account holds the device. */
  readonly onlyCurrent?: boolean
  /** Fingerprint of the message for which the id stands, where another store had it before. Absent: that of `message`. */
  readonly fingerprint?: Uint8Array | undefined
}

export interface BroadcastAppend {
  readonly app: string
  readonly selector: Selector
  readonly message: Message
  readonly dedupe: boolean
  readonly fingerprint?: Uint8Array | undefined
}

export interface OpenSessionRequest {
  readonly tokenId: TokenId
  readonly app: string
  /** Claims of the JWT. */
  readonly generation: number
  /** Discards the stored session state (MQTT 5 section 3.1.2.4). Does not change logs or cursors. */
  readonly cleanStart: boolean
}

export interface OpenedSession {
  /** Higher than every earlier epoch of this token id. */
  readonly epoch: number
  /** The state kept by `saveSession` or `closeSession`, if the session is resumed. */
  readonly state?: Uint8Array
  /** True if the resumed session was not closed: its node died, or it was taken over. */
  readonly unclean: boolean
  /** The pending will of a session that this one ends, if nobody has taken it: publish it now. */
  readonly will?: Uint8Array
  readonly cursors: Cursors
  /** The highest offset in the private log. */
  readonly privateEnd: number
  /** Absent: nothing. */
  readonly missed?: Missed
  /** Absent: none. */
  readonly tags?: readonly string[]
}

/** Moves the cursors; an offset that is absent or below the stored one changes nothing. */
export interface Commit {
  readonly tokenId: TokenId
  /** Epoch of the session that acknowledges. Absent: an acknowledgement over HTTP, which no session fences. */
  readonly epoch?: number
  readonly private?: number
  readonly broadcast?: number
  /**
   * From the stored broadcast cursor on, it stands for these versions; absent: for the same versions as before. If the
   * cursor has meanwhile moved beyond this commit, new versions stay at this commit.
   */
  readonly versions?: readonly string[]
  /** The position of one acknowledged version. Moves the cursor if that stands for this version alone. */
  readonly passed?: readonly (readonly [version: string, offset: number])[]
  /** Offsets that these cursors pass without an acknowledgement: still pending. */
  readonly skipped?: Skipped
  /**
   * Offsets in the private log that this commit passes or takes without an acknowledgement, and that are not pending
   * either. Only followed entries (`LogEntry.isFollowed`) must be listed; everything else that the cursor passes and
   * that is not skipped was acknowledged.
   */
  readonly passedAs?: readonly (readonly [offset: number, as: PassedAs])[]
  /** Offsets that were skipped before and are acknowledged now. */
  readonly taken?: Skipped
}

/** Offsets in the two logs. */
export interface Skipped {
  readonly private: readonly number[]
  readonly broadcast: readonly number[]
}

/** `TOKEN_UNKNOWN`: the store lost the token id; nobody can send to it until it is registered again. */
export type SessionEnd = 'SESSION_TAKEN_OVER' | 'TOKEN_REVOKED' | 'TOKEN_SUPERSEDED' | 'TOKEN_UNKNOWN'

/**
 * Notifications to a node. All of them are hints: any may be lost, repeated or late, and no guarantee may depend on
 * one. An append is reported only after it is durable. Callbacks must not throw, and run in their own turn.
 */
export interface Watcher {
  /** A private log with an open session on this node, or followed by it, has a new entry. The entry may be omitted. */
  privateAppended(tokenId: TokenId, offset: number, entry?: LogEntry): void
  /** A message was recalled or replaced: do not start to send it. */
  privateRemoved?(tokenId: TokenId, offset: number): void
  broadcastRemoved?(app: string, offset: number): void
  /** A broadcast log has a new entry. The entry may be omitted. */
  broadcastAppended(app: string, offset: number, entry?: BroadcastEntry): void
  /**
   * The upstream log of an app that this node listens to has a new entry, or a QoS 0 message arrived (offset 0). The
   * entry may be omitted.
   */
  upstreamAppended?(app: string, part: Part, offset: number, entry?: UpstreamEntry): void
  /** Sessions of this token id with this epoch or a lower one have ended. */
  sessionEnded(tokenId: TokenId, epoch: number, reason: SessionEnd): void
  /** Sessions of this name with this epoch or a lower one have ended. */
  namedSessionEnded?(name: string, epoch: number): void
  /** The log of a session that is open on this node has a new entry. The entry may be omitted. */
  sessionAppended?(name: string, offset: number, entry?: SessionEntry): void
  /** Subscriptions changed; `by`: the node that did it, for `SubscriptionLease.confirm`. */
  subscriptionsChanged?(offset: number, by?: string): void
  /** A row of a table changed. */
  tableChanged?(table: string, version: number): void
  /** A message from another node, see `NodeChannel`. */
  told?(bytes: Uint8Array): void
  /** A will is due, and may not have been published yet. */
  willDue?(session: SessionOwner, epoch: number): void
  /** An acknowledgement over HTTP has passed this session. */
  cursorMoved(tokenId: TokenId, cursors: Cursors): void
  /** The store lost all or its latest data: the session must commit its position again. */
  cursorsLost(tokenId: TokenId): void
  /** Wakes may have been lost: check every session of this node. */
  resync(): void
}

export type LogName = 'private' | 'broadcast' | 'upstream' | 'event' | 'session'

/** Counters of the engine; a server passes those of `createMetrics`. */
export interface StoreObserver {
  /** Messages that expired unacknowledged, counted when they are removed. */
  expired(destination: LogName, count: number): void
  dropped(destination: LogName, count: number): void
  /**
   * Messages that ended other than by acknowledgement, expiry or a full log; sessions count what they send with QoS 0.
   */
  ended?(destination: LogName, state: Exclude<End, 'sent' | 'expired' | 'dropped'>, count: number): void
  /** A watcher threw, which it must not; the others were still called. */
  watcherFailed?(error: unknown): void
  /** The store lost all or some of its data: it was emptied, or failed over to an empty server. */
  lost?(): void
  /** A secret of this node differs from the stored one, so that it and other nodes refuse each other's tokens. */
  secretDiffers?(name: string): void
}

export type StoreLimits = Pick<
  Limits,
  | 'privateMessages'
  | 'privateBytes'
  | 'webPushMessages'
  | 'broadcastMessages'
  | 'broadcastBytes'
  | 'retainedBroadcasts'
  | 'upstreamBytes'
  | 'upstreamMessages'
  | 'upstreamRetained'
  | 'eventMessages'
  | 'eventBytes'
  | 'storedMessages'
  | 'storedBytes'
  | 'dedupeMs'
  | 'lateAckMs'
  | 'deviceHoldMs'
  | 'sweepMs'
>

/** Options of every engine, besides its address. */
export interface StoreOptions {
  readonly limits?: Partial<StoreLimits>
  /** Milliseconds since the epoch; a test may replace it. */
  readonly now?: () => number
  readonly observer?: StoreObserver
}

export interface StoreHealth {
  /** Options of the store that put a guarantee at risk, each a sentence that describes the risk. */
  readonly warnings: readonly string[]
}

/** Secrets shared by all nodes of an installation. */
export interface SecretStore {
  /** The secret of this name, made by `create` if there is none; every node gets the same one. Durable. */
  secret(name: string, create: () => string): Promise<string>
}

/**
 * The whole content of a store, for moving it to another engine; never used while serving. Concurrent changes may or
 * may not be included.
 */
export interface Inventory {
  /** Every token id exactly once, in any order. */
  tokens(): AsyncIterable<KnownToken>
  /** Every app that has ever had a broadcast. */
  broadcastApps(): AsyncIterable<string>
  /** By offset. */
  retainedBroadcasts(app: string): Promise<readonly RetainedBroadcast[]>
  /** The names of all upstream and event logs that have readers or retained messages, each once. */
  upstreamLogs(): AsyncIterable<string>
  readersOf(log: string): Promise<readonly KnownReader[]>
  /** Every session that is held or kept, once, in any order. */
  namedSessions(): AsyncIterable<KnownNamedSession>
  /**
   * Appends the entries of another store's upstream or event log to the log of that name, regardless of token ids and
   * limits; returns the part and offset of each. Order is preserved within a part.
   */
  restoreUpstream(log: string, entries: readonly UpstreamEntry[]): Promise<readonly ReaderMove[]>
  /**
   * Restores the retained messages of token ids, regardless of token ids and limits. Idempotent: a retained message on
   * the same topic that is not older stays.
   */
  restoreRetainedUpstream(app: string, entries: readonly UpstreamEntry[]): Promise<void>
  /**
   * Registers a token id as another store knew it, and returns its current state. Idempotent, and never reverts later
   * changes: for a known token id, generation, revocation, expiry and broadcast cursor only move forward, and the
   * current account of its device stays.
   */
  restoreToken(token: RestoredToken): Promise<TokenRecord>
}

export interface Store
  extends SecretStore,
    Inventory,
    RegistryStore,
    AccountStore,
    FollowingStore,
    UpstreamStore,
    NamedSessionStore,
    SessionLogStore,
    TableStore,
    WebPushStore {
  /** Absent over Redis. */
  readonly retainedTopics?: RetainedTopicStore
  /** Absent if one process has the store to itself. */
  readonly nodes?: NodeChannel
  /**
   * The engine finds out that a notice to this node was lost, within `sessionRecheckMs`, and calls `resync` then. Otherwise
   * whoever has a session reads its log that often.
   */
  readonly findsLostWakes?: true

  /** Resolves when the store can serve. The time does not depend on the amount of stored data. */
  open(): Promise<void>
  /** Waits for pending writes. Open sessions stay open, as after a crash. */
  close(): Promise<void>
  /** Resolves when the store answers; `STORE_UNAVAILABLE` otherwise. */
  health(): Promise<StoreHealth>
  /** Number of messages in all private logs, including expired ones that were not swept yet. The cost is constant. */
  pendingMessages(): Promise<number>
  /** Registers a watcher; returns a function that removes it. */
  watch(watcher: Watcher): () => void

  // Logs

  /**
   * Stores a private message: dedupe, collapse, cap, retain and wake in one step. Resolves when it is durable. A
   * retained message with an empty payload clears the retained message and is still delivered. A pending message with
   * the same collapse key ends as `replaced` before the cap is checked; its retained copy stays.
   * @throws TOKEN_UNKNOWN, TOKEN_REVOKED, ID_REUSED, STORE_UNAVAILABLE. A superseded token id is no error, because its
   * messages wait, unless `onlyCurrent` asks for TOKEN_SUPERSEDED.
   */
  append(append: PrivateAppend): Promise<Appended>
  /**
   * Stores a broadcast once, whatever the number of devices. A broadcast in the log with the same collapse key and
   * selector ends as `replaced`.
   * @throws RETAINED_LIMIT, ID_REUSED, STORE_UNAVAILABLE
   */
  appendBroadcast(append: BroadcastAppend): Promise<Appended>
  /**
   * Pending entries after an offset, including skipped entries below the cursor. Empty for an unknown token id.
   * `handsOut`: the entries go to the device without a session, so that a recall reports that they may have been seen.
   */
  readPrivate(
    tokenId: TokenId,
    after: number,
    limit: ReadLimit,
    options?: { readonly handsOut?: boolean },
  ): Promise<LogSlice<LogEntry>>
  readBroadcast(app: string, after: number, limit: ReadLimit): Promise<LogSlice<BroadcastEntry>>
  /** The last retained message of the private topic, unexpired. Acknowledgement does not remove it. */
  retainedPrivate(tokenId: TokenId): Promise<LogEntry | undefined>
  /**
   * The last retained entry of the app that matches the version and tags of a device; none if that entry is empty or
   * has expired. As with one retained message per topic, what it replaced or cleared does not come back.
   */
  retainedBroadcast(app: string, version: string, tags: readonly string[]): Promise<BroadcastEntry | undefined>
  /**
   * Moves cursors forward and trims private logs. Returns the commits that were refused because a newer session exists;
   * a commit of an unknown token id is ignored. A crash of the machine may lose a resolved commit, which costs a
   * duplicate. A cursor beyond the end of its log is cut to the end. Skipped entries stay in a private log until they
   * are taken.
   */
  commit(commits: readonly Commit[]): Promise<readonly Commit[]>

  // Sessions

  /**
   * Takes over the session of a token id for this node; an older one, on any node, ends (`SESSION_TAKEN_OVER`). A crash of
   * the machine may lose that a session was resumed, or closed and kept: it is then as it was before, and messages that
   * were sent in between may come again without DUP.
   * @throws TOKEN_UNKNOWN, TOKEN_REVOKED (revoked, or generation too old), TOKEN_SUPERSEDED
   */
  openSession(request: OpenSessionRequest): Promise<OpenedSession>
  /** Saves state while the session is open. @throws SESSION_TAKEN_OVER */
  saveSession(tokenId: TokenId, epoch: number, state: Uint8Array): Promise<void>
  /**
   * Releases the session; does nothing if it has ended or a newer one was opened, except that the will is due now if a
   * clean start ended this session. Never fails for an old epoch.
   */
  closeSession(tokenId: TokenId, epoch: number, close: SessionClose): Promise<void>
  /**
   * Subscribes this node to `privateAppended` of a token id without a session here (a long poll). Returns a function
   * that ends this.
   */
  follow(tokenId: TokenId): Promise<() => void>

  /**
   * Removes what has expired; engines also run it every `sweepMs`. A token id is forgotten when its newest JWT expired
   * longer ago than a message can live (28 days) and than its account keeps a device (`deviceHoldMs`), and it has no
   * pending or retained messages.
   */
  sweep(): Promise<void>
}
