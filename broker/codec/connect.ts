import type { Buffer } from 'node:buffer'
import type { ByteReader } from './byte-reader.ts'
import { PacketBytes } from './packet-bytes.ts'
import type { DecoderLimits } from './limits.ts'
import { type ConnectPacket, type Properties, type ProtocolLevel, type QoS, Reason, type Will } from './packets.ts'
import { CONNECT_PROPERTIES, NO_PROPERTIES, readProperties, WILL_PROPERTIES } from './properties.ts'
import { checkTopicName } from './topic-syntax.ts'
import { malformed, protocolError, violation } from './violation.ts'

/** Bytes of the variable header up to and including the protocol level, with the longer of the two names. */
export const CONNECT_PREFIX_BYTES = 9

const BRIDGE_BIT = 0x80
const RESERVED_BIT = 0x01
const CLEAN_START_BIT = 0x02
const WILL_BIT = 0x04
const WILL_QOS_BITS = 0x18
const WILL_RETAIN_BIT = 0x20
const WILL_BITS = WILL_QOS_BITS | WILL_RETAIN_BIT
const PASSWORD_BIT = 0x40
const USERNAME_BIT = 0x80

const FLAGS_AND_KEEP_ALIVE_BYTES = 3

/** Mosquitto closes without a CONNACK here, MQTT leaves it open [MQTT-3.1.4-1], and its published sequences expect it. */
const SILENT = { silent: true }

export interface Protocol {
  readonly level: ProtocolLevel
  readonly bridge: boolean
}

class DecodedConnect extends PacketBytes implements ConnectPacket {
  readonly type = 'connect'
  readonly level: ProtocolLevel
  readonly bridge: boolean
  readonly cleanStart: boolean
  readonly keepAlive: number
  readonly clientId: string
  declare username?: string
  declare password?: Buffer
  declare will?: Will
  readonly properties: Properties

  constructor(reader: ByteReader, start: number, fields: ConnectFields) {
    super(reader.bytes, start, reader.end)
    this.level = fields.level
    this.bridge = fields.bridge
    this.cleanStart = fields.cleanStart
    this.keepAlive = fields.keepAlive
    this.clientId = fields.clientId
    this.properties = fields.properties
  }
}

interface ConnectFields extends Protocol {
  readonly cleanStart: boolean
  readonly keepAlive: number
  readonly clientId: string
  readonly properties: Properties
}

/** Protocol name and level (section 3.1.2.1 and 3.1.2.2). */
export function readProtocol(reader: ByteReader): Protocol {
  const name = reader.binary().toString('latin1')
  if (name !== 'MQTT' && name !== 'MQIsdp') {
    violation(Reason.unsupportedProtocolVersion, 'MQTT-3.1.2-1', 'the protocol name is unknown', SILENT)
  }
  const byte = reader.byte()
  const level = byte & ~BRIDGE_BIT
  const bridge = byte !== level
  if (name === 'MQIsdp' && level === 3) return { level, bridge }
  if (name === 'MQTT' && level === 4) return { level, bridge }
  if (name === 'MQTT' && level === 5 && !bridge) return { level, bridge }
  // 3.1 and 3.1.1 have a return code for it; a client of any other version gets the CONNACK of MQTT 5. [MQTT-3.1.2-2]
  const answer = level === 3 || level === 4 ? { returnCode: 1 } : {}
  return violation(Reason.unsupportedProtocolVersion, 'MQTT-3.1.2-2', 'the protocol level is unsupported', answer)
}

/**
 * Reads what follows protocol name and level.
 *
 * MQTT 3.1 leaves some bits of CONNECT unused and lets fields be missing whose flag is set; a reader of `raw` would
 * stumble over them, so these bits are cleared in the packet.
 */
export function readConnect(
  reader: ByteReader,
  start: number,
  protocol: Protocol,
  limits: DecoderLimits,
): ConnectPacket {
  const { level } = protocol
  const flagsAt = reader.position
  if (reader.remaining() < FLAGS_AND_KEEP_ALIVE_BYTES) malformed('3.1.2', 'CONNECT ends within its fixed part', SILENT)
  const flags = level === 3 ? effectiveFlags31(reader.byte()) : checkedFlags(reader.byte(), level)
  if (level === 3) reader.bytes[flagsAt] = flags
  const keepAlive = reader.twoByteInteger()
  const properties = level === 5 ? readProperties(reader, CONNECT_PROPERTIES) : NO_PROPERTIES
  if (properties.authenticationData !== undefined && properties.authenticationMethod === undefined) {
    protocolError('3.1.2.11.10', 'authentication data came without a method')
  }
  const cleanStart = (flags & CLEAN_START_BIT) !== 0
  const clientId = readClientId(reader, level, cleanStart, limits)
  const packet = new DecodedConnect(reader, start, { ...protocol, cleanStart, keepAlive, clientId, properties })
  if ((flags & WILL_BIT) !== 0) packet.will = readWill(reader, flags, level, limits)
  if (level === 3) {
    reader.bytes[flagsAt] = readCredentials31(reader, flags, packet)
  } else {
    if ((flags & USERNAME_BIT) !== 0) packet.username = readUsername(reader) // [MQTT-3.1.2-17]; in 3.1.1 [MQTT-3.1.2-19]
    if ((flags & PASSWORD_BIT) !== 0) packet.password = readPassword(reader) // [MQTT-3.1.2-19]; in 3.1.1 [MQTT-3.1.2-21]
  }
  if (reader.remaining() > 0) malformed('MQTT-3.1.3-1', 'CONNECT has bytes behind its last field')
  return packet
}

