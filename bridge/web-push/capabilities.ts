/**
 * Web Push URLs: everything the server needs to know about an endpoint, or a message sent through one, is encrypted in
 * its URL, so that nothing is stored and every node can decrypt it.
 */
import { createHash } from 'node:crypto'
import type { Sealing } from '../../auth/index.ts'
import { isMessageId, isTokenId } from '../../topics/index.ts'

/** An endpoint is for one generation of a token id, and for one application server where it names its key. */
export interface Endpoint {
  readonly tokenId: string
  readonly generation: number
  /** Of `parseVapidKey`. Absent: whoever has the address sends. */
  readonly vapidKey?: Buffer | undefined
}

/** A message that was sent through an endpoint. */
export interface SentThrough {
  readonly tokenId: string
  readonly id: string
}

export const ENDPOINT_PATH = '/v1/web-push'
export const MESSAGE_PATH = '/v1/web-push/messages'

const TOKEN_ID_BYTES = 16
const GENERATION_BYTES = 6
const FIXED_BYTES = TOKEN_ID_BYTES + GENERATION_BYTES
const VAPID_KEY_BYTES = 33

export class Endpoints {
  /** What a VAPID token has as `aud` (RFC 8292 section 2). */
  readonly origin: string
  readonly #sealing: Sealing
  readonly #base: string

  /** @param publicUrl under which others reach the HTTP API */
  constructor(sealing: Sealing, publicUrl: string) {
    this.#sealing = sealing
    this.#base = publicUrl.replace(/\/+$/, '')
    this.origin = new URL(publicUrl).origin
  }

  /** The same for the same endpoint. */
  urlOf(endpoint: Endpoint): string {
    return `${this.#base}${ENDPOINT_PATH}/${this.#sealing.seal('push endpoint', encode(endpoint))}`
  }

  /** Undefined: it was not made here, or was changed. */
  open(text: string): Endpoint | undefined {
    const bytes = this.#sealing.unseal('push endpoint', text)
    return bytes && decode(bytes)
  }

  urlOfMessage({ tokenId, id }: SentThrough): string {
    const content = Buffer.concat([Buffer.from(tokenId, 'base64url'), Buffer.from(id)])
    return `${this.#base}${MESSAGE_PATH}/${this.#sealing.seal('push message', content)}`
  }

  openMessage(text: string): SentThrough | undefined {
    const bytes = this.#sealing.unseal('push message', text)
    if (bytes === undefined) return undefined
    const tokenId = bytes.toString('base64url', 0, TOKEN_ID_BYTES)
    const id = bytes.toString('utf8', TOKEN_ID_BYTES)
    return isTokenId(tokenId) && isMessageId(id) ? { tokenId, id } : undefined
  }

  /**
   * The collapse key of a `Topic`: of this token id and application server alone, whatever the generation. Nobody who does not
   * have the sealing key can name it.
   */
  collapseKeyOf(endpoint: Endpoint, topic: string): string {
    const whose = encode({ ...endpoint, generation: 0 })
    const sealed = this.#sealing.seal('push topic', Buffer.concat([whose, Buffer.from(` ${topic}`)]))
    return createHash('sha256').update(sealed).digest('base64url')
  }
}

function encode({ tokenId, generation, vapidKey }: Endpoint): Buffer {
  const place = Buffer.alloc(GENERATION_BYTES)
  place.writeUIntBE(generation, 0, GENERATION_BYTES)
  return Buffer.concat([Buffer.from(tokenId, 'base64url'), place, ...(vapidKey === undefined ? [] : [vapidKey])])
}

function decode(bytes: Buffer): Endpoint | undefined {
  if (bytes.length !== FIXED_BYTES && bytes.length !== FIXED_BYTES + VAPID_KEY_BYTES) return undefined
  const tokenId = bytes.toString('base64url', 0, TOKEN_ID_BYTES)
  const generation = bytes.readUIntBE(TOKEN_ID_BYTES, GENERATION_BYTES)
  return bytes.length === FIXED_BYTES
    ? { tokenId, generation }
    : { tokenId, generation, vapidKey: bytes.subarray(FIXED_BYTES) }
}
