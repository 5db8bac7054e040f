/** Logs and subscriptions of users' sessions. The guarantees of `contract.ts`, which extends this, apply. */
import type { LogEntry, LogSlice, Message, ReadLimit } from './entries.ts'

/** A message in the log of a session, as it will be sent. */
export interface SessionEntry extends LogEntry {
  readonly topic: string
  /** With QoS 0, nobody acknowledges it: the sender reports it as done. */
  readonly qos: 0 | 1 | 2
  /** Identifiers of the subscriptions that it matched (MQTT 5 section 3.8.2.1.2). */
  readonly identifiers: readonly number[]
  /**
   * QoS 2: PUBREC has arrived, so only PUBREL is sent. It stays until it is done, even after the message expires: a
   * receiver that never gets PUBREL would mistake a later message with the same packet id for this one.
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
   * Identifies the message until `forgetUid`, or for a day: a session that has stored it does not store it again, even
   * after it was acknowledged.
   */
  readonly uid?: string
}

/** `full`: the log of the session is full and refuses the newest message. `gone`: there is no such session. */
export type SessionAppended = 'stored' | 'duplicate' | 'full' | 'gone'

export interface SessionCommit {
  readonly name: string
  readonly epoch: number
  /** Acknowledged offsets (PUBACK, PUBCOMP), in any order; they leave the log. */
  readonly done: readonly number[]
  /** QoS 2: PUBREC has arrived. From then on it does not expire: PUBREL is owed (MQTT 5 section 4.3.3). */
  readonly released: readonly number[]
}

/**
 * Lets a node use its table of subscriptions without asking for the end of their log with each message: while it holds the
 * lease, a change that another node makes resolves only when this one has confirmed it, or its lease is over (a second at
 * most).
 */
export interface SubscriptionLease {
  /** Every change that has resolved is in the table, if it is read as `renew` and `confirm` say. */
  readonly isHeld: boolean
  /** Not held, or to be renewed if it is still needed. */
  readonly isAging: boolean
  /** It is held once the table has been read to the end of the log. @throws STORE_UNAVAILABLE */
  renew(readTo: (end: number) => Promise<void> | undefined): Promise<void>
  /** The table has been read up to an offset: tells nodes that wait for it. @throws STORE_UNAVAILABLE */
  confirm(offset: number, nodes: readonly string[]): Promise<void>
}

/** Replaces all subscriptions of a session, or changes some. */
export interface SubscriptionChange {
  /** Name of a session that is open or kept. */
  readonly name: string
  readonly epoch: number
  /** Removes all earlier subscriptions first. */
  readonly replaces: boolean
  /** A filter with its options; without options, it is removed. */
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
   * Stores a message in the logs of sessions. Each log takes it as a whole or not at all, independently of the others.
   * Returns the outcomes in the order of `to`. After a rejection, some logs may have it: repeat it with the same uid,
   * otherwise it is stored twice.
   */
  appendSessions(append: SessionAppend): Promise<readonly SessionAppended[]>
  /** The message will not be sent again; forgets its uid. Idempotent. */
  forgetUid(uid: string, names: readonly string[]): Promise<void>
  /** Unacknowledged entries after an offset. Empty for an unknown session. */
  readSession(name: string, after: number, limit: ReadLimit): Promise<LogSlice<SessionEntry>>
  /**
   * Resolves to false and does nothing if a newer session was opened. Releases are durable; a crash of the machine may
   * lose a resolved `done`, which costs a duplicate or a second PUBREL.
   */
  commitSession(commit: SessionCommit): Promise<boolean>

  /**
   * Subscriptions are a log of changes from which each node builds its own table: a node that reads to the end knows
   * every subscription whose change had resolved. Returns the offset.
   * @throws SESSION_TAKEN_OVER if a newer session of the name was opened, or none is known
   */
  changeSubscriptions(change: SubscriptionChange): Promise<number>
  /** The highest offset. The end of a session is a change too, whatever ended it: it removes all its subscriptions. */
  subscriptionsEnd(): Promise<number>
  /** Only where other processes share the store. */
  readonly subscriptionLease?: SubscriptionLease
  /** Undefined if changes after this offset have been removed: read all subscriptions again. */
  readSubscriptions(after: number, most: number): Promise<SubscriptionSlice | undefined>
  /**
   * All subscriptions, each session once, in any order, at 200,000 a second or more. Then read on from the end before
   * this call.
   */
  subscriptions(): AsyncIterable<SessionSubscriptions>
  subscriptionsOf(name: string): Promise<SessionSubscriptions | undefined>
}

/** The publisher of a retained message, to check its rules later. */
export interface RetainedSource {
  /** The `Users.id`, the name and the client id. */
  readonly users: string
  readonly user: string
  readonly clientId: string
}

export interface RetainedTopic extends Message {
  readonly topic: string
  readonly qos: 0 | 1 | 2
  /** Absent: unknown, as for messages stored before this was recorded. */
  readonly source?: RetainedSource
}

/** Retained messages of general topics. With Redis, Aedes' own persistence stores them. */
export interface RetainedTopicStore {
  /** Retains the message on its topic; an empty payload removes it. */
  retainTopic(retained: RetainedTopic): Promise<void>
  /** Unexpired retained messages whose topic starts with the prefix, in byte order. */
  retainedTopics(prefix: string): AsyncIterable<RetainedTopic>
}
