/**
 * Mosquitto's password file: one line per user, `name:hash`. Lines that start with `#` or have no colon are skipped.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { argon2Here } from './argon2.ts'
import { type Argon2, costOf, HashError, hashFits, type Hashed, parseHash } from './hashes.ts'

/** In a file without users: like `mosquitto_passwd` of Mosquitto 2.1 makes them. */
const NOBODY: Hashed = { kind: 'pbkdf2', iterations: 1_000, salt: Buffer.alloc(64), hash: Buffer.alloc(64) }
/** A provider that shows its key connects by this name: no user may have it. */
export const RESERVED_NAME = 'provider'
const MOST_NAME_BYTES = 65_535

export class PasswordFileError extends Error {
  readonly line: number
  /** The hash is what is wrong, and the rest of the line is not. */
  readonly isHash: boolean

  constructor(line: number, problem: string, isHash = false) {
    super(`line ${line} ${problem}`)
    this.name = 'PasswordFileError'
    this.line = line
    this.isHash = isHash
  }
}

interface Entry {
  readonly hashed: Hashed
  /** As it stands in the file. */
  readonly text: string
}

interface CostClass {
  readonly cost: string
  readonly example: Hashed
  users: number
}

/** What is kept of a password that fitted: nobody can tell the password by it without the key, which stays in memory. */
type Mark = string

export class Passwords {
  readonly #users: ReadonlyMap<string, Entry>
  readonly #classes: readonly CostClass[]
  readonly #argon2: Argon2
  #secret = randomBytes(32)
  /** By user: of the password that has fitted. It need not be hashed again, so that it waits behind no guesses. */
  #marks = new Map<string, Mark>()

  /** @throws PasswordFileError naming the line */
  constructor(text: string, argon2: Argon2 = argon2Here()) {
    this.#users = parse(text)
    this.#classes = classesOf(this.#users)
    this.#argon2 = argon2
  }

  get size(): number {
    return this.#users.size
  }

  has(username: string): boolean {
    return this.#users.has(username)
  }

  /** The hash of this user as the file has it; another one whenever its password was set. */
  recordOf(username: string): string | undefined {
    return this.#users.get(username)?.text
  }

  /** What it costs to look at a password of this name; known or not, so that it tells nobody which names exist. */
  costOf(username: string): string {
    return costOf(this.#hashedOf(username))
  }

  /** True: it is the password that has fitted before. False: it must be looked at by `fit`. */
  isKnown(username: string, password: Uint8Array): boolean {
    return this.#marks.get(username) === this.#markOf(username, password)
  }

  async fit(username: string, password: Uint8Array): Promise<boolean> {
    const hashed = this.#hashedOf(username)
    const mark = this.#markOf(username, password)
    const isRight = (await hashFits(hashed, password, this.#argon2)) && this.#users.has(username)
    if (isRight) this.#marks.set(username, mark)
    return isRight
  }

  /** Takes over from the file as it was before: unknown names cost as they did, and what fitted still does where it is unchanged. */
  follow(before: Passwords): void {
    this.#secret = before.#secret
    this.#marks = new Map(
      [...before.#marks].filter(([username]) => this.recordOf(username) === before.recordOf(username)),
    )
  }

  #markOf(username: string, password: Uint8Array): Mark {
    return createHmac('sha256', this.#secret)
      .update(`password ${Buffer.byteLength(username)} ${username}`)
      .update(password)
      .digest('base64')
  }

  /** For an unknown name that of a known user: it does not fit, but costs as much, always the same for the same name. */
  #hashedOf(username: string): Hashed {
    const known = this.#users.get(username)
    if (known !== undefined) return known.hashed
    const mark = createHmac('sha256', this.#secret).update(`name ${username}`).digest().readUInt32BE(0)
    // By how many users each cost has, so that one more user changes what few names cost.
    let at = Math.floor((mark / 2 ** 32) * this.#users.size)
    for (const { users, example } of this.#classes) {
      if (at < users) return example
      at -= users
    }
    return NOBODY
  }
}

function classesOf(users: ReadonlyMap<string, Entry>): CostClass[] {
  const classes = new Map<string, CostClass>()
  for (const { hashed } of users.values()) {
    const cost = costOf(hashed)
    const known = classes.get(cost)
    if (known === undefined) classes.set(cost, { cost, example: hashed, users: 1 })
    else known.users++
  }
  return [...classes.values()].sort((a, b) => (a.cost < b.cost ? -1 : 1))
}

function parse(text: string): Map<string, Entry> {
  const users = new Map<string, Entry>()
  for (const [index, line] of text.split('\n').entries()) {
    const number = index + 1
    if (line.startsWith('#') || !line.includes(':')) continue
    // What follows a second colon is not looked at, as Mosquitto does.
    const [name = '', hash = ''] = line.split(':').map((part) => part.trim())
    if (name === '') throw new PasswordFileError(number, 'has no user name before the colon')
    if (Buffer.byteLength(name) > MOST_NAME_BYTES)
      throw new PasswordFileError(number, 'has a user name that is too long')
    if (name === RESERVED_NAME)
      throw new PasswordFileError(
        number,
        'has the user name `provider`, which is for provider keys; choose another one',
      )
    if (users.has(name)) throw new PasswordFileError(number, `names a user that an earlier line has`)
    if (hash === '')
      throw new PasswordFileError(number, 'has no hash after the colon: make one with `mosquitto_passwd`', true)
    users.set(name, { hashed: hashedOf(hash, number), text: hash })
  }
  return users
}

function hashedOf(text: string, line: number): Hashed {
  try {
    return parseHash(text)
  } catch (error) {
    if (error instanceof HashError) throw new PasswordFileError(line, error.message, true)
    throw error
  }
}
