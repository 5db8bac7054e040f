/**
 * The upstream log of an app: what its devices publish, for the readers of its providers; and its event log: what happened to
 * messages, in the same form. They have the guarantees of `contract.ts`, which extends this.
 *
 * Where a call takes the name of a log, that is the app for its upstream log, and `eventLog(app)` for its event log.
 *
 * The log of an app lies in parts. All messages of a token id are in one part, and are in order there: on Redis a part has
 * the hash tag of its token ids, so that the check of the token, the append and the wake are one step. A *reader* has a
 * cursor in each part. A part is trimmed up to the lowest cursor of its readers; a message goes after 7 days at most.
 */
import type { LogEntry, LogSlice, Message, ReadLimit, TokenId } from './entries.ts'

/** 0 to `upstreamParts` - 1. */
export type Part = number

/** An entry stays no longer in an upstream or event log, ms. */
export const LONGEST_KEPT_MS = 7 * 24 * 60 * 60 * 1000

/** The name of the event log of an app: no app has a `/`. */
export function eventLog(app: string): string {
  return `/${app}`
}

/** The app whose event log has this name; undefined for an upstream log. */
export function appOfEventLog(log: string): string | undefined {
  return log.startsWith('/') ? log.slice(1) : undefined
}

/** The name of the log of a shared subscription of users: no app begins with a `/`. */
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
  /** In the form of a token id: all of its log is in the part of that, in order. */
  readonly group: TokenId
  readonly subject: string
  readonly message: Message
  /** As `SessionAppend.uid`: a log that has taken it takes it no second time, also when it is settled; until `forgetGroupUid`. */
  readonly uid?: string
}

/** `full`: the log has no room (`storedMessages`, `storedBytes`), and the newest is refused. `gone`: nobody reads it. */
export type GroupAppended = 'stored' | 'duplicate' | 'full' | 'gone'

/** What happened to a message. `message.id` is that of the message, `message.payload` what is told of it. */
export interface EventAppend {
  readonly app: string
  /** Token id of the device that it is about; it need not be known. */
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
  /** Of the JWT: what was revoked since, or belongs to an account that is not current, publishes nothing. */
  readonly generation: number
  /**
   * Of the session that publishes: refused when a newer one has been opened, or when it was ended. Absent for a will,
   * whose connection is gone.
   */
  readonly epoch?: number
  readonly subject: string
  /** Retained: kept as the last one of its topic, an empty payload removes that, whether there are readers or not. */
  readonly message: Message
  /**
   * `stored`: it is in the log, for every reader. `told`: it is not stored, and the nodes that listen hear of it once
   * (QoS 0); retained is retained.
   */
  readonly as: 'stored' | 'told'
  /**
   * Packet id of a PUBLISH of QoS 2. It is remembered, in the same step, until `releaseUpstream` or the end of the
   * session: a second append with it is a duplicate.
   */
  readonly received?: number
}

export interface UpstreamAppended {
  /** 0 where nothing was stored. */
  readonly offset: number
  readonly duplicate: boolean
  /** Somebody reads this log. Where nobody does, nothing is stored but what is retained. */
  readonly read: boolean
}

/** Where a reader is in one part. */
export interface ReaderPart {
  readonly part: Part
  /** Acknowledged up to here. */
  readonly cursor: number
  /** The highest offset ever given in the part. */
  readonly end: number
  /** Messages that it had not passed went because the log was full; told once. */
  readonly missed: number
}

export interface ReaderOpen {
  readonly app: string
  /** 1 to 400 bytes. Another name is another reader, so that what an ended session acknowledges late moves nobody. */
  readonly reader: string
  /** It is gone at this time, unless it is opened again with a later one; `Infinity` for never. */
  readonly expiresAt: number
  /** Where one that is new begins; absent: `latest`. `earliest`: with what is stored. */
  readonly from?: 'earliest' | 'latest'
  /** What was missed is not told here: `readUnread` tells it, until a move says that it was told. */
  readonly keepsMissed?: boolean
}

export interface ReaderMove {
  readonly part: Part
  readonly cursor: number
  /** So much of what was missed has been told: no more of it is, once this move moves the cursor. */
  readonly missed?: number
}

export interface UnreadSlice {
  readonly slice: LogSlice<UpstreamEntry>
  /** False: there is no such reader, at least in this part. */
  readonly isKnown: boolean
  /** Messages that it had not passed went because the log was full. */
  readonly missed: number
}

