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

/** Where offsets jump over some, they jump by a multiple of this, so that what is computed from them goes round with it. */
export const OFFSET_CYCLE = 32_256

export interface BroadcastEntry extends LogEntry {
  readonly selector: Selector
}

/** What a selector retains, or what it hides since it was cleared or has expired. */
export interface RetainedBroadcast {
  readonly selector: Selector
  readonly offset: number
  /** Absent: nothing, and older retained broadcasts for the same versions stay hidden. */
  readonly entry?: BroadcastEntry
}

export interface PrivateAppend {
  readonly tokenId: TokenId
  /** When given, it must be the app the token id was registered for, otherwise `TOKEN_UNKNOWN`. */
  readonly app?: string
  readonly message: Message
  /**
   * True: the id was chosen by the provider, so that the same id again on this log within `limits.dedupeMs`, or until
   * the message expires where that is later, is the same message; with other content or options (`fingerprintOf`) it is
   * refused (ID_REUSED). What happens to it is remembered as long as the id. False: the id is fresh and need not be
   * remembered beyond what makes a resend safe.
   */
  readonly dedupe: boolean
  /** Refused where another account has the device. */
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
  /** From the JWT. */
  readonly generation: number
  /** Discards the stored session state (MQTT 5 section 3.1.2.4). Never touches logs and cursors. */
  readonly cleanStart: boolean
}

export interface OpenedSession {
  /** Higher than any epoch given for this token id before. */
  readonly epoch: number
  /** What `saveSession` or `closeSession` kept, when the session is resumed. */
  readonly state?: Uint8Array
  /** True if the session that is resumed was not closed: its node died, or it was taken over. */
  readonly unclean: boolean
  /** The will that waited with a session which this one ends, and that nobody has taken: it is to be published now. */
  readonly will?: Uint8Array
  readonly cursors: Cursors
  /** The highest offset given in the private log. */
  readonly privateEnd: number
  /** Absent: nothing. */
  readonly missed?: Missed
  /** Absent: none. */
  readonly tags?: readonly string[]
}

/** A move of the cursors; offsets below the stored ones, or absent, leave them where they are. */
export interface Commit {
  readonly tokenId: TokenId
  /** Epoch of the session that acknowledges. Absent: an acknowledgement over HTTP, which no session fences. */
  readonly epoch?: number
  readonly private?: number
  readonly broadcast?: number
  /**
   * From the stored broadcast cursor on, it stands for these versions; absent: for those that it stood for. Where it has
   * been moved beyond this commit meanwhile, those that are new stay where this commit is.
   */
  readonly versions?: readonly string[]
  /** A version that is acknowledged up to an offset. It moves the cursor where that stands for this version alone. */
  readonly passed?: readonly (readonly [version: string, offset: number])[]
  /** Passed by these cursors though nobody acknowledged it: still pending. */
  readonly skipped?: Skipped
  /**
   * Of the private log: passed or taken by this commit though nobody acknowledged them, and not pending either. Only entries
   * that are followed (`LogEntry.isFollowed`) need to be named; everything else that it passes and that is not skipped was
   * acknowledged.
   */
  readonly passedAs?: readonly (readonly [offset: number, as: PassedAs])[]
  /** Skipped before, and acknowledged now. */
  readonly taken?: Skipped
}

/** Offsets in the two logs. */
export interface Skipped {
  readonly private: readonly number[]
  readonly broadcast: readonly number[]
}

/** `TOKEN_UNKNOWN`: the store lost the token id, and nobody can send to it until it is registered again. */
export type SessionEnd = 'SESSION_TAKEN_OVER' | 'TOKEN_REVOKED' | 'TOKEN_SUPERSEDED' | 'TOKEN_UNKNOWN'

/**
 * What a node hears. All of it are hints: any may be lost, doubled or late, and none may be needed for a promise to hold.
 * An append is told only after it is durable. Callbacks must not throw and are called in a turn of their own.
 */
