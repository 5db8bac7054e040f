import type { Cursor } from './cursor.ts'
import { PacketFrame } from './frame.ts'
import type { AcknowledgementPacket, Properties, ProtocolLevel } from './packets.ts'
import { NO_PROPERTIES, PUBACK_PROPERTIES, readProperties } from './properties.ts'
import { malformed, protocolError } from './violation.ts'

type AcknowledgementType = AcknowledgementPacket['type']

class DecodedAcknowledgement extends PacketFrame implements AcknowledgementPacket {
  readonly type: AcknowledgementType
  readonly packetId: number
  readonly reason: number
  readonly properties: Properties

  constructor(
    type: AcknowledgementType,
    cursor: Cursor,
    start: number,
    packetId: number,
    reason: number,
    properties: Properties,
  ) {
    super(cursor.bytes, start, cursor.end)
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
  cursor: Cursor,
  start: number,
  level: ProtocolLevel,
): AcknowledgementPacket {
  const packetId = cursor.twoByteInteger()
  if (packetId === 0) protocolError('MQTT-2.2.1-3', 'the packet id is 0') // in 3.1.1 [MQTT-2.3.1-1]
  let reason = 0
  let properties = NO_PROPERTIES
  if (level === 5 && cursor.remaining() > 0) {
    reason = cursor.byte()
    const rules = RULES[type]
    if (!rules.reasons.has(reason)) protocolError(rules.clause, 'the reason code does not belong to this packet')
    if (cursor.remaining() > 0) properties = readProperties(cursor, PUBACK_PROPERTIES)
  }
  if (cursor.remaining() > 0) malformed('2.1.4', 'an acknowledgement has bytes behind its last field')
  return new DecodedAcknowledgement(type, cursor, start, packetId, reason, properties)
}
