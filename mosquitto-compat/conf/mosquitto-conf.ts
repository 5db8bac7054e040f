/** The meaning of a mosquitto.conf: listeners, who may connect, rules of general topics, log and bridges. */
import type { ProtocolLevel, QoS } from '../../index.ts'
import type { BridgeOptions } from './bridge-options.ts'
import type { LogType } from './log-values.ts'

/** Of one listener, or of all. */
export interface SecurityConf {
  readonly allowAnonymous: boolean
  readonly passwordFile: string | undefined
  readonly aclFile: string | undefined
  readonly allowZeroLengthClientId: boolean
  readonly autoIdPrefix: string
}

export interface ListenerTls {
  readonly certFile: string
  readonly keyFile: string
  readonly caFile: string | undefined
  readonly caPath: string | undefined
  readonly requireCertificate: boolean
  readonly crlFile: string | undefined
  readonly checkClientDates: boolean
  readonly minimumVersion: 'TLSv1.2' | 'TLSv1.3'
  readonly ciphers: string | undefined
  readonly ciphersTls13: string | undefined
}

export interface ListenerConf {
  /** In one line, for logs and errors, and the same after the file was read again. */
  readonly name: string
  /** 0: a Unix socket at `host`. */
  readonly port: number
  readonly host: string | undefined
  readonly family: 4 | 6 | undefined
  readonly networkInterface: string | undefined
  readonly protocol: 'mqtt' | 'websockets'
  /** Below 0: no limit. */
  readonly maxConnections: number
  readonly mountPoint: string | undefined
  readonly maximumQos: QoS
  readonly topicAliasMaximum: number
  readonly outgoingTopicAliases: number
  /** Undefined: all. */
  readonly protocolLevels: readonly ProtocolLevel[] | undefined
  readonly proxyProtocol: 1 | 2 | undefined
  readonly proxyRequiresTls: boolean
  /** With `enable_proxy_protocol 2`, of the client behind the proxy. */
  readonly requireCertificate: boolean
  readonly useUsernameAsClientId: boolean
  /** What of the certificate is the username. */
  readonly identity: 'common name' | 'subject' | undefined
  readonly tls: ListenerTls | undefined
  /** Undefined: any. */
  readonly origins: readonly string[] | undefined
  readonly security: SecurityConf
}

export interface RulesConf {
  readonly maximumPacketSize: number
  readonly payloadBytes: number
  readonly window: number
  readonly queuedMessages: number
  readonly queuedBytes: number
  readonly queueQos0: boolean
  readonly maximumKeepAlive: number
  /** Seconds; 0: without end. */
  readonly sessionExpiry: number
  readonly retainAvailable: boolean
  readonly upgradeOutgoingQos: boolean
  readonly checkRetainSource: boolean
}

export interface MosquittoConf {
  readonly listeners: readonly ListenerConf[]
  readonly rules: RulesConf
  readonly clientIdPrefix: string | undefined
  /** Below 1: no limit. */
  readonly maxClients: number
  /** Below 0: no limit. */
  readonly maxConnections: number
  /** Seconds; 0: none. */
  readonly sysInterval: number
  readonly persistence: boolean
  readonly persistenceLocation: string | undefined
  readonly persistenceFile: string
  readonly pidFile: string | undefined
  readonly user: string | undefined
  readonly log: LogConf
  readonly bridges: readonly BridgeOptions[]
  /** What is read and has no effect, each with FILE:LINE. */
  readonly warnings: readonly string[]
}

export interface LogConf {
  readonly stdout: boolean
  readonly stderr: boolean
  readonly file: string | undefined
  readonly types: ReadonlySet<LogType>
  readonly timestamp: boolean
  /** As strftime; undefined: seconds since 1970. */
  readonly timestampFormat: string | undefined
  readonly connectionMessages: boolean
}
