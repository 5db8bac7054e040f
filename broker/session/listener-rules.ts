/** Rules for users of one listener. */
import type { PeerCertificate } from 'node:tls'
import type { ErrorCode } from '../../errors.ts'
import type { ProtocolLevel, QoS } from '../codec/packets.ts'
import type { Users } from './users.ts'

/** Of a CONNECT, what says which session it is for. */
export interface AskedClientId {
  /** Empty where the server is to make one. */
  readonly clientId: string
  /** Undefined if none was sent. */
  readonly username: string | undefined
  readonly level: ProtocolLevel
  /** Clean Session before MQTT 5. */
  readonly cleanStart: boolean
  /** The client's, where it has shown one over TLS and it was verified. */
  readonly certificate?: PeerCertificate
}

/** A user that is connected. */
export interface ConnectedUser {
  /** Client id of its session. */
  readonly clientId: string
  /** Empty where it has none. */
  readonly username: string
  readonly address: string
  /** Undefined if the transport has none. */
  readonly port: number | undefined
  readonly level: ProtocolLevel
  /** Clean Session before MQTT 5. */
  readonly cleanStart: boolean
  /** As it asked for it, s. */
  readonly keepAlive: number
  /** How long its session is kept when it goes, s; 0: not at all. */
  readonly sessionExpiry: number
  /** It says that it is a bridge. */
  readonly isBridge: boolean
}

/** Who was not let in, by what it said. */
export interface RefusedClient {
  /** Empty where it sent none. */
  readonly clientId: string
  readonly address: string
  /** Undefined if the transport has none. */
  readonly port: number | undefined
  readonly code: ErrorCode
}

/** How a connection came to its end: by a DISCONNECT of the client, for a reason of ours, or else it was closed. */
export type ConnectionEnd = 'DISCONNECT' | ErrorCode | undefined

/** What holds for the connections of one listener. Devices and providers are served on each as ever. */
export interface ListenerRules {
  /** Instead of `createPush({ users })`, for connections of this listener. */
  readonly users?: Users
  /** MQTT protocol levels that are accepted (3 is 3.1); others are refused as an unknown version. Default: all. */
  readonly protocolLevels?: readonly ProtocolLevel[]
  /** Put before every topic and filter of users here, and taken off what they get; they do not see it, their rules do. */
  readonly mountPoint?: string
  /** Highest QoS of a PUBLISH, announced on MQTT 5 (Maximum QoS). Default 2. */
  readonly maximumQos?: QoS
  /** Topic Alias Maximum that users here are told. Default: `limits.topicAliasMaximum`. */
  readonly topicAliasMaximum?: number
  /** How many topic aliases users here are sent at most. Default: `limits.topicAliases`. */
  readonly outgoingTopicAliases?: number
  /** MQTT 5 clients are told why in words as well (Reason String), which is the default. Devices and providers always are. */
  readonly reasonStrings?: boolean
  /**
   * Client id of a user's session, before its credentials are checked. `made`: the server made it (Assigned Client
   * Identifier). Default: as it is, and a random one for an empty one.
   * @throws PushError CLIENT_ID_REFUSED
   */
  clientId?(asked: AskedClientId): { readonly clientId: string; readonly made: boolean }
  /** Hears of each CONNECT that is refused. What it throws is logged. */
  refused?(client: RefusedClient): void
  /** Hears of each user that is connected; what it returns hears of the end. What either throws is logged. */
  connected?(user: ConnectedUser): (end: ConnectionEnd) => void
}

export const NO_RULES: ListenerRules = Object.freeze({})
