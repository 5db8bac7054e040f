/** Rules for all users and general topics, which may change at run time. */

/** Each field is read whenever it is needed, so that the owner of the object may change it at any time. */
export interface GeneralRules {
  /** False: a PUBLISH with RETAIN ends its connection (MQTT 5: 0x9A). Default true. */
  readonly retainAvailable?: boolean | undefined
  /**
   * Maximum keep alive, s; 0 for no maximum. MQTT 5 clients get it as Server Keep Alive; earlier clients with a longer
   * keep alive, or none, are refused (code 2).
   */
  readonly maximumKeepAlive?: number | undefined
  /** Maximum payload, bytes; 0 for no limit. A larger message is acknowledged (MQTT 5: 0x95) and dropped. */
  readonly payloadBytes?: number | undefined
  /**
   * Unacknowledged messages to one user; 0 for no limit. Also the Receive Maximum announced to users, none with 0.
   * Default: `limits.window` and `limits.receiveMaximum`.
   */
  readonly window?: number | undefined
  /** Queued messages of one user; 0 for no limit. Default: `limits.queuedMessages`. */
  readonly queuedMessages?: number | undefined
  /** Payload bytes of the queued messages of one user; 0 for no limit. Default: `limits.queuedBytes`. */
  readonly queuedBytes?: number | undefined
  /** Queues QoS 0 messages for kept sessions, even while their client is offline. Default false. */
  readonly queueQos0?: boolean | undefined
  /** Delivers a message with the QoS of the subscription, even above its own. Default false. */
  readonly upgradeOutgoingQos?: boolean | undefined
  /** Delivers a retained message only while its publisher may still publish to the topic. Default false. */
  readonly checkRetainSource?: boolean | undefined
  /** Maximum Session Expiry Interval, s; 0 for no limit. Default: `limits.sessionExpiry`. */
  readonly sessionExpiry?: number | undefined
  /** Maximum packet size of a user. Default: `limits.maximumPacketSize`. */
  readonly maximumPacketSize?: number | undefined
  /**
   * What to do with a denied PUBLISH before MQTT 5, which has no negative acknowledgement: `drop`, the default,
   * acknowledges and drops it, as Mosquitto does; `close` ends the connection.
   */
  readonly deniedPublish?: 'close' | 'drop' | undefined
  /** First levels of topics that users may not use: names of apps, which users may mistake for their own topics. */
  readonly reservedApps?: readonly string[] | undefined
}

export const NO_GENERAL_RULES: GeneralRules = Object.freeze({})
