import type { ErrorCode } from '../../errors.ts'
import { Reason } from './packets.ts'

/**
 * What the server sends before it closes the connection (MQTT 5 section 4.13).
 *
 * `connack`: the CONNECT itself is at fault; with `returnCode` it is a CONNACK of MQTT 3.1 and 3.1.1, otherwise one of
 * MQTT 5 with `reason`. `disconnect`: MQTT 5 after CONNECT. `none`: close in silence, because 3.x has no packet for it,
 * because nothing shows that the peer speaks MQTT, or because the peer has said goodbye.
 */
export type Reply = 'connack' | 'disconnect' | 'none'

interface ViolationOptions {
  /** CONNACK return code, where 3.1 and 3.1.1 name one. */
  readonly returnCode?: number
  /** Close without a packet, also on MQTT 5. */
  readonly silent?: boolean
}

const CODES = new Map<number, ErrorCode>([
  [Reason.malformedPacket, 'PACKET_MALFORMED'],
  [Reason.protocolError, 'PROTOCOL_ERROR'],
  [Reason.unsupportedProtocolVersion, 'PROTOCOL_VERSION_UNSUPPORTED'],
  [Reason.clientIdentifierNotValid, 'CLIENT_ID_INVALID'],
  [Reason.topicFilterInvalid, 'TOPIC_INVALID'],
  [Reason.topicNameInvalid, 'TOPIC_INVALID'],
  [Reason.topicAliasInvalid, 'TOPIC_ALIAS_INVALID'],
  [Reason.packetTooLarge, 'PACKET_TOO_LARGE'],
])

/** A packet that MQTT does not allow. The message quotes nothing of the packet, so it is safe in logs and replies. */
export class ProtocolViolation extends Error {
  override readonly name = 'ProtocolViolation'
  /** MQTT 5 reason code (section 2.4). */
  readonly reason: number
  /** The clause that was broken, such as `MQTT-3.3.1-4`, or the section where the clause has no number: `2.2.2.2`. */
  readonly clause: string
  readonly code: ErrorCode
  /** CONNACK return code of 3.1 and 3.1.1: 1 unacceptable protocol version, 2 identifier rejected. */
  readonly returnCode?: number
  readonly silent: boolean
  /** Set by the decoder, which knows the protocol level and whether CONNECT was read. */
  reply: Reply = 'none'

  constructor(reason: number, clause: string, detail: string, options: ViolationOptions = {}) {
    super(detail)
    this.reason = reason
    this.clause = clause
    this.code = CODES.get(reason) ?? 'PROTOCOL_ERROR'
    this.silent = options.silent === true
    if (options.returnCode !== undefined) this.returnCode = options.returnCode
  }
}

/**
 * 0x81 for what cannot be parsed, 0x82 for what is parsed and not allowed (section 1.2); a section that names the kind
 * of an error goes before. Topic names and filters are "malformed" by section 2.4, so their syntax is 0x81.
 */
export function malformed(clause: string, detail: string, options?: ViolationOptions): never {
  throw new ProtocolViolation(Reason.malformedPacket, clause, detail, options)
}

/** Parsed, but not allowed by the protocol, or not here: 0x82. */
export function protocolError(clause: string, detail: string, options?: ViolationOptions): never {
  throw new ProtocolViolation(Reason.protocolError, clause, detail, options)
}

export function violation(reason: number, clause: string, detail: string, options?: ViolationOptions): never {
  throw new ProtocolViolation(reason, clause, detail, options)
}
