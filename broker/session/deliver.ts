/** One stored message of a push topic as a PUBLISH. */
import type { LogEntry } from '../../store/contract.ts'
import { isNowOrNever } from '../../store/message.ts'
import { encodePublish } from '../codec/encoder.ts'
import type { ProtocolLevel } from '../codec/packets.ts'
import {
  EXPIRY_BYTES,
  IDENTIFIER_BYTES,
  writeExpiry,
  writeSubscriptionIdentifier,
  writeUserProperty,
} from './delivery-properties.ts'

export interface Delivery {
  readonly topic: string
  /** Subscription Identifier; 0 for none. */
  readonly identifier: number
  /** More identifiers of further subscriptions that match. */
  readonly moreIdentifiers?: readonly number[]
  readonly level: ProtocolLevel
  /** The client's Maximum Packet Size. */
  readonly maximumPacketSize: number
  readonly retain: boolean
  readonly dup: boolean
  /** Undefined for QoS 0. */
  readonly packetId: number | undefined
  readonly now: number
  /** Something before it went unread because the log was full: what the user property `missed` says. */
  readonly missed?: string | undefined
}

/**
 * The packet; undefined if it does not fit into the client's Maximum Packet Size [MQTT-3.1.2-24]. Where the user
 * properties of ours alone make it too large, it goes without them.
 */
export function encodeDelivery(entry: LogEntry, delivery: Delivery): Buffer | undefined {
  const packet = encode(entry, delivery, true)
  if (packet.byteLength <= delivery.maximumPacketSize) return packet
  if (delivery.level !== 5) return undefined
  const bare = encode(entry, delivery, false)
  return bare.byteLength <= delivery.maximumPacketSize ? bare : undefined
}

function encode(entry: LogEntry, delivery: Delivery, described: boolean): Buffer {
  const { topic, level, retain, dup, packetId } = delivery
  return encodePublish({
    topic,
    payload: entry.payload,
    qos: packetId === undefined ? 0 : 1,
    retain,
    dup,
    level,
    packetId,
    properties: level === 5 ? deliveryProperties(entry, delivery, described) : undefined,
  })
}

const NO_MORE: readonly number[] = []

/** The publisher's properties, and those that belong to the delivery. */
function deliveryProperties(
  entry: LogEntry,
  { identifier, moreIdentifiers = NO_MORE, now, missed: gap }: Delivery,
  described: boolean,
): Buffer {
  const id = described ? Buffer.from(entry.id, 'utf8') : undefined
  const storedAt = described ? Buffer.from(new Date(entry.storedAt).toISOString(), 'latin1') : undefined
  const missed = described && gap !== undefined ? Buffer.from(gap, 'latin1') : undefined
  const own = entry.properties?.byteLength ?? 0
  const size =
    EXPIRY_BYTES +
    own +
    (identifier > 0 ? IDENTIFIER_BYTES : 0) +
    moreIdentifiers.length * IDENTIFIER_BYTES +
    (id === undefined ? 0 : 7 + id.length) +
    (storedAt === undefined ? 0 : 13 + storedAt.length) +
    (missed === undefined ? 0 : 11 + missed.length)
  const bytes = Buffer.allocUnsafe(size)
  let at = writeExpiry(bytes, 0, secondsLeft(entry, now))
  if (entry.properties !== undefined) {
    bytes.set(entry.properties, at)
    at += own
  }
  if (identifier > 0) at = writeSubscriptionIdentifier(bytes, at, identifier)
  for (const each of moreIdentifiers) at = writeSubscriptionIdentifier(bytes, at, each)
  if (id !== undefined) at = writeUserProperty(bytes, at, 'id', id)
  if (storedAt !== undefined) at = writeUserProperty(bytes, at, 'storedAt', storedAt)
  if (missed !== undefined) at = writeUserProperty(bytes, at, 'missed', missed)
  return bytes.subarray(0, at)
}

function secondsLeft(entry: LogEntry, now: number): number {
  return isNowOrNever(entry) ? 0 : Math.max(1, Math.ceil((entry.expiresAt - now) / 1000))
}
