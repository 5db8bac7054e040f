/**
 * The signing keys of message tokens, shared by all nodes: a table with a copy in every process. A process never
 * forgets a key it has known, so that an unavailable store logs nobody out, and a store that lost its rows gets them
 * back.
 */
import { randomBytes } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import {
  ALGORITHMS,
  decodeSigningKey,
  encodeSigningKey,
  existingKey,
  LiveRing,
  makeKeyAside,
  secretKeys,
  type Algorithm,
  type Secrets,
  type SigningKey,
  type SigningKeyInfo,
} from '../../auth/index.ts'
import { PushError } from '../../errors.ts'
import type { Store } from '../../store/contract.ts'
import { TableCopy } from '../../store/table-copy.ts'

export const SIGNING_TABLE = 'signing'
/** Others may keep the public keys so long, seconds. */
export const KEYS_MAX_AGE = 300

interface SigningKeysOptions {
  readonly store: Store
  /** They hold the first key of each algorithm, on which all nodes agree. */
  readonly secrets: Secrets
  /** Algorithm of the keys that sign. */
  readonly algorithm: Algorithm
  readonly logger: Pick<FastifyBaseLogger, 'debug' | 'warn' | 'error'>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number
}

export interface Rotation {
  /** Default: the one that signs here. */
  readonly algorithm?: Algorithm | undefined
  /** Who verifies with the public keys may not know it yet. */
  readonly now?: boolean | undefined
}

/** A clock of another node may be ahead by so much, ms. */
const SKEW_MS = 60_000
/** From its publication until a key signs, ms. */
const PUBLISHED_MS = KEYS_MAX_AGE * 1000 + SKEW_MS
/** All nodes know it then, ms. */
const SETTLED_MS = 1_000
/** Between two looks whether the store has all that is known here, ms. */
const KEEP_MS = 1_000
/** More would make the set of public keys long, and are nobody's rotation. */
const MOST_KEYS = 32
/** Others may change a key at the same time; who does not come to it is told to try again. */
const TRIES = 10

export class SigningKeys {
  readonly ring: LiveRing
  readonly #options: SigningKeysOptions
  readonly #copy: TableCopy<SigningKey>
  /** Of which the store has something that cannot be what is known here. */
  readonly #differing = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #isKeeping = false

