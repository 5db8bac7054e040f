import type { ProtocolLevel } from '../../../../broker/codec/packets.ts'

/** Bytes that the clause allows, and what the packet then says. */
export interface Accepted {
  readonly level: ProtocolLevel
  readonly bytes: string
  /** Matched against the packet. */
  readonly gives?: Record<string, unknown>
  /** CONNECT other than the plain one. */
  readonly after?: string
}

/** Bytes that the clause forbids, and the answer. */
export interface Refused {
  readonly level: ProtocolLevel
  readonly bytes: string
  /** MQTT 5 reason code. */
  readonly reason: number
  /** What is sent before the connection is closed; the whole packet as hex without a reason string, '' for nothing. */
  readonly reply: string
  /** Where the clause is not the one that the table stands under. */
  readonly clause?: string
  readonly after?: string
}

export interface Clause {
  /** As in MQTT 5; the number of MQTT 3.1.1 where it differs stands in `what`. */
  readonly clause: string
  readonly what: string
  readonly accepts: readonly Accepted[]
  readonly refuses: readonly Refused[]
}

export const MALFORMED = 0x81
export const PROTOCOL_ERROR = 0x82

/** The replies that occur most. */
export const SILENCE = ''
export const DISCONNECT_MALFORMED = 'e00181'
export const DISCONNECT_PROTOCOL_ERROR = 'e00182'
export const CONNACK_MALFORMED = '2003008100'
export const CONNACK_PROTOCOL_ERROR = '2003008200'
export const CONNACK_CLIENT_ID = '2003008500'
