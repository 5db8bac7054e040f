import type { ByteReader } from './byte-reader.ts'
import { PacketBytes } from './packet-bytes.ts'
import type { AcknowledgementPacket, Properties, ProtocolLevel } from './packets.ts'
import { NO_PROPERTIES, PUBACK_PROPERTIES, readProperties } from './properties.ts'
import { malformed, protocolError } from './violation.ts'

type AcknowledgementType = AcknowledgementPacket['type']

class DecodedAcknowledgement extends PacketBytes implements AcknowledgementPacket {
  readonly type: AcknowledgementType
  readonly packetId: number
  readonly reason: number
  readonly properties: Properties

  constructor(
    type: AcknowledgementType,
    reader: ByteReader,
    start: number,
    packetId: number,
    reason: number,
    properties: Properties,
  ) {
    super(reader.bytes, start, reader.end)
    this.type = type
    this.packetId = packetId
    this.reason = reason
    this.properties = properties
  }
}

interface AcknowledgementRules {
  readonly reasons: ReadonlySet<number>
  readonly clause: string
}

const OF_PUBLISH = new Set([0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99])
const OF_RELEASE = new Set([0x00, 0x92])

const RULES: Record<AcknowledgementType, AcknowledgementRules> = {
  puback: { reasons: OF_PUBLISH, clause: 'MQTT-3.4.2-1' },
  pubrec: { reasons: OF_PUBLISH, clause: 'MQTT-3.5.2-1' },
  pubrel: { reasons: OF_RELEASE, clause: 'MQTT-3.6.2-1' },
  pubcomp: { reasons: OF_RELEASE, clause: 'MQTT-3.7.2-1' },
}

/** PUBACK, PUBREC, PUBREL and PUBCOMP: sections 3.4 to 3.7. */
export function readAcknowledgement(
  type: AcknowledgementType,
  reader: ByteReader,
  start: number,
  level: ProtocolLevel,
): AcknowledgementPacket {
  const packetId = reader.twoByteInteger()
  if (packetId === 0) protocolError('MQTT-2.2.1-3', 'the packet id is 0') // in 3.1.1 [MQTT-2.3.1-1]
  let reason = 0
  let properties = NO_PROPERTIES
  if (level === 5 && reader.remaining() > 0) {
    reason = reader.byte()
    const rules = RULES[type]
    if (!rules.reasons.has(reason)) protocolError(rules.clause, 'the reason code does not belong to this packet')
    if (reader.remaining() > 0) properties = readProperties(reader, PUBACK_PROPERTIES)
  }
  if (reader.remaining() > 0) malformed('2.1.4', 'an acknowledgement has bytes behind its last field')
  return new DecodedAcknowledgement(type, reader, start, packetId, reason, properties)
}