export interface Claim {
  readonly app: string
  /** A reader that several members share. */
  readonly reader: string
  readonly part: Part
  /** Who claims; what one has claimed goes to no other until it is settled, released, or `until` has come. */
  readonly member: string
  readonly until: number
  readonly limit: ReadLimit
  /**
   * All that the member knows to have claimed in the part and not settled: given where the answer to a claim was lost. What
   * it has claimed besides is free again.
   */
  readonly had?: readonly number[]
}

export interface UpstreamStore {
  /** How many parts the log of an app has. */
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
   * Stores events, each in order in its part, durably. Nothing refuses them: where the log is full (`eventMessages`,
   * `eventBytes`), the oldest goes. Where nobody reads the log, nothing is stored (offset 0), except for receipts, which are
   * stored with the end of their message whether anybody reads them or not, for 7 days. They go when all readers that there
   * are have passed them.
   */
  appendEvents(events: readonly EventAppend[]): Promise<readonly number[]>

  /** Stores a message in the log of a group (`groupLog`), durably, for the members that share its reader. */
  appendGroup(append: GroupAppend): Promise<GroupAppended>
  /** Nobody sends it to these groups again. Idempotent. */
  forgetGroupUid(uid: string, groups: readonly TokenId[]): Promise<void>
  /**
   * To which session a message of the log of a group goes, which is for one alone (QoS 2): gives the name that was told first
   * for this offset, by whichever member, durably, until `forgetAssigned` or for a day.
   */
  assignShared(group: TokenId, offset: number, name: string): Promise<string>
  /** It is settled. Idempotent. */
  forgetAssigned(group: TokenId, offset: number): Promise<void>

  /** This node hears `upstreamAppended` of the log from now on; returns how to stop. */
  listenUpstream(app: string): Promise<() => void>
  /**
   * A reader is known in every part when it resolves: what is appended after that is kept for it. One that is new begins
   * at the end of each part, or before what is stored there (`from`); one that is known keeps its cursors, and its expiry only moves to a later time. Idempotent.
   * Gives every part, in order; of a group, the only one that it has.
   */
  openReader(open: ReaderOpen): Promise<readonly ReaderPart[]>
  /** It is gone, and so is what was kept for it alone. Idempotent. */
  closeReader(app: string, reader: string): Promise<void>
  /** What is in a part after an offset, for whichever reader. */
  readUpstream(app: string, part: Part, after: number, limit: ReadLimit): Promise<LogSlice<UpstreamEntry>>
  /**
   * What is in a part after the cursor of a reader, as that is now, whoever has moved it, or after an offset where that is
   * later.
   */
  readUnread(reading: {
    readonly app: string
    readonly reader: string
    readonly part: Part
    readonly after: number
    readonly limit: ReadLimit
  }): Promise<UnreadSlice>
  /**
   * Moves cursors forward, cut to the end of the part, and trims the parts. Resolves to false if the reader is not
   * known in one of them. A resolved move may be lost by a crash of the machine: it costs a duplicate.
   */
  moveReader(app: string, reader: string, moves: readonly ReaderMove[]): Promise<boolean>

  /**
   * The first messages after the cursor of a shared reader that are neither settled nor claimed, in order; they are
   * claimed from then on. `readTo` is where everything before it was settled or is claimed.
   */
  claimUpstream(claim: Claim): Promise<LogSlice<UpstreamEntry>>
  /**
   * Done with these, by this member. The cursor moves up to the first one that is not settled. Offsets that this member
   * has not claimed, or no longer, are passed over.
   */
  settleUpstream(claim: Pick<Claim, 'app' | 'reader' | 'part' | 'member'>, offsets: readonly number[]): Promise<void>
  /** What this member has claimed in the part and not settled stays its own until then. */
  renewClaims(claim: Pick<Claim, 'app' | 'reader' | 'part' | 'member' | 'until'>): Promise<void>
  /** What this member has claimed in the part and not settled is free for all again: who listens hears of the part. */
  releaseClaims(claim: Pick<Claim, 'app' | 'reader' | 'part' | 'member'>): Promise<void>

  /** The retained messages of an app's upstream topics that have not expired, or of one token id's. */
  retainedUpstream(app: string, tokenId?: TokenId): AsyncIterable<UpstreamEntry>
}
