/** Access to general topics from within the process. */
import type { QoS } from './codec/packets.ts'

/** Of this process, all principals together; what is counted begins with 0 at its start. */
export interface GeneralCounts {
  readonly bytesReceived: number
  readonly bytesSent: number
  /** Of any type. */
  readonly packetsReceived: number
  readonly packetsSent: number
  readonly connectsReceived: number
  readonly publishesReceived: number
  readonly publishesSent: number
  /** To users, for lack of room. */
  readonly publishesDropped: number
  readonly payloadBytesReceived: number
  readonly payloadBytesSent: number
  /** Connections that came. */
  readonly socketsOpened: number
  /** Clients whose CONNECT was accepted, now. */
  readonly connected: number
  /** Not taken by the system yet, now: packets (fewer, where they were joined), and their bytes. */
  readonly packetsWaiting: number
  readonly bytesWaiting: number
  /** Of users, now. */
  readonly subscriptions: number
  readonly sharedSubscriptions: number
}

/** Of users, what is kept now. Looked up no more often than is cheap: it may be some seconds old. */
export interface StoredCounts {
  /** Sessions whose client is offline. */
  readonly sessionsAway: number
  readonly retained: number
  /** Retained, or in the log of a session; over Redis retained alone. */
  readonly messages: number
  /** Of their payloads; over Redis 0. */
  readonly bytes: number
}

export interface GeneralAccess {
  /**
   * A retained message of this process alone, below `$SYS/`: never stored, never told to other nodes. Users here that subscribe
   * get it, and who has subscribed gets each change. Undefined: it is gone.
   * @throws Error when the topic is another one, or is no topic
   */
  setLocal(topic: string, payload: Uint8Array | undefined, options: { readonly qos: QoS }): void
  counts(): GeneralCounts
  /** @throws STORE_UNAVAILABLE */
  stored(): Promise<StoredCounts>
}
