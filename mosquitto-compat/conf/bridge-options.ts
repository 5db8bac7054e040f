/** The options of a `connection` block: parsed from the file, used in `bridges/`. */

export type BridgeDirection = 'in' | 'out' | 'both'
export type BridgeQos = 0 | 1 | 2

export interface BridgeAddress {
  readonly host: string
  readonly port: number
}

/** A `topic` line. */
export interface BridgeTopic {
  /** Empty where the line has `""`: one topic is mapped to another, which then are the prefixes. */
  readonly pattern: string
  readonly direction: BridgeDirection
  readonly qos: BridgeQos
  /** Empty where the line has none, or `""`. */
  readonly localPrefix: string
  readonly remotePrefix: string
}

/** Present where one of `bridge_cafile`, `bridge_capath`, `bridge_certfile` and `bridge_tls_use_os_certs` is. */
export interface BridgeTls {
  readonly caFile?: string
  readonly caPath?: string
  readonly certFile?: string
  readonly keyFile?: string
  /** Besides those of the two above. */
  readonly useSystemCertificates: boolean
  /** The name in the certificate is not looked at; its signature is. */
  readonly insecure: boolean
  readonly alpn?: string
  /** The lowest that is taken. */
  readonly version: 'tlsv1.1' | 'tlsv1.2' | 'tlsv1.3'
  readonly ciphers?: string
  readonly ciphersTls13?: string
}

/** Seconds. With a cap it grows from `base` with jitter, otherwise it is `base` each time. */
export interface BridgeRestart {
  readonly base: number
  readonly cap?: number
  /** A connection that lasted so long begins anew with `base`. */
  readonly stable: number
}

export interface BridgeOptions {
  readonly name: string
  /** One or more. */
  readonly addresses: readonly BridgeAddress[]
  readonly topics: readonly BridgeTopic[]
  readonly protocolVersion: 'mqttv31' | 'mqttv311' | 'mqttv50'
  /** Default `<hostname>.<name>`. */
  readonly remoteClientId: string
  readonly remoteUsername?: string
  readonly remotePassword?: string
  /** Default `local.<remote client id>`. */
  readonly localClientId: string
  readonly localUsername?: string
  readonly localPassword?: string
  readonly cleanSession: boolean
  /** Default: `cleanSession`. */
  readonly localCleanSession: boolean
  readonly tryPrivate: boolean
  readonly notifications: boolean
  readonly notificationsLocalOnly: boolean
  /** Default `$SYS/broker/connection/<remote client id>/state`. */
  readonly notificationTopic: string
  readonly startType: 'automatic' | 'lazy' | 'once'
  /** Idle timeout of a lazy one, seconds. */
  readonly idleTimeout: number
  /** Threshold of a lazy one, messages. */
  readonly threshold: number
  readonly restart: BridgeRestart
  /** Seconds. */
  readonly keepAlive: number
  readonly roundRobin: boolean
  readonly attemptUnsubscribe: boolean
  readonly outgoingRetain: boolean
  /** Of what is sent, bytes; 0: no limit of ours. */
  readonly maximumPacketSize: number
  /** MQTT 5: 0 is none. */
  readonly topicAliasMaximum: number
  /** MQTT 5. Default: `max_inflight_messages`; 0 there is 65535 here. */
  readonly receiveMaximum: number
  /** MQTT 5, seconds; 4294967295: forever. */
  readonly sessionExpiryInterval: number
  readonly bindAddress?: string
  /** Seconds of quiet before the first probe; the other two numbers of the line are the system's. */
  readonly tcpKeepAlive?: number
  readonly tls?: BridgeTls
  readonly reloadType: 'lazy' | 'immediate'
}

/** As the manual page has it. */
export function bridgeDefaults(name: string, hostname: string) {
  return {
    protocolVersion: 'mqttv311',
    remoteClientId: `${hostname}.${name}`,
    cleanSession: false,
    tryPrivate: true,
    notifications: true,
    notificationsLocalOnly: false,
    startType: 'automatic',
    idleTimeout: 60,
    threshold: 10,
    restart: { base: 5, cap: 30, stable: 0 },
    keepAlive: 60,
    roundRobin: false,
    attemptUnsubscribe: true,
    outgoingRetain: true,
    maximumPacketSize: 0,
    topicAliasMaximum: 10,
    receiveMaximum: 20,
    sessionExpiryInterval: 0,
    reloadType: 'lazy',
  } as const satisfies Partial<BridgeOptions>
}

/** What depends on others of the block. */
export function dependentDefaults(options: { readonly remoteClientId: string; readonly cleanSession: boolean }) {
  const { remoteClientId, cleanSession } = options
  return {
    localClientId: `local.${remoteClientId}`,
    localCleanSession: cleanSession,
    notificationTopic: `$SYS/broker/connection/${remoteClientId}/state`,
  } as const satisfies Partial<BridgeOptions>
}
