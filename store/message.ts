/** Making a `Message` from what a publisher sent; the one place that checks it, for HTTP and MQTT alike. */
import type { Limits } from '../common/limits.ts'
import { PushError } from '../errors.ts'
import { isMessageId } from '../topics/index.ts'
import type { LogEntry, Message, SessionDelivery, SessionEntry, TokenId, UpstreamEntry } from './contract.ts'

export type MessageLimits = Pick<Limits, 'payloadBytes' | 'defaultTtl' | 'maximumTtl'>

export interface Draft {
  readonly payload: Uint8Array
  readonly properties?: Uint8Array | undefined
  readonly retain: boolean
  /** Chosen by the provider, or made by the caller. */
  readonly id: string
  /** Seconds, whole, from 1. */
  readonly ttl?: number | undefined
}

/** @throws PAYLOAD_TOO_LARGE, TTL_INVALID, MESSAGE_ID_INVALID */
export function makeMessage(draft: Draft, limits: MessageLimits, now: number): Message {
  if (draft.payload.byteLength > limits.payloadBytes) {
    throw new PushError('PAYLOAD_TOO_LARGE', `${draft.payload.byteLength} bytes, at most ${limits.payloadBytes}`)
  }
  const ttl = draft.ttl ?? limits.defaultTtl
  if (!Number.isSafeInteger(ttl) || ttl < 1 || ttl > limits.maximumTtl) {
    throw new PushError('TTL_INVALID', `${ttl} s, allowed are 1 to ${limits.maximumTtl}`)
  }
  if (!isMessageId(draft.id)) throw new PushError('MESSAGE_ID_INVALID')
  const { id, payload, properties, retain } = draft
  const expiresAt = now + ttl * 1000
  return properties === undefined
    ? { id, payload, retain, storedAt: now, expiresAt }
    : { id, payload, properties, retain, storedAt: now, expiresAt }
}

/** Written out: to spread a message costs more than to encode it. */
export function entryOf(message: Message, offset: number): LogEntry {
  const { id, payload, properties, retain, storedAt, expiresAt } = message
  return properties === undefined
    ? { id, payload, retain, storedAt, expiresAt, offset }
    : { id, payload, properties, retain, storedAt, expiresAt, offset }
}

/** The same for an upstream log. `expiresAt`: in the log, where it may end before the message. */
export function upstreamEntryOf(
  message: Message,
  offset: number,
  tokenId: TokenId,
  subject: string,
  expiresAt = message.expiresAt,
): UpstreamEntry {
  const { id, payload, properties, retain, storedAt } = message
  return properties === undefined
    ? { id, payload, retain, storedAt, expiresAt, offset, tokenId, subject }
    : { id, payload, properties, retain, storedAt, expiresAt, offset, tokenId, subject }
}

/** The same for the log of a session, where RETAIN is that of the delivery. */
export function sessionEntryOf(
  message: Message,
  offset: number,
  topic: string,
  delivery: SessionDelivery,
): SessionEntry {
  const { id, payload, properties, storedAt, expiresAt } = message
  const { qos, retain, identifiers } = delivery
  return properties === undefined
    ? { id, payload, retain, storedAt, expiresAt, offset, topic, qos, identifiers, released: false }
    : { id, payload, properties, retain, storedAt, expiresAt, offset, topic, qos, identifiers, released: false }
}
