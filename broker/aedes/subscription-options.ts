/** The options of a subscription as one number, to keep tables small: flags, with the identifier above them. */
import type { QoS } from '../codec/packets.ts'
import type { GeneralSubscription } from '../session/general.ts'

const QOS = 0b0011
const NO_LOCAL = 0b0100
const RETAIN_AS_PUBLISHED = 0b1000
const IDENTIFIER = 16

export type PackedOptions = number

type Options = Pick<GeneralSubscription, 'qos' | 'noLocal' | 'retainAsPublished' | 'identifier'>

/** Gets everything. */
export const PLAIN_OPTIONS: PackedOptions = 2

export function packOptions({ qos, noLocal, retainAsPublished, identifier }: Options): PackedOptions {
  return qos + (noLocal ? NO_LOCAL : 0) + (retainAsPublished ? RETAIN_AS_PUBLISHED : 0) + identifier * IDENTIFIER
}

export function qosOf(options: PackedOptions): QoS {
  const qos = options & QOS
  return qos === 1 || qos === 2 ? qos : 0
}

export const isNoLocal = (options: PackedOptions): boolean => (options & NO_LOCAL) !== 0
export const isRetainAsPublished = (options: PackedOptions): boolean => (options & RETAIN_AS_PUBLISHED) !== 0
export const identifierOf = (options: PackedOptions): number => Math.floor(options / IDENTIFIER)
