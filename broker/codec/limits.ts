/** Section 3.1.2.11.4: without a Maximum Packet Size there is no limit beyond the protocol's. */
export const LARGEST_PACKET = 268_435_460

/** Limits of the decoder; everything that can grow has one. */
export interface DecoderLimits {
  /** Bytes of a whole packet, fixed header included. */
  readonly maximumPacketSize: number
  /** The same for CONNECT, whose sender is not authenticated yet. */
  readonly maximumConnectSize: number
  /** Bytes of a client id; MQTT requires a server to accept 23. */
  readonly clientIdBytes: number
  /** Bytes of a topic name or filter. */
  readonly topicBytes: number
  /** Levels of a topic name or filter, empty ones included. */
  readonly topicLevels: number
  /** Topic aliases of one client; 0 for none. */
  readonly topicAliasMaximum: number
}
