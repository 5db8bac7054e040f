/** What every log holds, and how it is read. See `contract.ts`. */

/** 22 characters base64url, made by `topics/` (`tokenId`). */
export type TokenId = string

/** A message as it is stored and sent. */
export interface Message {
  /** 1 to 128 bytes; given by the provider or made by the server. */
  readonly id: string
  readonly payload: Uint8Array
  /**
   * MQTT 5 PUBLISH properties of the publisher, as on the wire (identifier, value, ...), without length prefix, and
   * without Message Expiry Interval, Topic Alias and Subscription Identifier, which are per delivery. Absent: none.
   */
  readonly properties?: Uint8Array
  /** Kept as the last retained message of its topic, besides being in the log. */
  readonly retain: boolean
  /** 1 to 64 bytes. Of a private or broadcast log: it replaces a pending message with the same one. */
  readonly collapseKey?: string
  /** Of a private log: an event tells of its end. Absent: false. */
  readonly receipt?: boolean
  /** Of a private log: it came through a Web Push endpoint, and has its place beside the others (`WebPushStore`). */
  readonly webPush?: true
  readonly storedAt: number
  /** Never sent at or after this time. */
  readonly expiresAt: number
}

export interface LogEntry extends Message {
  readonly offset: number
  /** Its id is remembered, or it asked for a receipt: a commit that passes it without an acknowledgement says so. Absent: false. */
  readonly isFollowed?: boolean
}

export interface Appended {
  /** Offset of the message; of the first one when it is a duplicate. */
  readonly offset: number
  readonly duplicate: boolean
  /** When it expires; of the first one when it is a duplicate. */
  readonly expiresAt: number
  /** How many of the oldest entries went because the log was full. */
  readonly dropped: number
}

export interface ReadLimit {
  readonly entries: number
  /** Payload bytes; at least one entry is returned whatever its size. */
  readonly bytes: number
}

/** Messages that went because a private log was full and that its reader had not acknowledged: exact. */
export interface Missed {
  readonly count: number
  /** It is told until the cursor is beyond this offset, and forgotten then. */
  readonly through: number
}

export interface LogSlice<E extends LogEntry> {
  /** Unexpired entries after the given offset, in order. */
  readonly entries: readonly E[]
  /** Everything up to here was looked at: continue from it. At least the offset of the last entry. */
  readonly readTo: number
  /** The highest offset ever given in this log. The reader has caught up when `readTo >= end`. */
  readonly end: number
  /** Of a private log: followed entries that had expired, after the given offset and up to `readTo`. Absent: none. */
  readonly expired?: readonly number[]
  /** Of a private log. Absent: nothing. */
  readonly missed?: Missed
  /** Of a broadcast log: the highest offset of one that went because the log was full. Absent or 0: none. */
  readonly droppedThrough?: number
}

/** Whose a session is. */
export type SessionOwner = { readonly tokenId: TokenId } | { readonly name: string }

export interface SessionClose {
  /** What to keep for a resumption; absent: the session ends. */
  readonly state?: Uint8Array
  /** When the kept state ends; `Infinity` for never. Ignored without state. */
  readonly stateExpiresAt: number
  /**
   * Kept with the state until it is published (`takeWill`), or the session is opened again. `publishAt` is at most
   * `stateExpiresAt` (MQTT 5 section 3.1.3.2.2). Ignored without state.
   */
  readonly will?: SessionWill
}

export interface SessionWill {
  readonly publishAt: number
  readonly value: Uint8Array
}

export interface OpenedNamedSession {
  /** Higher than any epoch given for this name before, while something of it is known. */
  readonly epoch: number
  readonly state?: Uint8Array
  /** The last state of a session which this one ends, where it is still there: what belongs to it elsewhere can be ended. */
  readonly discarded?: Uint8Array
  /** True if the session that is resumed was not closed. */
  readonly unclean: boolean
  /** The will that waited with a session which this one ends, and that nobody has taken: it is to be published now. */
  readonly will?: Uint8Array
}
