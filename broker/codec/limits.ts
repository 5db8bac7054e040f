/** What the decoder accepts; everything that can grow has a bound. */
export interface DecoderLimits {
  /** Bytes of a whole packet, fixed header included. */
  readonly maximumPacketSize: number
  /** The same for CONNECT, which comes from somebody who is not known yet. */
  readonly maximumConnectSize: number
  /** Bytes of a client id; MQTT obliges a server to take 23. */
  readonly clientIdBytes: number
  /** Bytes of a topic name or filter. */
  readonly topicBytes: number
  /** Levels of a topic name or filter, empty ones included. */
  readonly topicLevels: number
  /** Topic aliases of one client; 0 for none. */
  readonly topicAliasMaximum: number
}
