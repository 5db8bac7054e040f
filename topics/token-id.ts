import { createHash, createHmac } from 'node:crypto'

/** What a message token is bound to. */
export interface Triple {
  readonly app: string
  readonly device: string
  /** May be empty: not logged in. */
  readonly account: string
}

const TOKEN_ID = /^[A-Za-z0-9_-]{21}[AQgw]$/
const DEVICE_BYTES = 2
const BYTES = 16
const MARK = /^[A-Za-z0-9_-]{8}$/
const MARK_BYTES = 6

/**
 * The token id of a triple: 16 bytes as 22 characters base64url. The first two bytes are a keyed hash of (app, device),
 * the other 14 of the whole triple: all accounts of one app on one device fall into one partition of the
 * store, where an account switch is one atomic step. Each part goes into the hash with its length, so that no two
 * triples give the same input.
 */
export function tokenId(key: Uint8Array, { app, device, account }: Triple): string {
  const id = Buffer.allocUnsafe(BYTES)
  keyedHash(key, [app, device]).copy(id, 0, 0, DEVICE_BYTES)
  keyedHash(key, [app, device, account]).copy(id, DEVICE_BYTES, 0, BYTES - DEVICE_BYTES)
  return id.toString('base64url')
}

/**
 * Names an account of an app where only "the same one" matters: 22 characters base64url of a keyed hash, of none but
 * ''. With four parts and not three, it is the token id of nobody.
 */
export function accountMark(key: Uint8Array, app: string, account: string): string {
  if (account === '') return ''
  return keyedHash(key, ['account', app, account, '']).subarray(0, BYTES).toString('base64url')
}

export function isTokenId(value: string): boolean {
  return TOKEN_ID.test(value)
}

/**
 * Names an app on a device where only "the same one" matters: 8 characters base64url, the first 6 bytes of a hash of
 * both, the app with its length. Two devices meet by chance once in millions of millions, and only where the keyed bits of
 * their token ids meet too does the store compare them.
 */
export function deviceMark(app: string, device: string): string {
  return createHash('sha256')
    .update(`${Buffer.byteLength(app)}:${app}${device}`)
    .digest()
    .subarray(0, MARK_BYTES)
    .toString('base64url')
}

export function isDeviceMark(value: string): boolean {
  return MARK.test(value)
}

function keyedHash(key: Uint8Array, parts: readonly string[]): Buffer {
  const hash = createHmac('sha256', key)
  for (const part of [String(parts.length), ...parts]) {
    const bytes = Buffer.from(part, 'utf8')
    const length = Buffer.allocUnsafe(4)
    length.writeUInt32BE(bytes.length)
    hash.update(length).update(bytes)
  }
  return hash.digest()
}
