/**
 * A subscription of a user as the store keeps it, under its name: a version, then options as on the wire (MQTT 5 section
 * 3.8.3.1, without Retain Handling), then the Subscription Identifier, four bytes; 0 for none.
 */
import type { QoS } from '../codec/packets.ts'
import { sharedFilter } from '../codec/topic-syntax.ts'
import type { GeneralSubscription } from './general.ts'

const VERSION = 1
const BYTES = 6
const QOS_BITS = 0x03
const NO_LOCAL_BIT = 0x04
const RETAIN_AS_PUBLISHED_BIT = 0x08

type Options = Pick<GeneralSubscription, 'qos' | 'noLocal' | 'retainAsPublished' | 'identifier'>

export function encodeSubscription(subscription: Options): Uint8Array {
  const { qos, noLocal, retainAsPublished, identifier } = subscription
  const bytes = Buffer.allocUnsafe(BYTES)
  bytes[0] = VERSION
  bytes[1] = qos | (noLocal ? NO_LOCAL_BIT : 0) | (retainAsPublished ? RETAIN_AS_PUBLISHED_BIT : 0)
  bytes.writeUInt32BE(identifier, 2)
  return bytes
}

/** The inverse; undefined for a form that this version does not know. */
export function decodeSubscription(name: string, options: Uint8Array): GeneralSubscription | undefined {
  // By index, and each field by name: with iterators and spreads, this is most of a start with many subscriptions.
  const version = options[0]
  const flags = options[1] ?? 0
  const place = placeOf(name)
  if (version !== VERSION || options.byteLength < BYTES || place === undefined) return undefined
  const { filter, group } = place
  const qos = qosOf(flags)
  const noLocal = (flags & NO_LOCAL_BIT) !== 0
  const retainAsPublished = (flags & RETAIN_AS_PUBLISHED_BIT) !== 0
  const identifier = identifierOf(options)
  return group === undefined
    ? { name, filter, qos, noLocal, retainAsPublished, identifier }
    : { name, filter, group, qos, noLocal, retainAsPublished, identifier }
}

function identifierOf(options: Uint8Array): number {
  const high = ((options[2] ?? 0) << 8) | (options[3] ?? 0)
  return high * 0x10000 + (((options[4] ?? 0) << 8) | (options[5] ?? 0))
}

function qosOf(flags: number): QoS {
  const bits = flags & QOS_BITS
  return bits === 0 || bits === 1 ? bits : 2
}

/** Undefined for a share that is not well-formed: before MQTT 5 the gate lets it pass. */
export function placeOf(name: string): Pick<GeneralSubscription, 'name' | 'filter' | 'group'> | undefined {
  try {
    const shared = sharedFilter(name)
    return shared === undefined ? { name, filter: name } : { name, filter: shared.filter, group: shared.group }
  } catch {
    return undefined
  }
}
