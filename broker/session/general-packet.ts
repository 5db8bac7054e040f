/** A message of a general topic as a PUBLISH to one client. */
import type { Message } from '../../store/contract.ts'
import { encodePublish, withPacketId } from '../codec/encoder.ts'
import type { ProtocolLevel } from '../codec/packets.ts'
import type { GeneralDelivery } from './general.ts'
import { EXPIRY_BYTES, IDENTIFIER_BYTES, writeExpiry, writeSubscriptionIdentifier } from './delivery-properties.ts'

/** Of a message: what is sent of it. */
export interface Outbound extends Pick<Message, 'payload' | 'properties' | 'expiresAt'> {
  readonly topic: string
}

export interface GeneralSending extends GeneralDelivery {
  readonly level: ProtocolLevel
  readonly dup: boolean
  /** Undefined for QoS 0. */
  readonly packetId: number | undefined
  readonly now: number
}

/** The largest Message Expiry Interval, seconds. What lives longer has none. */
const LONGEST = 0xffff_ffff

export function encodeGeneral(message: Outbound, sending: GeneralSending): Buffer {
  const { topic, payload } = message
  const { qos, retain, dup, packetId, level } = sending
  const properties = level === 5 ? propertiesOf(message, sending) : undefined
  return encodePublish({ topic, payload, qos, retain, dup, packetId, level, properties })
}

/** The publisher's properties as they came, and those that belong to the delivery. */
function propertiesOf({ properties, expiresAt }: Outbound, { identifiers, now }: GeneralSending) {
  const seconds = Math.max(1, Math.ceil((expiresAt - now) / 1000))
  const expires = seconds <= LONGEST
  if (!expires && identifiers.length === 0) return properties
  const own = properties?.byteLength ?? 0
  const bytes = Buffer.allocUnsafe(own + (expires ? EXPIRY_BYTES : 0) + identifiers.length * IDENTIFIER_BYTES)
  let at = expires ? writeExpiry(bytes, 0, seconds) : 0
  if (properties !== undefined) {
    bytes.set(properties, at)
    at += own
  }
  for (const identifier of identifiers) at = writeSubscriptionIdentifier(bytes, at, identifier)
  return bytes.subarray(0, at)
}

/** What was encoded of one message: the next one that it goes to needs another packet id only. */
export class PacketsOfOne {
  #message: Outbound | undefined
  readonly #packets = new Map<number, Buffer>()

  encode(message: Outbound, sending: GeneralSending): Buffer {
    const { level, qos, retain, dup, identifiers, packetId } = sending
    if (dup || identifiers.length > 0) return encodeGeneral(message, sending)
    if (this.#message !== message) {
      this.#message = message
      this.#packets.clear()
    }
    const kind = (level === 5 ? 8 : 0) + qos * 2 + (retain ? 1 : 0)
    const known = this.#packets.get(kind)
    if (known !== undefined) return packetId === undefined ? known : withPacketId(known, packetId)
    const packet = encodeGeneral(message, sending)
    this.#packets.set(kind, packet)
    return packet
  }
}
