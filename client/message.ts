/** Messages, as the server writes them and as a handler gets them. */
import { fromBase64, utf8 } from './bytes.ts'
import { decryptWebPush, type WebPushKeys } from './web-push.ts'
import type { Message } from './types.ts'

/** As lookups and streams have it. */
export interface WireMessage {
  readonly id: string
  readonly topic: string
  readonly payload?: string
  readonly payloadBase64?: string
  readonly storedAt: string
  readonly expiresAt: string
  readonly contentEncoding?: string
  readonly urgency?: string
  readonly missed?: number | true
}

/**
 * The same for each time that a message comes, and for no other message: an id is used anew after a day, and a broadcast
 * may have the id of a private message. The topic of a broadcast is no part of it, because it changes with the version of
 * the device.
 */
export function keyOf({ id, topic, storedAt }: WireMessage): string {
  return `${topic.split('/')[2] ?? ''} ${storedAt} ${id}`
}

/** As it came, or decrypted to `bytes`. */
export function received(wire: WireMessage, bytes?: Uint8Array): Message {
  const { id, topic, storedAt, expiresAt, contentEncoding, urgency } = wire
  const own = bytes ?? bytesOf(wire)
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(own)
  return {
    id,
    topic,
    bytes: own,
    text,
    json: () => JSON.parse(text),
    storedAt: new Date(storedAt),
    expiresAt: new Date(expiresAt),
    contentEncoding: bytes === undefined ? contentEncoding : undefined,
    urgency,
  }
}

/** @throws what decryptWebPush throws */
export async function opened(wire: WireMessage, keys: WebPushKeys | undefined): Promise<Message> {
  if (keys === undefined || wire.contentEncoding !== 'aes128gcm') return received(wire)
  return received(wire, await decryptWebPush(bytesOf(wire), keys))
}

function bytesOf({ payload, payloadBase64 }: WireMessage): Uint8Array {
  return payloadBase64 === undefined ? utf8(payload ?? '') : fromBase64(payloadBase64)
}
