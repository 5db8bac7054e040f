/** The provider keys of the store, as a copy in every process that is at most a second old. */
import type { FastifyBaseLogger } from 'fastify'
import { decodeStoredKey, type StoredKey, type StoredKeys } from '../../auth/index.ts'
import { PushError } from '../../errors.ts'
import type { Store } from '../../store/contract.ts'
import { inOrder } from './cursor.ts'
import { TableCopy } from '../../store/table-copy.ts'

export const KEYS_TABLE = 'keys'

interface KeyCopyOptions {
  readonly store: Store
  readonly logger: Pick<FastifyBaseLogger, 'debug' | 'warn'>
  readonly now: () => number
  readonly monotonic: () => number
}

export class KeyCopy implements StoredKeys {
  readonly #copy: TableCopy<StoredKey>
  /** Made when it is asked for. */
  #byUser: ReadonlyMap<string, StoredKey> | undefined
  #changed: (id: string) => void = () => undefined

  private constructor({ logger, ...options }: KeyCopyOptions) {
    this.#copy = new TableCopy({
      ...options,
      table: KEYS_TABLE,
      decode: decodeStoredKey,
      changed: (id) => {
        this.#byUser = undefined
        this.#changed(id)
      },
      failed(error) {
        const isAway = error instanceof PushError && error.code === 'STORE_UNAVAILABLE'
        // That the store is unavailable is said by others, and once.
        logger[isAway ? 'debug' : 'warn']({ err: error }, 'could not follow the provider keys')
      },
    })
  }

  /** @throws STORE_UNAVAILABLE */
  static async open(options: KeyCopyOptions): Promise<KeyCopy> {
    const keys = new KeyCopy(options)
    await keys.#copy.open()
    return keys
  }

  async close(): Promise<void> {
    this.#copy.close()
  }

  get isFresh(): boolean {
    return this.#copy.isFresh
  }

  find(id: string): StoredKey | undefined {
    return this.#copy.get(id)
  }

  ofUser(user: string): StoredKey | undefined {
    this.#byUser ??= byUser(this.all())
    return this.#byUser.get(user)
  }

  /** In any order. */
  all(): StoredKey[] {
    return Array.from(this.#copy.entries(), ([, key]) => key)
  }

  /** Has what was written before the call. @throws STORE_UNAVAILABLE */
  async refresh(): Promise<void> {
    await this.#copy.refresh()
  }

  /** Who hears that a key is another one, or gone. */
  onChange(listener: (id: string) => void): void {
    this.#changed = listener
  }
}

function byUser(keys: readonly StoredKey[]): Map<string, StoredKey> {
  // The oldest comes last, and stays.
  const newestFirst = keys.toSorted((one, other) => inOrder(other, one))
  return new Map(newestFirst.flatMap((key) => (key.user === undefined ? [] : [[key.user, key]])))
}