  private constructor(options: SigningKeysOptions) {
    this.#options = options
    this.ring = new LiveRing(options)
    this.#copy = new TableCopy({
      ...options,
      table: SIGNING_TABLE,
      decode: decodeSigningKey,
      changed: (_kid, key) => this.#heard(key),
      failed: (error) => this.#failed(error),
    })
  }

  /** @throws STORE_UNAVAILABLE */
  static async open(options: SigningKeysOptions): Promise<SigningKeys> {
    const keys = new SigningKeys(options)
    try {
      await keys.#copy.open()
      await keys.#takeSecrets()
      await keys.#makeOwn()
    } catch (error) {
      keys.#copy.close()
      throw error
    }
    keys.#timer = setInterval(() => {
      keys.#keep().catch((error: unknown) => keys.#failed(error))
    }, KEEP_MS).unref()
    return keys
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#copy.close()
  }

  get warnings(): readonly string[] {
    return Array.from(
      this.#differing,
      (kid) =>
        `The store holds another signing key ${kid} than this node uses, so that nodes differ: restart them all.`,
    )
  }

  /**
   * A new key, which others can see before it signs.
   * @throws SIGNING_KEYS_LIMIT, STORE_UNAVAILABLE
   */
  async rotate({ algorithm = this.#options.algorithm, now: isUrgent = false }: Rotation): Promise<SigningKeyInfo> {
    await this.#copy.refresh()
    if ([...this.ring.keys()].length >= MOST_KEYS) throw new PushError('SIGNING_KEYS_LIMIT')
    const key = await makeKeyAside(algorithm, randomBytes)
    const now = this.#options.now()
    const made = {
      kid: key.kid,
      algorithm,
      key,
      createdAt: now,
      signsFrom: now + (isUrgent ? SETTLED_MS : PUBLISHED_MS),
    }
    await this.#add(made)
    return this.ring.infoOf(made)
  }

  /**
   * It verifies no more: here at once, on every node within a second. Whoever it was retired by.
   * @throws KEY_UNKNOWN, SIGNING_KEY_IN_USE, STORE_UNAVAILABLE
   */
  async retire(kid: string): Promise<SigningKeyInfo> {
    const { store, now } = this.#options
    for (let tries = 0; tries < TRIES; tries++) {
      await this.#copy.refresh()
      const known = this.ring.known.get(kid)
      const row = known && (await store.readRow(SIGNING_TABLE, kid))
      if (known === undefined || row === undefined) throw new PushError('KEY_UNKNOWN')
      if (known.retiredAt !== undefined) return this.ring.infoOf(known)
      if (!this.ring.canGo(kid, SETTLED_MS)) throw new PushError('SIGNING_KEY_IN_USE')
      const { algorithm, createdAt, signsFrom } = known
      const retired = { kid, algorithm, createdAt, signsFrom, retiredAt: now() }
      const value = encodeSigningKey(retired)
      const version = await store.writeRow({ table: SIGNING_TABLE, key: kid, value, expected: row.version })
      if (version === undefined) continue
      await this.#copy.refresh()
      return this.ring.infoOf(retired)
    }
    throw new PushError('STORE_UNAVAILABLE', 'others are changing this key at the same time')
  }

  /** Of an installation of before there was a table, and of one that begins. Each node has them, should Redis lose them. */
  async #takeSecrets(): Promise<void> {
    const { secrets, algorithm } = this.#options
    const found = this.ring.hasOwn
      ? await Promise.all(ALGORITHMS.map((each) => existingKey(secrets, each)))
      : await secretKeys(secrets, algorithm, randomBytes)
    for (const key of found) {
      if (key === undefined || this.ring.known.has(key.kid)) continue
      await this.#add({ ...this.#beginning(key.algorithm), kid: key.kid, algorithm: key.algorithm, key })
    }
  }

  /** The one of the secrets may have been retired. */
  async #makeOwn(): Promise<void> {
    const { algorithm } = this.#options
    if (this.ring.hasOwn) return
    const key = await makeKeyAside(algorithm, randomBytes)
    await this.#add({ ...this.#beginning(algorithm), kid: key.kid, algorithm, key })
  }

  /** Whoever verifies with public keys has those of before; where there are none, nobody waits. */
  #beginning(algorithm: Algorithm): Pick<SigningKey, 'createdAt' | 'signsFrom'> {
    const createdAt = this.#options.now()
    const isAwaited = algorithm !== 'HS256' && [...this.ring.keys()].some((key) => key.algorithm !== 'HS256')
    return { createdAt, signsFrom: createdAt + (isAwaited ? PUBLISHED_MS : 0) }
  }

  /** The copy has it when it resolves, or what another node has written in its place. */
  async #add(key: SigningKey): Promise<void> {
    // Without another one, a key that leaked cannot go.
    const write = { table: SIGNING_TABLE, key: key.kid, value: encodeSigningKey(key), expected: 0, isUrgent: true }
    await this.#options.store.writeRow(write)
    await this.#copy.refresh()
  }

  /** Must not throw. */
  #heard(key: SigningKey | undefined): void {
    // It is lost: nobody removes a row.
    if (key === undefined) return
    try {
      if (this.ring.learn(key)) this.#differing.delete(key.kid)
      else this.#differs(key.kid)
    } catch (error) {
      this.#failed(error)
    }
  }

  #differs(kid: string): void {
    if (this.#differing.has(kid)) return
    this.#differing.add(kid)
    this.#options.logger.error(
      { kid },
      'the store holds a different signing key under the same id as one in use; keeping the one in use',
    )
  }

  /** What the store has lost is written again. */
  async #keep(): Promise<void> {
    if (this.#isKeeping || !this.#copy.isFresh) return
    this.#isKeeping = true
    try {
      for (const known of this.ring.known.values()) await this.#putBack(known)
      await this.#makeOwn()
    } finally {
      this.#isKeeping = false
    }
  }

  async #putBack(known: SigningKey): Promise<void> {
    const { store, logger } = this.#options
    const { kid } = known
    if (this.#differing.has(kid) || hasAll(this.#copy.get(kid), known)) return
    const row = await store.readRow(SIGNING_TABLE, kid)
    const there = row && decodeSigningKey(kid, row.value)
    if (hasAll(there, known)) return
    if (row !== undefined && there === undefined) return this.#differs(kid)
    const write = { table: SIGNING_TABLE, key: kid, value: encodeSigningKey(known), expected: row?.version ?? 0 }
    if ((await store.writeRow(write)) !== undefined)
      logger.error({ kid }, 'the store lost a signing key or its retirement; wrote it back')
  }

  #failed(error: unknown): void {
    const isAway = error instanceof PushError && error.code === 'STORE_UNAVAILABLE'
    // That the store is unavailable is said by others, and once.
    this.#options.logger[isAway ? 'debug' : 'warn']({ err: error }, 'could not follow the signing keys')
  }
}

/** That it is there, and that it was retired. */
function hasAll(there: SigningKey | undefined, known: SigningKey): boolean {
  return there !== undefined && (known.retiredAt === undefined || there.retiredAt !== undefined)
}
