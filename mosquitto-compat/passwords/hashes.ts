/**
 * Hashes of `mosquitto_passwd`: `$7$<iterations>$<salt>$<hash>` (PBKDF2 with HMAC-SHA-512), `$6$<salt>$<hash>` (SHA-512 of
 * password and salt), `$argon2id$v=19$m=<KiB>,t=<passes>,p=<lanes>$<salt>$<hash>`.
 */
import { createHash, pbkdf2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

export interface Argon2Parameters {
  readonly memoryKiB: number
  readonly passes: number
  readonly lanes: number
}

interface Salted {
  readonly salt: Buffer
  readonly hash: Buffer
}

export type Hashed = Salted &
  (
    | { readonly kind: 'sha512' }
    | { readonly kind: 'pbkdf2'; readonly iterations: number }
    | ({ readonly kind: 'argon2id' } & Argon2Parameters)
  )

/** A hash that cannot be used; the message says why, as the rest of a sentence that names the line. */
export class HashError extends Error {}

export interface Argon2 {
  /** The hash of `length` bytes. */
  hash(password: Uint8Array, salt: Uint8Array, length: number, parameters: Argon2Parameters): Promise<Uint8Array>
}

const derive = promisify(pbkdf2)

const SHA512_BYTES = 64
/** No more work for one CONNECT, whatever the file asks for: about a second. */
const MOST_ITERATIONS = 1_000_000
const MOST_MEMORY_KIB = 512 * 1024
/** KiB times passes. */
const MOST_ARGON2_WORK = 1024 * 1024
const MOST_LANES = 64
/** What Argon2 asks for. */
const LEAST_ARGON2_SALT = 8
const LEAST_ARGON2_HASH = 4
const MOST_ARGON2_HASH = 1_024

/** @throws HashError */
export function parseHash(text: string): Hashed {
  const [empty, type, ...rest] = text.split('$')
  if (empty === '' && type === '7') return pbkdf2Of(rest)
  if (empty === '' && type === '6') return { kind: 'sha512', ...sha512Of(rest) }
  if (empty === '' && type === 'argon2id') return argon2Of(rest)
  throw new HashError('has no hash of mosquitto_passwd: make it with `mosquitto_passwd -U`')
}

function pbkdf2Of([iterationsText = '', ...rest]: readonly string[]): Hashed {
  const iterations = wholeOf(iterationsText)
  if (!(iterations >= 1 && iterations <= MOST_ITERATIONS))
    throw new HashError(`needs 1 to ${MOST_ITERATIONS} iterations`)
  return { kind: 'pbkdf2', iterations, ...sha512Of(rest) }
}

function sha512Of(parts: readonly string[]): Salted {
  const [salt, hash, ...more] = parts.map(decode)
  const isWhole = salt !== undefined && salt.byteLength > 0 && hash?.byteLength === SHA512_BYTES && more.length === 0
  if (!isWhole) throw cutOff()
  return { salt, hash }
}

function argon2Of([version = '', settings = '', ...parts]: readonly string[]): Hashed {
  if (version !== 'v=19') throw new HashError('has an Argon2 hash of another version than 19 (1.3)')
  const [, memory = '', passText = '', laneText = ''] = /^m=(\d+),t=(\d+),p=(\d+)$/.exec(settings) ?? []
  const [memoryKiB, passes, lanes] = [wholeOf(memory), wholeOf(passText), wholeOf(laneText)]
  const isAllowed = lanes >= 1 && lanes <= MOST_LANES && passes >= 1 && memoryKiB >= 8 * lanes
  if (!isAllowed || memoryKiB > MOST_MEMORY_KIB || memoryKiB * passes > MOST_ARGON2_WORK)
    throw new HashError(
      `needs Argon2 settings m=,t=,p= with m at most ${MOST_MEMORY_KIB}, m times t at most ${MOST_ARGON2_WORK} and p at most ${MOST_LANES}`,
    )
  const [salt, hash, ...more] = parts.map(decode)
  if (salt === undefined || hash === undefined || more.length > 0 || salt.byteLength < LEAST_ARGON2_SALT) throw cutOff()
  if (hash.byteLength < LEAST_ARGON2_HASH || hash.byteLength > MOST_ARGON2_HASH) throw cutOff()
  return { kind: 'argon2id', memoryKiB, passes, lanes, salt, hash }
}

/** Empty where it is not Base64, which is too short for anything here. */
function decode(part: string): Buffer {
  return Buffer.from(/^[A-Za-z0-9+/]+={0,2}$/.test(part) ? part : '', 'base64')
}

function cutOff(): HashError {
  return new HashError('has a salt or a hash that is cut off or no Base64')
}

function wholeOf(text: string): number {
  return /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
}

/** Hashes with the same take the same time. */
export function costOf(hashed: Hashed): string {
  switch (hashed.kind) {
    case 'sha512':
      return 'sha512'
    case 'pbkdf2':
      return `pbkdf2 ${hashed.iterations}`
    case 'argon2id':
      return `argon2id ${hashed.memoryKiB} ${hashed.passes} ${hashed.lanes}`
  }
}

export async function hashFits(hashed: Hashed, password: Uint8Array, argon2: Argon2): Promise<boolean> {
  return timingSafeEqual(await hashOf(hashed, password, argon2), hashed.hash)
}

async function hashOf(hashed: Hashed, password: Uint8Array, argon2: Argon2): Promise<Uint8Array> {
  const { salt } = hashed
  switch (hashed.kind) {
    case 'sha512':
      return createHash('sha512').update(password).update(salt).digest()
    case 'pbkdf2':
      return await derive(password, salt, hashed.iterations, SHA512_BYTES, 'sha512')
    case 'argon2id':
      return await argon2.hash(password, salt, hashed.hash.byteLength, hashed)
  }
}
