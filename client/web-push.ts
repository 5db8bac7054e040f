/** Web Push messages, encrypted for this device: RFC 8291, with the content coding of RFC 8188. */
import { type Bytes, fromBase64, toBase64Url, utf8 } from './bytes.ts'
import { PushClientError } from './errors.ts'

/** Of one device. They are text, so that they can be kept as JSON. `privateKey` leaves the device never. */
export interface WebPushKeys {
  /** PKCS #8, as base64url. */
  readonly privateKey: string
  /** The public key, as base64url: for the back end. */
  readonly p256dh: string
  /** 16 random bytes, as base64url: for the back end. */
  readonly auth: string
}

const CURVE = { name: 'ECDH', namedCurve: 'P-256' }
/** Section 2.1 of RFC 8188: salt, record size, length of the key id, and the key id, which is the sender's key here. */
const SALT = 16
const KEY = 65
const HEADER = SALT + 4 + 1 + KEY
const TAG = 16

/** Makes the keys of a device. A browser has WebCrypto on `https:` and on localhost only. */
export async function createWebPushKeys(): Promise<WebPushKeys> {
  const { privateKey, publicKey } = await crypto.subtle.generateKey(CURVE, true, ['deriveBits'])
  return {
    privateKey: toBase64Url(await crypto.subtle.exportKey('pkcs8', privateKey)),
    p256dh: toBase64Url(await crypto.subtle.exportKey('raw', publicKey)),
    auth: toBase64Url(crypto.getRandomValues(new Uint8Array(16)).buffer),
  }
}

/**
 * What the sender has encrypted, for example in a push event of a service worker.
 * @param body as it was sent
 * @throws PushClientError DECRYPTION_FAILED: it is for other keys, was changed, or is none of RFC 8291
 */
export async function decryptWebPush(body: Uint8Array, keys: WebPushKeys): Promise<Uint8Array> {
  try {
    return await decrypt(Uint8Array.from(body), keys)
  } catch (cause) {
    throw new PushClientError('DECRYPTION_FAILED', 'the message is not for these keys', { cause })
  }
}

async function decrypt(body: Bytes, keys: WebPushKeys): Promise<Uint8Array> {
  // Section 4 of RFC 8291: one record, that is no longer than the record size.
  const recordSize = new DataView(body.buffer).getUint32(SALT)
  const isWhole = body[HEADER - KEY - 1] === KEY && body.length > HEADER + TAG && body.length - HEADER <= recordSize
  if (!isWhole) throw new RangeError('it is not one record of aes128gcm')
  const senderKey = body.slice(HEADER - KEY, HEADER)
  const ikm = await keyMaterial(senderKey, keys)
  const salt = body.slice(0, SALT)
  const key = await derive(ikm, salt, utf8('Content-Encoding: aes128gcm\0'), 16)
  const iv = await derive(ikm, salt, utf8('Content-Encoding: nonce\0'), 12)
  const aes = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['decrypt'])
  const record = new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, aes, body.slice(HEADER)))
  // Section 2 of RFC 8188: the text, 2 for the last record, and zeros.
  const end = record.findLastIndex((byte) => byte !== 0)
  if (record[end] !== 2) throw new RangeError('its padding is wrong')
  return record.slice(0, end)
}

/** Section 3.4 of RFC 8291. */
async function keyMaterial(senderKey: Bytes, { privateKey, p256dh, auth }: WebPushKeys): Promise<Bytes> {
  const [own, sender] = await Promise.all([
    crypto.subtle.importKey('pkcs8', fromBase64(privateKey), CURVE, false, ['deriveBits']),
    crypto.subtle.importKey('raw', senderKey, CURVE, false, []),
  ])
  const shared = new Uint8Array(await crypto.subtle.deriveBits({ name: 'ECDH', public: sender }, own, 256))
  const info = new Uint8Array([...utf8('WebPush: info\0'), ...fromBase64(p256dh), ...senderKey])
  return await derive(shared, fromBase64(auth), info, 32)
}

/** HKDF with SHA-256, RFC 5869. */
async function derive(ikm: Bytes, salt: Bytes, info: Bytes, length: number): Promise<Bytes> {
  const key = await crypto.subtle.importKey('raw', ikm, 'HKDF', false, ['deriveBits'])
  return new Uint8Array(await crypto.subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt, info }, key, length * 8))
}
