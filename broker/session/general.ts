/** The interface between the sessions of users and the router of general topics (`broker/aedes`). */
import type { Message, RetainedSource, RetainedTopic } from '../../store/contract.ts'
import type { QoS } from '../codec/packets.ts'

/** A user and its rights, from `createPush({ users })` or Mosquitto's files. */
export interface User {
  readonly kind: 'user'
  /** May be empty: anonymous. */
  readonly name: string
  /**
   * True: its password, or something as good, was checked. Where a provider's entry names it (`user`), its connection is that
   * provider's then. Default: false.
   */
  readonly isVerified?: boolean
  /** May wait, as for a look into a database. Whatever it throws is a refusal, and logged. */
  mayPublish(topic: string, options: { readonly qos: QoS; readonly retain: boolean }): boolean | Promise<boolean>
  /** The granted QoS, at most the requested one; undefined: refused. */
  maySubscribe(filter: string, qos: QoS): QoS | undefined | Promise<QoS | undefined>
  /** A message that it subscribed to, at the moment when it is sent. Absent: all. */
  mayReceive?(topic: string): boolean
}

/** A message of a general topic. Its `retain` is that of the PUBLISH. */
export interface GeneralMessage extends Message {
  readonly topic: string
  readonly qos: QoS
  /** The session that published it, for No Local; empty: a client of the embedding program, or the program. */
  readonly from: string
  /** QoS 2: the message is known by it until PUBREL (`forget`), see `SessionAppend.uid`. */
  readonly uid?: string
  /** Of one that is retained. */
  readonly source?: RetainedSource
}

export interface GeneralSubscription {
  /**
   * As it was asked for, with `$share/<group>/`. One with a group is kept with its session and brings that nothing: who
   * serves the group subscribes to the filter for it.
   */
  readonly name: string
  /** Without it. */
  readonly filter: string
  readonly group?: string
  /** Granted. */
  readonly qos: QoS
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  /** 0: none. */
  readonly identifier: number
}

/** What a message is for one session, over all of its subscriptions that match. */
export interface GeneralDelivery {
  /** The lower of what was published and the highest that was granted [MQTT-3.3.4-2]. */
  readonly qos: QoS
  /** RETAIN as it is sent. */
  readonly retain: boolean
  readonly identifiers: readonly number[]
}

/**
 * Prefix of session names that belong to nodes: the node with the rest of the name is told about matches of its
 * subscriptions.
 */
export const NODE_SESSIONS = 'node/'

/**
 * Prefix of session names that belong to nodes: the node with the rest of the name is told about matches of its
 * subscriptions.
 */
export const GROUP_SESSIONS = 'group/u/'

/** Shared subscriptions, as the router sees them. */
export interface GeneralGroups {
  /**
   * Resolves when it is in the logs of these groups, QoS 1 and 2 for as long as the message lives.
   * @throws STORE_UNAVAILABLE
   */
  append(names: readonly string[], message: GeneralMessage): Promise<void>
  /** Nobody publishes the message of this uid again. Must not throw. */
  forget(names: readonly string[], uid: string): void
  /** Members of it are connected to this node: it is a receiver here, and gets QoS 0 as such. */
  isHere(name: string): boolean
}

/** A connected session, as the router sees it. */
export interface GeneralReceiver {
  /** Does not begin as `NODE_SESSIONS` does. */
  readonly name: string
  /** Epoch of `openNamedSession`. One that is not kept has no log and no subscriptions there, and may be 0. */
  readonly epoch: number
  /** It has a log in the store: what goes to it with QoS 1 and 2 comes from there (`sessionAppended`). */
  readonly isKept: boolean
  /** One of `GROUP_SESSIONS`: other nodes need not know that it is here. */
  readonly isGroup?: boolean
  /** Messages that do not come from its log: QoS 0, or everything if there is no log. Must not throw. */
  arrived(message: GeneralMessage, delivery: GeneralDelivery): void
}

export interface GeneralRouter {
  /**
   * From now on it hears what it is subscribed to; `subscriptions` are those that a kept session had. How the store keeps
   * one says `subscription-record.ts`.
   */
  connect(receiver: GeneralReceiver, subscriptions: readonly GeneralSubscription[]): Promise<void>
  /** Its connection is over. A session that is kept stays subscribed. */
  disconnect(receiver: GeneralReceiver): void
  /**
   * Replaces subscriptions of the same name. Every publish that begins after this has resolved, on whichever node, reaches
   * it; a kept one is durable.
   * @throws STORE_UNAVAILABLE, SESSION_TAKEN_OVER
   */
  subscribe(receiver: GeneralReceiver, subscriptions: readonly GeneralSubscription[]): Promise<void>
  unsubscribe(receiver: GeneralReceiver, names: readonly string[]): Promise<void>
  /**
   * Resolves when it is in the log of every kept session that subscribed, is retained where it asks for that, and has been
   * handed to who is connected; false if nobody subscribed. What one `from` publishes is handed on in the order of the
   * calls, whatever RETAIN and QoS are.
   * @throws STORE_UNAVAILABLE: it is not acknowledged, and some may have it
   */
  publish(message: GeneralMessage): Promise<boolean>
  /** After PUBREL, nobody publishes the message with this uid again, and the uid may be forgotten. Must not throw. */
  forget(uid: string, message: Pick<GeneralMessage, 'topic' | 'from'>): void
  /** What a new subscription gets, each topic once, in any order; not for shared ones. @throws STORE_UNAVAILABLE */
  retained(filter: string): AsyncIterable<RetainedTopic>
}
