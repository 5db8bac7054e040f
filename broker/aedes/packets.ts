/** Between our packets and those of Aedes. */
import type { PublishPacket as AedesPacket } from 'aedes'
import type { Properties, QoS } from '../codec/packets.ts'

interface Publication {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: QoS
  readonly retain: boolean
  readonly dup: boolean
  readonly properties: Properties
}

/** DUP is between a sender and its receiver, and is never forwarded [MQTT-3.3.1-3]. */
export function toAedesPacket({ topic, payload, qos, retain, properties }: Publication): AedesPacket {
  const forwarded = toAedesProperties(properties)
  const packet = { cmd: 'publish' as const, topic, payload: Buffer.from(payload), qos, retain, dup: false }
  return forwarded === undefined ? packet : { ...packet, properties: forwarded }
}

function toAedesProperties(properties: Properties): NonNullable<AedesPacket['properties']> | undefined {
  const { payloadFormatIndicator, messageExpiryInterval, contentType, responseTopic, correlationData, userProperties } =
    properties
  const forwarded: NonNullable<AedesPacket['properties']> = {}
  if (payloadFormatIndicator !== undefined) forwarded.payloadFormatIndicator = payloadFormatIndicator === 1
  if (messageExpiryInterval !== undefined) forwarded.messageExpiryInterval = messageExpiryInterval
  if (contentType !== undefined) forwarded.contentType = contentType
  if (responseTopic !== undefined) forwarded.responseTopic = responseTopic
  if (correlationData !== undefined) forwarded.correlationData = Buffer.from(correlationData)
  if (userProperties !== undefined) forwarded.userProperties = byName(userProperties)
  return Object.keys(forwarded).length === 0 ? undefined : forwarded
}

function byName(pairs: readonly (readonly [string, string])[]): Record<string, string | string[]> {
  const named = Object.create(null) as Record<string, string | string[]>
  for (const [name, value] of pairs) {
    const known = named[name]
    named[name] = known === undefined ? value : [...(Array.isArray(known) ? known : [known]), value]
  }
  return named
}

/** The CONNECT with Keep Alive 0: the gate watches it, since Aedes does not see every packet. */
export function withoutKeepAlive(raw: Buffer): Buffer {
  const packet = Buffer.from(raw)
  let at = 1
  while ((packet[at] ?? 0) >= 0x80) at++
  at++
  // Protocol name with its length, protocol level, connect flags, then Keep Alive.
  at += 2 + packet.readUInt16BE(at) + 2
  packet.writeUInt16BE(0, at)
  return packet
}
