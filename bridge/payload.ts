/** Converts the payload of a request to bytes and the MQTT 5 properties that describe them. */
import { isUtf8 } from 'node:buffer'
import { isAnyArrayBuffer, isUint8Array } from 'node:util/types'
import { PushError } from '../errors.ts'

export type ContentKind = 'text' | 'json' | 'bytes'

export interface Content {
  readonly kind: ContentKind
  readonly payload: Buffer
  /** MQTT 5 properties as on the wire, without length prefix. */
  readonly properties?: Buffer
}

interface PayloadFields {
  /** A string goes out as its UTF-8 bytes, any other JSON value as JSON text; a `Uint8Array`, in process, as it is. */
  readonly payload?: unknown
  readonly payloadBase64?: string
}

export const JSON_TYPE = 'application/json'

/** Payload Format Indicator 1: UTF-8 text (MQTT 5 section 3.3.2.3.2). */
const UTF8_TEXT = Buffer.from([0x01, 0x01])

/** Content Type `application/json` (MQTT 5 section 3.3.2.3.9). */
const JSON_TEXT = Buffer.concat([UTF8_TEXT, Buffer.from([0x03, 0x00, JSON_TYPE.length]), Buffer.from(JSON_TYPE)])

/** The other way round, as an answer has it: text where the bytes are UTF-8. */
export function payloadOf({
  buffer,
  byteOffset,
  byteLength,
}: Uint8Array): { payload: string } | { payloadBase64: string } {
  const bytes = Buffer.from(buffer, byteOffset, byteLength)
  return isUtf8(bytes) ? { payload: bytes.toString('utf8') } : { payloadBase64: bytes.toString('base64') }
}

/** @throws PAYLOAD_INVALID */
export function contentOf(fields: PayloadFields): Content {
  const hasPayload = fields.payload !== undefined
  if (hasPayload === (fields.payloadBase64 !== undefined)) throw new PushError('PAYLOAD_INVALID')
  if (fields.payloadBase64 !== undefined) return { kind: 'bytes', payload: fromBase64(fields.payloadBase64) }
  if (typeof fields.payload === 'string')
    return { kind: 'text', payload: fromText(fields.payload), properties: UTF8_TEXT }
  // Copied: the program may use its memory for something else.
  if (isUint8Array(fields.payload)) return { kind: 'bytes', payload: Buffer.from(fields.payload) }
  if (ArrayBuffer.isView(fields.payload) || isAnyArrayBuffer(fields.payload))
    throw new PushError('PAYLOAD_INVALID', 'payload holds bytes that are no Buffer or Uint8Array')
  return { kind: 'json', payload: fromJson(fields.payload), properties: JSON_TEXT }
}

/** Strict: Node would skip what is not base64 and deliver something else. */
function fromBase64(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text)
    throw new PushError('PAYLOAD_INVALID', 'payloadBase64 is not base64 with padding')
  return bytes
}

/** A lone surrogate has no UTF-8 form: it would arrive as another character. */
function fromText(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8')
  if (bytes.toString('utf8') !== text) throw new PushError('PAYLOAD_INVALID', 'payload holds a lone surrogate')
  return bytes
}

function fromJson(value: unknown): Buffer {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (error) {
    // The parser takes any depth, the writer only what its stack holds.
    const detail = error instanceof RangeError ? 'payload is nested too deeply' : 'payload cannot be written as JSON'
    throw new PushError('PAYLOAD_INVALID', detail, { cause: error })
  }
  // A function, for one; only a program can send it.
  if (text === undefined) throw new PushError('PAYLOAD_INVALID', 'payload cannot be written as JSON')
  // A number such as 1e400 is read as infinity, which is written as `null`: something else would arrive.
  if (text.includes('null')) JSON.stringify(value, refuseInfinity)
  return Buffer.from(text)
}

function refuseInfinity(_name: string, value: unknown): unknown {
  if (typeof value !== 'number' || Number.isFinite(value)) return value
  throw new PushError('PAYLOAD_INVALID', 'payload holds a number beyond what JSON readers hold; send it in a string')
}
