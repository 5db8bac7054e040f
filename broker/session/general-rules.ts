/** Rules for all users and general topics, which may change at run time. */

/** Each field is read whenever it is needed: who owns the object may change it at any time. */
export interface GeneralRules {
  /** False: nothing is retained; a PUBLISH with RETAIN ends its connection (MQTT 5: 0x9A). Default true. */
  readonly retainAvailable?: boolean | undefined
  /** Longest keep alive, s; 0 for none. MQTT 5: Server Keep Alive; before it a longer one, or none, is refused (code 2). */
  readonly maximumKeepAlive?: number | undefined
  /** Largest payload; 0 for none. A larger message is acknowledged (MQTT 5: 0x95) and dropped. */
  readonly payloadBytes?: number | undefined
  /**
   * Unacknowledged messages to one user; 0 for no limit. Also the Receive Maximum that users are told, none with 0. Default:
   * `limits.window` and `limits.receiveMaximum`.
   */
  readonly window?: number | undefined
  /** Messages that wait for one user; 0 for no limit. Default: `limits.queuedMessages`. */
  readonly queuedMessages?: number | undefined
  /** Payload bytes that wait for one user; 0 for no limit. Default: `limits.queuedBytes`. */
  readonly queuedBytes?: number | undefined
  /** QoS 0 is kept for sessions that are kept, also while their client is offline. Default false. */
  readonly queueQos0?: boolean | undefined
  /** A message goes with the QoS of the subscription, also where that is above its own. Default false. */
  readonly upgradeOutgoingQos?: boolean | undefined
  /** A retained message goes out only while its publisher may still write there. Default false. */
  readonly checkRetainSource?: boolean | undefined
  /** Longest Session Expiry Interval, s; 0 for none. Default: `limits.sessionExpiry`. */
  readonly sessionExpiry?: number | undefined
  /** Largest packet of a user. Default: `limits.maximumPacketSize`. */
  readonly maximumPacketSize?: number | undefined
  /**
   * A denied PUBLISH before MQTT 5, where no acknowledgement says no: `drop` acknowledges and drops it, as Mosquitto does, and
   * is the default; `close` ends the connection.
   */
  readonly deniedPublish?: 'close' | 'drop' | undefined
  /** First levels of topics that users neither publish nor subscribe to: apps, whose topics they would otherwise miss. */
  readonly reservedApps?: readonly string[] | undefined
}

export const NO_GENERAL_RULES: GeneralRules = Object.freeze({})
