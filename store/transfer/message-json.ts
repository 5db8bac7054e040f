/** Messages in a line. Payloads and properties are base64. */
import { isMessageId } from '../../topics/index.ts'
import { isCollapseKey } from '../message.ts'
import type { Message } from '../contract.ts'
import type { Fields } from './fields.ts'

export function messageToJson({ id, payload, properties, retain, storedAt, expiresAt, ...asked }: Message): object {
  const kept = properties === undefined ? {} : { properties: base64(properties) }
  return { id, payload: base64(payload), ...kept, retain, storedAt, expiresAt, ...askedOf(asked) }
}

/** What was asked for, where something was. */
export function askedOf({
  collapseKey,
  receipt,
  webPush,
}: Pick<Message, 'collapseKey' | 'receipt' | 'webPush'>): Partial<Message> {
  return {
    ...(collapseKey === undefined ? {} : { collapseKey }),
    ...(receipt === true ? { receipt } : {}),
    ...(webPush === true ? { webPush } : {}),
  }
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
    ...(fields.has('collapseKey') ? { collapseKey: fields.text('collapseKey', isCollapseKey) } : {}),
    ...(fields.has('receipt') && fields.boolean('receipt') ? { receipt: true } : {}),
    ...(fields.has('webPush') && fields.boolean('webPush') ? { webPush: true } : {}),
  }
}