function checkedFlags(flags: number, level: ProtocolLevel): number {
  if ((flags & RESERVED_BIT) !== 0) malformed('MQTT-3.1.2-3', 'the reserved CONNECT flag is set', SILENT)
  checkWillQos(flags)
  if ((flags & WILL_BIT) === 0) {
    if ((flags & WILL_QOS_BITS) !== 0) malformed('MQTT-3.1.2-11', 'a will QoS came without a will') // 3.1.1: [MQTT-3.1.2-13]
    if ((flags & WILL_RETAIN_BIT) !== 0) malformed('MQTT-3.1.2-13', 'a will retain came without a will') // 3.1.1: [MQTT-3.1.2-15]
  }
  if (level === 4 && (flags & (USERNAME_BIT | PASSWORD_BIT)) === PASSWORD_BIT) {
    malformed('MQTT-3.1.2-22', 'a password came without a user name') // MQTT 5 allows it
  }
  return flags
}

function checkWillQos(flags: number): void {
  if ((flags & WILL_QOS_BITS) === WILL_QOS_BITS) malformed('MQTT-3.1.2-12', 'the will QoS is 3', SILENT) // 3.1.1: [MQTT-3.1.2-14]
}

/** MQTT 3.1: bit 0 is unused, will QoS and will retain are disregarded without a will. */
function effectiveFlags31(flags: number): number {
  const used = flags & ~RESERVED_BIT
  if ((used & (USERNAME_BIT | PASSWORD_BIT)) === PASSWORD_BIT) malformed('3.1', 'a password came without a user name')
  if ((used & WILL_BIT) === 0) return used & ~WILL_BITS
  checkWillQos(used)
  return used
}

function readClientId(reader: ByteReader, level: ProtocolLevel, cleanStart: boolean, limits: DecoderLimits): string {
  const start = reader.position
  const clientId = level === 5 ? reader.identifier('client id', refuseClientId) : reader.identifier('client id')
  if (reader.position - start - 2 > limits.clientIdBytes) {
    violation(Reason.clientIdentifierNotValid, 'MQTT-3.1.3-8', 'the client id is too long', rejected(level)) // 3.1.1: [MQTT-3.1.3-9]
  }
  if (clientId.length === 0) {
    if (level === 3) violation(Reason.clientIdentifierNotValid, '3.1', 'the client id is empty', rejected(level))
    if (level === 4 && !cleanStart) {
      violation(
        Reason.clientIdentifierNotValid,
        'MQTT-3.1.3-8',
        'an empty client id needs Clean Session',
        rejected(level),
      )
    }
  }
  return clientId
}

function rejected(level: ProtocolLevel): { returnCode?: number } {
  return level === 5 ? {} : { returnCode: 2 }
}

/** Where a reason can be given, wrong characters are a matter of the client id. [MQTT-3.1.3-4] [MQTT-3.1.3-8] */
function refuseClientId(what: string): never {
  return violation(Reason.clientIdentifierNotValid, 'MQTT-3.1.3-4', `the ${what} has a forbidden character`)
}

function readWill(reader: ByteReader, flags: number, level: ProtocolLevel, limits: DecoderLimits): Will {
  const properties = level === 5 ? readProperties(reader, WILL_PROPERTIES) : undefined
  const start = reader.position
  const topic = reader.identifier('will topic') // [MQTT-3.1.3-11]; in 3.1.1 [MQTT-3.1.3-10]
  if (topic.length === 0) malformed('MQTT-4.7.3-1', 'the will topic is empty')
  checkTopicName(topic, limits, reader.position - start - 2)
  const will = {
    topic,
    payload: reader.binary(), // [MQTT-3.1.2-9]
    qos: ((flags & WILL_QOS_BITS) >> 3) as QoS,
    retain: (flags & WILL_RETAIN_BIT) !== 0,
  }
  return properties === undefined ? will : { ...will, properties }
}

function readUsername(reader: ByteReader): string {
  if (!reader.hasField()) malformed('MQTT-3.1.2-17', 'the user name is missing', SILENT)
  return reader.identifier('user name', refuseUsername) // [MQTT-3.1.3-12]; in 3.1.1 [MQTT-3.1.3-11]
}

function refuseUsername(what: string): never {
  return malformed('MQTT-3.1.3-12', `the ${what} has a forbidden character`, SILENT)
}

function readPassword(reader: ByteReader): Buffer {
  if (!reader.hasField()) malformed('MQTT-3.1.2-19', 'the password is missing', SILENT)
  return reader.binary()
}

/** In MQTT 3.1 the remaining length has precedence over the flags: returns those whose field is there. */
function readCredentials31(reader: ByteReader, flags: number, packet: DecodedConnect): number {
  let present = flags & ~(USERNAME_BIT | PASSWORD_BIT)
  if ((flags & USERNAME_BIT) !== 0 && reader.remaining() > 0) {
    packet.username = readUsername(reader)
    present |= USERNAME_BIT
  }
  if ((flags & PASSWORD_BIT) !== 0 && reader.remaining() > 0) {
    packet.password = readPassword(reader)
    present |= PASSWORD_BIT
  }
  return present
}
