/**
 * Password files of Mosquitto (`mosquitto_passwd`): a line a user, `name:$7$<iterations>$<salt>$<hash>` (PBKDF2 with
 * HMAC-SHA-512, the default since 2.0) or `name:$6$<salt>$<hash>` (SHA-512 of password and salt).
 */
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

const derive = promisify(pbkdf2)

/** No more work for one CONNECT, whatever the file asks for: about half a second. */
const MOST_ITERATIONS = 1_000_000
const HASH_BYTES = 64

interface Hashed {
  /** 0: one round of SHA-512. */
  readonly iterations: number
  readonly salt: Buffer
  readonly hash: Buffer
}

/** In a file without users. */
const NOBODY: Hashed = { iterations: 101, salt: Buffer.alloc(12), hash: Buffer.alloc(HASH_BYTES) }

export class PasswordFileError extends Error {
  constructor(line: number, problem: string) {
    super(`line ${line} ${problem}`)
    this.name = 'PasswordFileError'
  }
}

export class Passwords {
  readonly #users: ReadonlyMap<string, Hashed>
  readonly #hashes: readonly Hashed[]
  readonly #secret = randomBytes(32)

  /** @throws PasswordFileError naming the line */
  constructor(text: string) {
    this.#users = new Map(
      text.split(/\r?\n/).flatMap((line, index) => (line.trim() === '' ? [] : [parseLine(line, index + 1)])),
    )
    this.#hashes = [...this.#users.values()]
  }

  get size(): number {
    return this.#users.size
  }

  has(username: string): boolean {
    return this.#users.has(username)
  }

  /** How often the password of this name is hashed; known or not, so that it tells nobody which names exist. */
  iterationsOf(username: string): number {
    return this.#hashedOf(username).iterations
  }

  /** For an unknown name that of a known user, always the same one: it does not fit, but costs as much. */
  #hashedOf(username: string): Hashed {
    const known = this.#users.get(username)
    if (known !== undefined) return known
    const mark = createHmac('sha256', this.#secret).update(username).digest().readUInt32BE(0)
    return this.#hashes[mark % this.#hashes.length] ?? NOBODY
  }

  async fit(username: string, password: Uint8Array): Promise<boolean> {
    const { iterations, salt, hash } = this.#hashedOf(username)
    const given =
      iterations === 0
        ? createHash('sha512').update(password).update(salt).digest()
        : await derive(password, salt, iterations, HASH_BYTES, 'sha512')
    return timingSafeEqual(given, hash) && this.#users.has(username)
  }
}

function parseLine(line: string, number: number): [username: string, hashed: Hashed] {
  const colon = line.indexOf(':')
  if (colon < 1) throw new PasswordFileError(number, 'is not a user name, a colon and a hash')
  const [empty, type, ...rest] = line
    .slice(colon + 1)
    .trimEnd()
    .split('$')
  if (empty !== '' || (type !== '6' && type !== '7')) {
    throw new PasswordFileError(number, 'has no hash of mosquitto_passwd: make it with `mosquitto_passwd -U`')
  }
  const iterations = type === '7' ? Number(rest.shift()) : 0
  if (type === '7' && !(Number.isInteger(iterations) && iterations >= 1 && iterations <= MOST_ITERATIONS)) {
    throw new PasswordFileError(number, `needs 1 to ${MOST_ITERATIONS} iterations`)
  }
  const [salt, hash, ...more] = rest.map((part) => Buffer.from(part, 'base64'))
  if (salt === undefined || hash === undefined || more.length > 0 || hash.byteLength !== HASH_BYTES) {
    throw new PasswordFileError(number, 'has a salt or a hash that is cut off')
  }
  return [line.slice(0, colon), { iterations, salt, hash }]
}
