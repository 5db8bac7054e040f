/** Access to general topics from within the process. */
import type { QoS } from './codec/packets.ts'

/** Counters of this process since its start, all principals together. */
export interface GeneralCounts {
  readonly bytesReceived: number
  readonly bytesSent: number
  /** Packets of any type. */
  readonly packetsReceived: number
  readonly packetsSent: number
  readonly connectsReceived: number
  readonly publishesReceived: number
  readonly publishesSent: number
  /** Messages to users dropped for lack of room. */
  readonly publishesDropped: number
  readonly payloadBytesReceived: number
  readonly payloadBytesSent: number
  /** Accepted connections. */
  readonly socketsOpened: number
  /** Current clients with an accepted CONNECT. */
  readonly connected: number
  /** Packets not yet written to the operating system (fewer if they were joined), and their bytes. */
  readonly packetsWaiting: number
  readonly bytesWaiting: number
  /** Of users, now. */
  readonly subscriptions: number
  readonly sharedSubscriptions: number
}

/** What is currently stored for users. Counted at intervals, so it may be some seconds old. */
export interface StoredCounts {
  /** Offline sessions. */
  readonly sessionsAway: number
  readonly retained: number
  /** Messages retained or in the log of a session; over Redis, retained only. */
  readonly messages: number
  /** Of their payloads; over Redis 0. */
  readonly bytes: number
}

export interface GeneralAccess {
  /**
   * Sets a retained message below `$SYS/` in this process only: it is never stored or sent to other nodes. Subscribers
   * here get it, and each change. Undefined removes it.
   * @throws Error if the topic is another one, or invalid
   */
  setLocal(topic: string, payload: Uint8Array | undefined, options: { readonly qos: QoS }): void
  counts(): GeneralCounts
  /** @throws STORE_UNAVAILABLE */
  stored(): Promise<StoredCounts>
}
