/** The header fields of a Web Push request (RFC 8030 section 5). */
import type { IncomingHttpHeaders } from 'node:http'
import { PushError } from '../../errors.ts'
import { CONTENT_ENCODING, URGENCIES, type Urgency } from './told.ts'

export interface Asked {
  /** Seconds, as the sender gave it; a number beyond all is as large as a number can be. */
  readonly ttl: number
  readonly topic: string | undefined
  readonly urgency: Urgency | undefined
}

const DIGITS = /^\d+$/
/** RFC 8030 section 5.4. */
const TOPIC = /^[A-Za-z0-9_-]{1,32}$/

/** @throws TTL_INVALID, REQUEST_INVALID */
export function readHeaders(headers: IncomingHttpHeaders): Asked {
  return { ttl: ttlOf(one(headers['ttl'])), topic: topicOf(one(headers['topic'])), urgency: urgencyOf(headers) }
}

function one(field: string | string[] | undefined): string | undefined {
  return Array.isArray(field) ? field.join(', ') : field
}

function ttlOf(text: string | undefined): number {
  if (text === undefined) throw new PushError('TTL_INVALID', 'there is no `TTL` header field')
  if (!DIGITS.test(text)) throw new PushError('TTL_INVALID', 'the header field `TTL` is not a number of seconds')
  return Math.min(Number(text), Number.MAX_SAFE_INTEGER)
}

function topicOf(text: string | undefined): string | undefined {
  if (text !== undefined && !TOPIC.test(text))
    throw new PushError('REQUEST_INVALID', 'the header field `Topic` is 1 to 32 characters of base64url')
  return text
}

function urgencyOf(headers: IncomingHttpHeaders): Urgency | undefined {
  const text = one(headers['urgency'])?.toLowerCase()
  const urgency = URGENCIES.find((each) => each === text)
  if (text !== undefined && urgency === undefined)
    throw new PushError('REQUEST_INVALID', `the header field \`Urgency\` is one of ${URGENCIES.join(', ')}`)
  return urgency
}

/** A message may be empty, and is then not encrypted. @throws WEB_PUSH_ENCODING */
export function readEncoding(headers: IncomingHttpHeaders, body: Uint8Array): string | undefined {
  const encoding = one(headers['content-encoding'])?.toLowerCase()
  if (encoding === CONTENT_ENCODING) return encoding
  if (encoding !== undefined && encoding !== 'identity') throw new PushError('WEB_PUSH_ENCODING')
  if (body.byteLength > 0) throw new PushError('WEB_PUSH_ENCODING', 'there is no `Content-Encoding`')
  return undefined
}
