/** Rules for users of one listener. */
import type { PeerCertificate } from 'node:tls'
import type { ErrorCode } from '../../errors.ts'
import type { ProtocolLevel, QoS } from '../codec/packets.ts'
import type { Users } from './users.ts'

/** The parts of a CONNECT that identify the session. */
export interface AskedClientId {
  /** Empty if the server is to generate one. */
  readonly clientId: string
  /** Undefined if none was sent. */
  readonly username: string | undefined
  readonly level: ProtocolLevel
  /** Clean Session before MQTT 5. */
  readonly cleanStart: boolean
  /** The client's certificate, if it presented one over TLS that was verified. */
  readonly certificate?: PeerCertificate
}

/** A connected user. */
export interface ConnectedUser {
  /** Client id of its session. */
  readonly clientId: string
  /** Empty if it has none. */
  readonly username: string
  readonly address: string
  /** Undefined if the transport has none. */
  readonly port: number | undefined
  readonly level: ProtocolLevel
  /** Clean Session before MQTT 5. */
  readonly cleanStart: boolean
  /** The requested keep alive, s. */
  readonly keepAlive: number
  /** How long its session is kept after it disconnects, s; 0: not at all. */
  readonly sessionExpiry: number
  /** It declares itself a bridge. */
  readonly isBridge: boolean
}

/** A refused client, as it identified itself. */
export interface RefusedClient {
  /** Empty if it sent none. */
  readonly clientId: string
  readonly address: string
  /** Undefined if the transport has none. */
  readonly port: number | undefined
  readonly code: ErrorCode
}

/** How a connection ended: with a DISCONNECT from the client, for a reason of ours, or otherwise by closing. */
export type ConnectionEnd = 'DISCONNECT' | ErrorCode | undefined

/** Rules for the connections of one listener. They do not apply to devices and providers. */
export interface ListenerRules {
  /** The users of this listener, instead of those of `createPush({ users })`. */
  readonly users?: Users
  /** Accepted MQTT protocol levels (3 is 3.1); others are refused as an unknown version. Default: all. */
  readonly protocolLevels?: readonly ProtocolLevel[]
  /**
   * Prefix added to every topic and filter of users here, and removed from what they receive; invisible to them, but
   * visible to their rules.
   */
  readonly mountPoint?: string
  /** Maximum QoS of a PUBLISH, announced on MQTT 5 (Maximum QoS). Default 2. */
  readonly maximumQos?: QoS
  /** Topic Alias Maximum announced to users here. Default: `limits.topicAliasMaximum`. */
  readonly topicAliasMaximum?: number
  /** Topic aliases that the server assigns to a user here. Default: `limits.topicAliases`. */
  readonly outgoingTopicAliases?: number
  /** Sends reason strings to MQTT 5 clients, the default. Devices and providers always get them. */
  readonly reasonStrings?: boolean
  /**
   * Returns the client id of a user's session, before its credentials are checked. `made`: the server generated it
   * (Assigned Client Identifier). Default: unchanged, or a random one if empty.
   * @throws PushError CLIENT_ID_REFUSED
   */
  clientId?(asked: AskedClientId): { readonly clientId: string; readonly made: boolean }
  /** Called for each refused CONNECT. Errors are logged. */
  refused?(client: RefusedClient): void
  /** Called for each connected user; the function it returns is called at the end. Errors of either are logged. */
  connected?(user: ConnectedUser): (end: ConnectionEnd) => void
}

export const NO_RULES: ListenerRules = Object.freeze({})
