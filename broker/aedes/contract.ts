/** What the files here share: the state that Aedes keeps, and its parts. */
import type { Readable } from 'node:stream'
import type { Aedes } from 'aedes'
import type { QoS } from '../codec/packets.ts'

/** The part of an Aedes persistence that is called here. */
export interface AedesPersistence {
  setup(broker: Aedes): Promise<void>
  delWill(client: Named): Promise<unknown>
  addSubscriptions(client: Named, subscriptions: readonly Omit<StoredSubscription, 'clientId'>[]): Promise<unknown>
  cleanSubscriptions(client: Named): Promise<unknown>
  /** Of sessions that are kept. */
  subscriptionsByTopic(topic: string): Promise<readonly StoredSubscription[]>
  removeSubscriptions(client: Named, filters: readonly string[]): Promise<unknown>
  subscriptionsByClient(client: Named): Promise<readonly Omit<StoredSubscription, 'clientId'>[]>
  outgoingEnqueue(subscription: { readonly clientId: string }, packet: StoredPacket): Promise<unknown>
  outgoingEnqueueCombi(subscriptions: readonly StoredSubscription[], packet: StoredPacket): Promise<unknown>
  outgoingUpdate(client: Named, packet: StoredPacket): Promise<unknown>
  outgoingClearMessageId(client: Named, packet: { readonly messageId: number }): Promise<unknown>
  /** The queue of a client, oldest first; some hand out only the first thousand. */
  outgoingStream(client: Named): AsyncIterable<StoredPacket>
  /** Retained messages that a filter matches. */
  createRetainedStream(filter: string): AsyncIterable<StoredPacket>
  /** The same for all filters of a SUBSCRIBE. */
  createRetainedStreamCombi(filters: readonly string[]): Readable
}

export type TakeOut = (clientId: string, packet: StoredPacket) => Promise<void>

export interface Named {
  readonly id: string
}

export interface StoredSubscription {
  readonly clientId: string
  readonly topic: string
  readonly qos: number
  /** No Local. */
  readonly nl?: boolean
}

/** A PUBLISH as Aedes routes and keeps it; broker id and counter name it among all. */
export interface StoredPacket {
  readonly cmd: string
  readonly brokerId: string | null
  readonly brokerCounter: number
  readonly topic: string
  readonly payload: Buffer | string
  readonly qos: QoS
  readonly retain: boolean
  /** Who published it. */
  readonly clientId?: string
  readonly properties?: object
  /** Milliseconds since the epoch. */
  readonly messageExpiry?: number
  readonly messageId?: number
}

/**
 * What is kept of each session besides its subscriptions and its queue. A connection claims the record, which fences
 * all writes of earlier ones, on whichever node.
 */
export interface SessionRecords {
  /** The record as the last owner left it; `keep` when this one will write one too. */
  claim(clientId: string, owner: string, keep: boolean): Promise<Uint8Array | undefined>
  /** Does nothing for an owner whose record was claimed by another. */
  write(clientId: string, owner: string, record: Uint8Array): Promise<void>
  remove(clientId: string, owner: string): Promise<void>
  /** False when another has claimed it since. */
  owns(clientId: string, owner: string): Promise<boolean>
}

/** Who belongs to which group, and which message was given to whom, on all nodes. */
export interface GroupStore {
  /** Milliseconds since the epoch until which the member counts, unless it is added again. */
  add(group: string, member: string, until: number): Promise<void>
  /** True when the group has no members any more. */
  remove(group: string, member: string): Promise<boolean>
  /** Groups whose last member has not been heard of any more; each is told once. */
  abandoned(): Promise<readonly string[]>
  /** True for one caller of all; it holds for a minute, unless it is claimed again by `renew`. */
  claim(group: string, message: string): Promise<boolean>
  renew(group: string, message: string): Promise<void>
  release(group: string, message: string): Promise<void>
}

/** Where Aedes keeps what is not push, and how its nodes hear of each other. */
export interface GeneralState {
  readonly persistence: AedesPersistence
  readonly records: SessionRecords
  readonly groups: GroupStore
  /** Messages in the queue of a client; counts no further than `limit`. Absent: by reading the queue. */
  readonly queueLength?: (clientId: string, limit: number) => Promise<number>
  /** How a message leaves a client's queue, where the persistence's own way does harm. */
  readonly take?: TakeOut
  /** An emitter that reaches other nodes; absent: within the process. */
  readonly mq?: object
  close(): Promise<void>
}

export interface SharedSubscription {
  /** As in SUBSCRIBE, `$share/<group>/<filter>`. */
  readonly name: string
  /** The part behind the group's name. */
  readonly filter: string
  readonly qos: QoS
  readonly retainAsPublished: boolean
  /** Subscription Identifier; 0 for none. */
  readonly identifier: number
}
