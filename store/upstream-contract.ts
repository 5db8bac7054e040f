/**
 * The upstream log of an app holds what its devices publish, for the readers of its providers. Its event log has the
 * same form. The guarantees of `contract.ts`, which extends this, apply.
 *
 * If a call takes the name of a log, that is the app for its upstream log, and `eventLog(app)` for its event log.
 *
 * A log consists of parts. All messages of a token id are in one part, in order. On Redis, a part has the hash tag of
 * its token ids, so that the check of the token, the append and the wake are one step. A *reader* has a cursor in each
 * part. A part is trimmed up to the lowest cursor of its readers; a message is removed after 7 days at the latest.
 */
import type { LogEntry, LogSlice, Message, ReadLimit, TokenId } from './entries.ts'

/** 0 to `upstreamParts` - 1. */
export type Part = number

/** Maximum age of an entry in an upstream or event log, ms. */
export const LONGEST_KEPT_MS = 7 * 24 * 60 * 60 * 1000

/** The name of the event log of an app; unique, because no app contains a `/`. */
export function eventLog(app: string): string {
  return `/${app}`
}

/** The app whose event log has this name; undefined for an upstream log. */
export function appOfEventLog(log: string): string | undefined {
  return log.startsWith('/') ? log.slice(1) : undefined
}

/** The name of the log of a shared subscription of users; unique, because no app starts with a `/`. */
export function groupLog(group: string): string {
  return eventLog(`/${group}`)
}

export function isGroupLog(log: string): boolean {
  return log.startsWith('//')
}

/** The inverse; undefined for another log. */
export function groupOfLog(log: string): string | undefined {
  return isGroupLog(log) ? log.slice(2) : undefined
}

/** A message for a shared subscription of users. */
export interface GroupAppend {
  /** Formed like a token id: its whole log is in the part of that id, in order. */
  readonly group: TokenId
  readonly subject: string
  readonly message: Message
  /**
   * As `SessionAppend.uid`: a log that has stored it does not store it again, even after it is settled, until
   * `forgetGroupUid`.
   */
  readonly uid?: string
}

/** `full`: the log is full (`storedMessages`, `storedBytes`) and refuses the newest. `gone`: nobody reads it. */
export type GroupAppended = 'stored' | 'duplicate' | 'full' | 'gone'

/** An event. `message.id` is the id of the message it is about, `message.payload` the details. */
export interface EventAppend {
  readonly app: string
  /** Token id of the device that it is about; may be unknown. */
  readonly tokenId: TokenId
  /** The name of the event. */
  readonly subject: string
  readonly message: Message
}

export interface KnownReader {
  readonly reader: string
  readonly expiresAt: number
  readonly parts: readonly ReaderPart[]
}

export interface UpstreamEntry extends LogEntry {
  readonly tokenId: TokenId
  /** The topic below `<app>/u/<token id>/`. */
  readonly subject: string
}

export interface UpstreamAppend {
  readonly app: string
  readonly tokenId: TokenId
  /** Generation of the JWT: a token that was revoked, or whose account is not current, cannot publish. */
  readonly generation: number
  /**
   * Epoch of the publishing session: refused if a newer one was opened, or if it was ended. Absent for a will, whose
   * connection has gone.
   */
  readonly epoch?: number
  readonly subject: string
  /** Retained on its topic, with or without readers; an empty payload removes it. */
  readonly message: Message
  /**
   * `stored`: it is in the log, for every reader. `told`: it was not stored, and listening nodes hear of it once (QoS
   * 0); a retained message is still retained.
   */
  readonly as: 'stored' | 'told'
  /**
   * Packet id of a PUBLISH with QoS 2. It is remembered in the same step, until `releaseUpstream` or the end of the
   * session: a second append with it is a duplicate.
   */
  readonly received?: number
}

export interface UpstreamAppended {
  /** 0 where nothing was stored. */
  readonly offset: number
  readonly duplicate: boolean
  /** Whether somebody reads this log. If not, only retained messages are stored. */
  readonly read: boolean
}

/** The position of a reader in one part. */
export interface ReaderPart {
  readonly part: Part
  /** The acknowledged offset. */
  readonly cursor: number
  /** The highest offset in the part. */
  readonly end: number
  /** Messages lost before it read them, because the log was full; reported once. */
  readonly missed: number
}

export interface ReaderOpen {
  readonly app: string
  /**
   * 1 to 400 bytes. Another name is another reader: use a new one for each session, so that a late acknowledgement of
   * an ended session moves nobody's cursor.
   */
  readonly reader: string
  /** It ends at this time, unless it is opened again with a later one; `Infinity` for never. */
  readonly expiresAt: number
  /** Where a new reader starts; absent: `latest`. `earliest`: at the first stored entry. */
  readonly from?: 'earliest' | 'latest'
  /** Does not report missed messages: `readUnread` reports them until a move confirms that they were reported. */
  readonly keepsMissed?: boolean
}

export interface ReaderMove {
  readonly part: Part
  readonly cursor: number
  /** Number of missed messages that were reported; confirmed when this move moves the cursor. */
  readonly missed?: number
}

export interface UnreadSlice {
  readonly slice: LogSlice<UpstreamEntry>
  /** False: no such reader, at least in this part. */
  readonly isKnown: boolean
  /** Messages lost before it read them, because the log was full. */
  readonly missed: number
}

