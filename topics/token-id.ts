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
const LENGTH_BYTES = 4

/**
 * The token id of a triple: 16 bytes as 22 characters of base64url. The first two bytes are a keyed hash of (app,
 * device), the other 14 of the whole triple. So all accounts of an app on one device are in one partition of the store,
 * where an account switch is one atomic step. Each part is hashed with its length, so that different triples have
 * different inputs.
 */
export function tokenId(key: Uint8Array, { app, device, account }: Triple): string {
  const id = Buffer.allocUnsafe(BYTES)
  keyedHash(key, [app, device]).copy(id, 0, 0, DEVICE_BYTES)
  keyedHash(key, [app, device, account]).copy(id, DEVICE_BYTES, 0, BYTES - DEVICE_BYTES)
  return id.toString('base64url')
}

/**
 * An opaque name of an account of an app, to compare accounts: 22 characters of base64url of a keyed hash, or '' for no
 * account. It hashes four parts instead of three, so it never equals a token id.
 */
export function accountMark(key: Uint8Array, app: string, account: string): string {
  if (account === '') return ''
  return keyedHash(key, ['account', app, account, '']).subarray(0, BYTES).toString('base64url')
}

export function isTokenId(value: string): boolean {
  return TOKEN_ID.test(value)
}

/**
 * An opaque name of an app on a device, to compare devices: 8 characters of base64url, the first 6 bytes of a hash of
 * both, the app with its length. A collision is one in hundreds of millions of millions, and the store compares marks
 * only if the keyed bits of the token ids are equal too.
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

/** In one piece: each `update` of a hash is a call out of JavaScript, and a device that comes back waits for some. */
function keyedHash(key: Uint8Array, parts: readonly string[]): Buffer {
  const all = [String(parts.length), ...parts]
  const size = all.reduce((sum, part) => sum + LENGTH_BYTES + Buffer.byteLength(part, 'utf8'), 0)
  const bytes = Buffer.allocUnsafe(size)
  let at = 0
  for (const part of all) {
    const length = bytes.write(part, at + LENGTH_BYTES, 'utf8')
    at = bytes.writeUInt32BE(length, at) + length
  }
  return createHmac('sha256', key).update(bytes).digest()
}