export interface Watcher {
  /** A private log grew whose session is open on this node, or that `follow` named. The entry may be left out. */
  privateAppended(tokenId: TokenId, offset: number, entry?: LogEntry): void
  /** A message was recalled or replaced: nobody is to start sending it. */
  privateRemoved?(tokenId: TokenId, offset: number): void
  broadcastRemoved?(app: string, offset: number): void
  /** A broadcast log grew. The entry may be left out. */
  broadcastAppended(app: string, offset: number, entry?: BroadcastEntry): void
  /** The upstream log of an app grew that this node listens to, or one of QoS 0 came (offset 0). The entry may be left out. */
  upstreamAppended?(app: string, part: Part, offset: number, entry?: UpstreamEntry): void
  /** Sessions of this token id with this epoch or a lower one are over. */
  sessionEnded(tokenId: TokenId, epoch: number, reason: SessionEnd): void
  /**
   * Sessions of this name with this epoch or a lower one are over. `isDiscarded`: what they kept does not go on with a newer
   * one; false if nobody knows.
   */
  namedSessionEnded?(name: string, epoch: number, isDiscarded: boolean): void
  /** The log of a session grew that is open on this node. The entry may be left out. */
  sessionAppended?(name: string, offset: number, entry?: SessionEntry): void
  /** Subscriptions changed. */
  subscriptionsChanged?(offset: number): void
  /** A row of a table changed. */
  tableChanged?(table: string, version: number): void
  /** Another node has told this one something, see `NodeChannel`. */
  told?(bytes: Uint8Array): void
  /** The time of a will has come, and nobody may have published it. */
  willDue?(session: SessionOwner, epoch: number): void
  /** Acknowledged past this session, over HTTP. */
  cursorMoved(tokenId: TokenId, cursors: Cursors): void
  /** The store has lost what it held, or the last of it: this session commits where it stands again. */
  cursorsLost(tokenId: TokenId): void
  /** Wakes may have been lost: look at every session of this node again. */
  resync(): void
}

export type LogName = 'private' | 'broadcast' | 'upstream' | 'event' | 'session'

/** What the engine counts; `createMetrics` gives one in a server. */
export interface StoreObserver {
  /** Messages that expired before they were acknowledged, counted when they are removed. */
  expired(destination: LogName, count: number): void
  dropped(destination: LogName, count: number): void
  /** Otherwise than by an acknowledgement, its time or a full log; sessions count what they send with QoS 0. */
  ended?(destination: LogName, state: Exclude<End, 'sent' | 'expired' | 'dropped'>, count: number): void
  /** A watcher threw, which it must not; the others were told. */
  watcherFailed?(error: unknown): void
  /** What the store held is gone, in whole or in a part: it was emptied, or failed over to one that had nothing. */
  lost?(): void
  /** A secret that this node uses is not the one that is stored, so that it and other nodes refuse each other's tokens. */
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

/** What every engine takes besides its own address. */
export interface StoreOptions {
  readonly limits?: Partial<StoreLimits>
  /** Milliseconds since the epoch; a test may replace it. */
  readonly now?: () => number
  readonly observer?: StoreObserver
}

export interface StoreHealth {
  /** Settings of the store that risk a promise, each a sentence that names the risk. */
  readonly warnings: readonly string[]
}

/** Secrets that all nodes of one installation share. */
export interface SecretStore {
  /** The secret of this name, made by `create` if there is none; every node gets the same one. Durable. */
  secret(name: string, create: () => string): Promise<string>
}

/**
 * All that is stored, for a tool that moves it to another engine; never called while serving. What changes meanwhile may
 * be given as it was before or after.
 */
export interface Inventory {
  /** Every token id once, in any order. */
  tokens(): AsyncIterable<KnownToken>
  /** Every app that has ever had a broadcast. */
  broadcastApps(): AsyncIterable<string>
  /** By offset. */
  retainedBroadcasts(app: string): Promise<readonly RetainedBroadcast[]>
  /** The names of all upstream and event logs that somebody reads, or that retain something, each once. */
  upstreamLogs(): AsyncIterable<string>
  readersOf(log: string): Promise<readonly KnownReader[]>
  /** Each that is held or kept, once, in any order. */
  namedSessions(): AsyncIterable<KnownNamedSession>
  /**
   * Puts what another store had in an upstream or event log at the end of the log of that name, whatever is known of its
   * token id, and whatever the limits are: gives the part and offset of each. Order is kept in a part.
   */
  restoreUpstream(log: string, entries: readonly UpstreamEntry[]): Promise<readonly ReaderMove[]>
  /**
   * Puts back what token ids retained, whatever is known of them and whatever the limits are. Idempotent, and takes
   * nothing back: what is retained here on the same topic, and is not older, stays.
   */
  restoreRetainedUpstream(app: string, entries: readonly UpstreamEntry[]): Promise<void>
  /**
   * Puts a token id in place as another store knew it, and gives what is known of it now. Idempotent, and takes nothing
   * back that has happened here: of one that is known, generation, revocation, expiry and broadcast cursor only move
   * forward, and an account that is current on its device stays so.
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
  /** Absent where one process has the store to itself. */
  readonly nodes?: NodeChannel

