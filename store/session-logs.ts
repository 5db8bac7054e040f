/**
 * What users' sessions have beyond their names: a log of messages of general topics, and subscriptions. They have the
 * guarantees of `contract.ts`, which extends this.
 */
import type { LogEntry, LogSlice, Message, ReadLimit } from './entries.ts'

/** A message in the log of a session, as it is to be sent to it. */
export interface SessionEntry extends LogEntry {
  readonly topic: string
  /** With 0 nobody acknowledges it: who has sent it says that it is done. */
  readonly qos: 0 | 1 | 2
  /** Identifiers of the subscriptions that it matched (MQTT 5 section 3.8.2.1.2). */
  readonly identifiers: readonly number[]
  /**
   * QoS 2: PUBREC has come, so that only PUBREL is sent. It stays until it is done, whatever the time of the message: a
   * receiver that never gets PUBREL takes a later message of the same packet id for this one.
   */
  readonly released: boolean
}

export interface SessionDelivery {
  /** Name of a session that is open or kept (`openNamedSession`). */
  readonly name: string
  readonly qos: 0 | 1 | 2
  /** RETAIN as it is sent. */
  readonly retain: boolean
  readonly identifiers: readonly number[]
}

export interface SessionAppend {
  readonly topic: string
  /** Its `retain` is not used. */
  readonly message: Message
  readonly to: readonly SessionDelivery[]
  /**
   * What the message is known by until `forgetUid`, or for a day: a session that has taken it takes it no second time, also
   * when it is acknowledged.
   */
  readonly uid?: string
}

/** `full`: the log of the session has no room, and the newest is refused. `gone`: there is no such session. */
export type SessionAppended = 'stored' | 'duplicate' | 'full' | 'gone'

export interface SessionCommit {
  readonly name: string
  readonly epoch: number
  /** Acknowledged (PUBACK, PUBCOMP), in whichever order: they are gone from the log. */
  readonly done: readonly number[]
  /** QoS 2: PUBREC has come. From then on it does not expire: PUBREL is owed (MQTT 5 section 4.3.3). */
  readonly released: readonly number[]
}

/** Replaces all subscriptions of a session, or changes some. */
export interface SubscriptionChange {
  /** Name of a session that is open or kept. */
  readonly name: string
  readonly epoch: number
  /** All of before go first. */
  readonly replaces: boolean
  /** A filter, and what is known of the subscription; without that it is removed. */
  readonly filters: readonly (readonly [filter: string, options?: Uint8Array])[]
}

export interface LoggedSubscriptionChange extends SubscriptionChange {
  readonly offset: number
}

export interface SubscriptionSlice {
  readonly changes: readonly LoggedSubscriptionChange[]
  readonly readTo: number
  readonly end: number
}

export interface SessionSubscriptions {
  readonly name: string
  /** Epoch of the last change. */
  readonly epoch: number
  readonly filters: readonly (readonly [filter: string, options: Uint8Array])[]
}

export interface SessionLogStore {
  /**
   * Stores a message in the logs of sessions: each of them by itself is whole or not at all, and what is refused by one
   * keeps it from no other. Returns what happened to it, in the order of `to`. When it rejects, some may have it: it is repeated
   * with the same uid, or is there twice.
   */
  appendSessions(append: SessionAppend): Promise<readonly SessionAppended[]>
  /** Nobody sends it again. Idempotent. */
  forgetUid(uid: string, names: readonly string[]): Promise<void>
  /** What is in the log and not acknowledged, after an offset. Nothing for a session that is not known. */
  readSession(name: string, after: number, limit: ReadLimit): Promise<LogSlice<SessionEntry>>
  /**
   * Resolves to false, and does nothing, when a newer session was opened. What is released is durable; a resolved `done` may
   * be lost by a crash of the machine: it costs a duplicate, or a second PUBREL.
   */
  commitSession(commit: SessionCommit): Promise<boolean>

  /**
   * Subscriptions are a log of their changes, from which each node keeps its own table: who reads it to the end knows every
   * subscription whose change had resolved. Returns the offset.
   * @throws SESSION_TAKEN_OVER when a newer session of the name has been opened, or none is known
   */
  changeSubscriptions(change: SubscriptionChange): Promise<number>
  /** The highest offset that was given. The end of a session, by whatever, is a change too: it replaces all by nothing. */
  subscriptionsEnd(): Promise<number>
  /** Undefined if changes after this offset are no longer there: all subscriptions are to be read again. */
  readSubscriptions(after: number, most: number): Promise<SubscriptionSlice | undefined>
  /** All that there are, each session once, in any order, 200,000 a second or more. Read from the end that was before it. */
  subscriptions(): AsyncIterable<SessionSubscriptions>
  subscriptionsOf(name: string): Promise<SessionSubscriptions | undefined>
}

/** Who published a message that is retained, as far as its rules can be asked for it. */
export interface RetainedSource {
  /** Which users (`Users.id`), whose name, and which client id. */
  readonly users: string
  readonly user: string
  readonly clientId: string
}

export interface RetainedTopic extends Message {
  readonly topic: string
  readonly qos: 0 | 1 | 2
  /** Absent: nobody knows, as of one from before this was kept. */
  readonly source?: RetainedSource
}

/** Retained messages of general topics. Over Redis, Aedes' own persistence has them. */
export interface RetainedTopicStore {
  /** The last one of its topic; an empty payload removes it. */
  retainTopic(retained: RetainedTopic): Promise<void>
  /** Those that have not expired and whose topic begins so, in the order of their bytes. */
  retainedTopics(prefix: string): AsyncIterable<RetainedTopic>
}
