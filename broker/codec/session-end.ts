import type { ByteReader } from './byte-reader.ts'
import { PacketBytes } from './packet-bytes.ts'
import type { AuthPacket, DisconnectPacket, PingreqPacket, Properties, ProtocolLevel } from './packets.ts'
import { AUTH_PROPERTIES, DISCONNECT_PROPERTIES, NO_PROPERTIES, readProperties } from './properties.ts'
import { malformed, protocolError } from './violation.ts'

class DecodedPingreq extends PacketBytes implements PingreqPacket {
  readonly type = 'pingreq'
}

class DecodedDisconnect extends PacketBytes implements DisconnectPacket {
  readonly type = 'disconnect'
  readonly reason: number
  readonly properties: Properties

  constructor(reader: ByteReader, start: number, reason: number, properties: Properties) {
    super(reader.bytes, start, reader.end)
    this.reason = reason
    this.properties = properties
  }
}

class DecodedAuth extends PacketBytes implements AuthPacket {
  readonly type = 'auth'
  readonly reason: number
  readonly properties: Properties

  constructor(reader: ByteReader, start: number, reason: number, properties: Properties) {
    super(reader.bytes, start, reader.end)
    this.reason = reason
    this.properties = properties
  }
}

/** Values from CONNECT that DISCONNECT and AUTH are checked against. */
export interface ConnectTerms {
  readonly level: ProtocolLevel
  readonly sessionExpiryInterval: number
  readonly authenticationMethod: string | undefined
}

/** Reason codes of DISCONNECT that a client may use: table 3-13. */
const DISCONNECT_REASONS = new Set([0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99])
const CONTINUE_AUTHENTICATION = 0x18
const RE_AUTHENTICATE = 0x19

/** Section 3.12; that there is no body was checked with the fixed header. */
export function readPingreq(reader: ByteReader, start: number): PingreqPacket {
  return new DecodedPingreq(reader.bytes, start, reader.end)
}

/** Section 3.14. */
export function readDisconnect(reader: ByteReader, start: number, terms: ConnectTerms): DisconnectPacket {
  let reason = 0
  let properties = NO_PROPERTIES
  if (terms.level === 5 && reader.remaining() > 0) {
    reason = reader.byte()
    if (!DISCONNECT_REASONS.has(reason)) {
      // The peer leaves in any case: nobody would read an answer.
      protocolError('MQTT-3.14.2-1', 'the reason code is not one that a client may use', { silent: true })
    }
    if (reader.remaining() > 0) properties = readProperties(reader, DISCONNECT_PROPERTIES)
    if (terms.sessionExpiryInterval === 0 && (properties.sessionExpiryInterval ?? 0) > 0) {
      protocolError('3.14.2.2.2', 'DISCONNECT sets a session expiry although CONNECT had none')
    }
  }
  if (reader.remaining() > 0) malformed('3.14', 'DISCONNECT has bytes behind its last field')
  return new DecodedDisconnect(reader, start, reason, properties)
}

/** Refused before the flags are checked: who did not ask for extended authentication may not send AUTH at all. */
export function checkAuthAllowed(terms: ConnectTerms): void {
  if (terms.level !== 5) malformed('2.2.1', 'packet type 15 is reserved before MQTT 5')
  if (terms.authenticationMethod === undefined) {
    protocolError('MQTT-4.12.0-7', 'AUTH came although CONNECT named no authentication method')
  }
}

/** Section 3.15. Reason code 0, also by an empty AUTH, is the server's. */
export function readAuth(reader: ByteReader, start: number, terms: ConnectTerms): AuthPacket {
  const reason = reader.remaining() > 0 ? reader.byte() : 0
  if (reason !== CONTINUE_AUTHENTICATION && reason !== RE_AUTHENTICATE) {
    protocolError('MQTT-3.15.2-1', 'the reason code is not one that a client may use')
  }
  const properties = reader.remaining() > 0 ? readProperties(reader, AUTH_PROPERTIES) : NO_PROPERTIES
  if (properties.authenticationMethod !== terms.authenticationMethod) {
    protocolError('MQTT-4.12.0-5', 'AUTH has another authentication method than CONNECT')
  }
  if (reader.remaining() > 0) malformed('3.15', 'AUTH has bytes behind its last field')
  return new DecodedAuth(reader, start, reason, properties)
}
