/** Messages in a line. Payloads and properties are base64. */
import { isMessageId } from '../../topics/index.ts'
import type { Message } from '../contract.ts'
import type { Fields } from './fields.ts'

export function messageToJson({ id, payload, properties, retain, storedAt, expiresAt }: Message): object {
  const kept = properties === undefined ? {} : { properties: base64(properties) }
  return { id, payload: base64(payload), ...kept, retain, storedAt, expiresAt }
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

export function messageOf(fields: Fields): Message {
  const properties = fields.bytesIfAny('properties')
  return {
    id: fields.text('id', isMessageId),
    payload: fields.bytes('payload'),
    ...(properties === undefined ? {} : { properties }),
    retain: fields.boolean('retain'),
    storedAt: fields.whole('storedAt'),
    expiresAt: fields.timeOrNever('expiresAt'),
  }
}