  /** Ready to serve when it resolves. Its time does not depend on how much is stored. */
  open(): Promise<void>
  /** Waits for writes under way. Sessions that are open stay open, as after a crash. */
  close(): Promise<void>
  /** Resolves when the store answers; `STORE_UNAVAILABLE` otherwise. */
  health(): Promise<StoreHealth>
  /**
   * How many messages all private logs hold, those that have expired and were not swept yet as well. Costs the same
   * however many there are.
   */
  pendingMessages(): Promise<number>
  /** Hear what happens; returns how to stop. */
  watch(watcher: Watcher): () => void

  // Logs

  /**
   * Stores a private message: dedupe, collapse, cap, retain, wake, in one step. Resolves when it is durable.
   * A retained message with an empty payload clears the retained message and is still delivered. A pending message with the
   * same collapse key ends as `replaced`, before the cap is checked; what is retained of it stays.
   * @throws TOKEN_UNKNOWN, TOKEN_REVOKED, ID_REUSED, STORE_UNAVAILABLE. A superseded token id is no error: its messages wait, unless
   * `onlyCurrent` says TOKEN_SUPERSEDED.
   */
  append(append: PrivateAppend): Promise<Appended>
  /**
   * Stores a broadcast once, whatever the number of devices. One in the log with the same collapse key and the same selector
   * ends as `replaced`.
   * @throws RETAINED_LIMIT, ID_REUSED, STORE_UNAVAILABLE
   */
  appendBroadcast(append: BroadcastAppend): Promise<Appended>
  /**
   * What is pending after an offset, skipped entries below the cursor as well. Nothing for a token id that is not known.
   * `handsOut`: the entries go to the device without a session, so that a recall says that they may have been seen.
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
   * The last retained entry of the app whose selector matches the version and the tags of a device; none where that one is
   * empty or has expired: as with one retained message a topic, what it replaced or cleared does not come back.
   */
  retainedBroadcast(app: string, version: string, tags: readonly string[]): Promise<BroadcastEntry | undefined>
  /**
   * Moves cursors forward and trims private logs up to them. Returns the commits that were refused because a newer
   * session has been opened; one of a token id that is not known is passed over. A resolved commit may be lost by a crash of the machine: it costs a duplicate.
   * A cursor beyond the end of its log is cut to the end. What is skipped stays in a private log until it is taken.
   */
  commit(commits: readonly Commit[]): Promise<readonly Commit[]>

  // Sessions

  /**
   * Takes the session of a token id for this node; an older one, on whichever node, ends (`SESSION_TAKEN_OVER`).
   * @throws TOKEN_UNKNOWN, TOKEN_REVOKED (revoked, or generation too old), TOKEN_SUPERSEDED
   */
  openSession(request: OpenSessionRequest): Promise<OpenedSession>
  /** Keeps state while the session is open. @throws SESSION_TAKEN_OVER */
  saveSession(tokenId: TokenId, epoch: number, state: Uint8Array): Promise<void>
  /** Ends the connection's hold; a no-op when the session is over or a newer one has been opened. Never fails for a stale epoch. */
  closeSession(tokenId: TokenId, epoch: number, close: SessionClose): Promise<void>
  /** This node wants `privateAppended` for a token id without a session here (a long poll). Returns how to stop. */
  follow(tokenId: TokenId): Promise<() => void>

  /**
   * One pass over what may have expired; engines also run it every `sweepMs`. A token id is forgotten when its newest JWT
   * expired as long ago as a message can live (28 days) and as its account keeps a device (`deviceHoldMs`), and nothing of it
   * is pending or retained.
   */
  sweep(): Promise<void>
}
