/** Creates a `Message` from what a publisher sent; the only place that checks it, for HTTP and MQTT. */
import { hash } from 'node:crypto'
import type { Limits } from '../common/limits.ts'
import { withoutTrace } from '../common/tracing.ts'
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
  /** Seconds, whole; 0: now or never. */
  readonly ttl?: number | undefined
  readonly collapseKey?: string | undefined
  readonly receipt?: boolean | undefined
}

const MAX_COLLAPSE_KEY = 64

/** With `ttl` 0 it expires as it is stored: see `tellPrivate`. @throws PAYLOAD_TOO_LARGE, TTL_INVALID, MESSAGE_ID_INVALID, COLLAPSE_KEY_INVALID, NOW_OR_NEVER */
export function makeMessage(draft: Draft, limits: MessageLimits, now: number): Message {
  if (draft.payload.byteLength > limits.payloadBytes) {
    throw new PushError('PAYLOAD_TOO_LARGE', `${draft.payload.byteLength} bytes, at most ${limits.payloadBytes}`)
  }
  const ttl = draft.ttl ?? limits.defaultTtl
  if (!Number.isSafeInteger(ttl) || ttl < 0 || ttl > limits.maximumTtl) {
    throw new PushError('TTL_INVALID', `${ttl} s, allowed are 0 to ${limits.maximumTtl}`)
  }
  if (!isMessageId(draft.id)) throw new PushError('MESSAGE_ID_INVALID')
  const message = plainMessage(draft, ttl, now)
  const { collapseKey, receipt } = draft
  if (ttl === 0 && (draft.retain || receipt === true || collapseKey !== undefined)) throw new PushError('NOW_OR_NEVER')
  if (collapseKey === undefined && receipt !== true) return message
  if (collapseKey !== undefined && !isCollapseKey(collapseKey)) throw new PushError('COLLAPSE_KEY_INVALID')
  return { ...message, ...(collapseKey === undefined ? {} : { collapseKey }), ...(receipt === true ? { receipt } : {}) }
}

export function isCollapseKey(text: string): boolean {
  return text !== '' && Buffer.byteLength(text, 'utf8') <= MAX_COLLAPSE_KEY
}

function plainMessage(draft: Draft, ttl: number, now: number): Message {
  const { id, payload, properties, retain } = draft
  const expiresAt = now + ttl * 1000
  return properties === undefined
    ? { id, payload, retain, storedAt: now, expiresAt }
    : { id, payload, properties, retain, storedAt: now, expiresAt }
}

/** Not to be stored: see `tellPrivate`. */
export function isNowOrNever({ storedAt, expiresAt }: Message): boolean {
  return expiresAt <= storedAt
}

const NOTHING = new Uint8Array(0)

/** Bytes of a fingerprint. */
export const FINGERPRINT_BYTES = 8

/** Distinguishes messages with the same id: their content and options; for a broadcast, also its selector. */
export function fingerprintOf(message: Message, selector = ''): Buffer {
  const { payload, retain, storedAt, expiresAt, collapseKey, receipt = false } = message
  const rest = message.properties && withoutTrace(message.properties)
  const properties = rest?.byteLength === 0 ? undefined : rest
  const lengths = `${properties?.length ?? -1} ${collapseKey?.length ?? -1}`
  const options = `${lengths} ${retain} ${receipt} ${expiresAt - storedAt} ${collapseKey ?? ''}${selector}`
  const bytes = Buffer.concat([Buffer.from(options), properties ?? NOTHING, payload])
  return hash('sha1', bytes, 'buffer').subarray(0, FINGERPRINT_BYTES)
}

/** Written out: to spread a message costs more than to encode it. `isFollowed`: its id is remembered. */
export function entryOf(message: Message, offset: number, isFollowed = false): LogEntry {
  const { id, payload, properties, retain, storedAt, expiresAt, collapseKey, receipt, webPush } = message
  if (collapseKey !== undefined || receipt === true || webPush === true) {
    const entry = { ...message, offset }
    return isFollowed || receipt === true ? { ...entry, isFollowed: true } : entry
  }
  if (isFollowed) {
    return properties === undefined
      ? { id, payload, retain, storedAt, expiresAt, offset, isFollowed }
      : { id, payload, properties, retain, storedAt, expiresAt, offset, isFollowed }
  }
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