export interface Claim {
  readonly app: string
  /** A reader that several members share. */
  readonly reader: string
  readonly part: Part
  /** The claiming member; its claims go to nobody else until they are settled or released, or `until` has passed. */
  readonly member: string
  readonly until: number
  readonly limit: ReadLimit
  /**
   * All claims in the part that the member knows of and has not settled, sent if the answer to a claim was lost. Any
   * other claims of the member are released.
   */
  readonly had?: readonly number[]
}

/** Whose claims, and where. */
export type ClaimOwner = Pick<Claim, 'app' | 'reader' | 'part' | 'member'>

export interface UpstreamStore {
  /** Number of parts of the log of an app. */
  readonly upstreamParts: number
  /** The part of a token id. */
  upstreamPart(tokenId: TokenId): Part

  /**
   * Token check, share, append, retained message and wakes in one step.
   * @throws TOKEN_UNKNOWN, TOKEN_REVOKED, TOKEN_SUPERSEDED, SESSION_TAKEN_OVER,
   * UPSTREAM_SHARE (what is unread of this token id is a tenth of what the log may hold),
   * RETAINED_LIMIT (this token id retains `upstreamRetained` other topics),
   * RECEIVE_MAXIMUM_EXCEEDED (more than 65,535 packet ids are remembered), STORE_UNAVAILABLE
   */
  appendUpstream(append: UpstreamAppend): Promise<UpstreamAppended>
  /** PUBREL: false if the packet id is not remembered. @throws SESSION_TAKEN_OVER */
  releaseUpstream(tokenId: TokenId, epoch: number, packetId: number): Promise<boolean>

  /**
   * Stores events durably, in order within their parts. Nothing refuses an event: a full log (`eventMessages`,
   * `eventBytes`) drops its oldest. If nobody reads the log, nothing is stored (offset 0), except receipts: they are
   * stored with the end of their message in any case, for 7 days, and removed once all readers have passed them.
   */
  appendEvents(events: readonly EventAppend[]): Promise<readonly number[]>

  /** Stores a message in the log of a group (`groupLog`), durably, for the members that share its reader. */
  appendGroup(append: GroupAppend): Promise<GroupAppended>
  /** The message will not be sent to these groups again; forgets its uid. Idempotent. */
  forgetGroupUid(uid: string, groups: readonly TokenId[]): Promise<void>
  /**
   * Assigns a message of a group's log, which the member has claimed, to one session (QoS 2): durably returns the first
   * name given for this offset, by any member, until `forgetAssigned` or for a day. Undefined if the member does not hold
   * the claim any more: the message is settled, or another member has it.
   */
  assignShared(claim: ClaimOwner, offset: number, name: string): Promise<string | undefined>
  /** The message is settled; forgets its assignment. Idempotent. */
  forgetAssigned(group: TokenId, offset: number): Promise<void>

  /** From now on, this node hears `upstreamAppended` of the log; returns a function that ends this. */
  listenUpstream(app: string): Promise<() => void>
  /**
   * Opens a reader; when this resolves, every part knows it and keeps later entries for it. A new reader starts at the
   * end of each part, or at the first stored entry (`from`); a known one keeps its cursors, and its expiry only moves
   * to a later time. Idempotent. Returns every part in order; for a group, its only part.
   */
  openReader(open: ReaderOpen): Promise<readonly ReaderPart[]>
  /** Closes a reader and deletes what was kept for it alone. Idempotent. */
  closeReader(app: string, reader: string): Promise<void>
  /** Entries of a part after an offset, for any reader. */
  readUpstream(app: string, part: Part, after: number, limit: ReadLimit): Promise<LogSlice<UpstreamEntry>>
  /** Entries of a part after the current cursor of a reader, whoever moved it, or after an offset if that is later. */
  readUnread(reading: {
    readonly app: string
    readonly reader: string
    readonly part: Part
    readonly after: number
    readonly limit: ReadLimit
  }): Promise<UnreadSlice>
  /**
   * Moves cursors forward, at most to the end of the part, and trims the parts. Resolves to false if a part does not
   * know the reader. A crash of the machine may lose a resolved move, which costs a duplicate.
   */
  moveReader(app: string, reader: string, moves: readonly ReaderMove[]): Promise<boolean>

  /**
   * Claims the first messages after the cursor of a shared reader that are neither settled nor claimed, in order.
   * Everything before `readTo` is settled or claimed.
   */
  claimUpstream(claim: Claim): Promise<LogSlice<UpstreamEntry>>
  /**
   * Settles these offsets for this member. The cursor moves up to the first unsettled one. Returns those that are settled
   * now, or were already; the others are free, or another member has claimed them.
   */
  settleUpstream(claim: ClaimOwner, offsets: readonly number[]): Promise<readonly number[]>
  /** Extends the member's unsettled claims in the part until then. */
  renewClaims(claim: ClaimOwner & Pick<Claim, 'until'>): Promise<void>
  /** Releases the member's unsettled claims in the part; listeners hear of the part. */
  releaseClaims(claim: ClaimOwner): Promise<void>

  /** Unexpired retained messages of an app's upstream topics, or of one token id. */
  retainedUpstream(app: string, tokenId?: TokenId): AsyncIterable<UpstreamEntry>
}
