/**
 * Bulk revocations of an app or an account: an epoch for each, which tokens carry. Every process has a copy that is at
 * most a second old, so that a check is a lookup in memory, however many tokens there are.
 */
import { PushError } from '../errors.ts'
import type { Device, Epochs } from '../topics/index.ts'
import { TableCopy, type FollowedStore } from './table-copy.ts'
import type { TableRow, TableStore } from './tables.ts'

export const EPOCHS_TABLE = 'epochs'

const FORMAT = 1
const ROW_BYTES = 9
const AGAIN_MS = 1_000
/** Of two nodes at once; each loses to another one that got through. */
const ATTEMPTS = 100

type Revoked = (app: string, accountMark: string | undefined) => void

interface RevocationsOptions {
  readonly store: FollowedStore & Pick<TableStore, 'writeRow' | 'readRow'>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number
  /** After this time, no token, hold or account index from before a revocation is left, ms. */
  readonly keepMs: number
  /** Accounts of one app. */
  readonly most: number
  readonly failed: (error: unknown) => void
}

type Marked = Pick<Device, 'app' | 'accountMark' | 'epochs'>

export class Revocations {
  readonly #options: RevocationsOptions
  readonly #copy: TableCopy<number>
  /** The latest that was heard of each, also while the store has lost it: an epoch never goes back before its row ends. */
  readonly #latest = new Map<string, number>()
  /** Accounts of each app. */
  readonly #counts = new Map<string, number>()
  readonly #listeners = new Set<Revoked>()
  /** Of which the store has less than was heard here. */
  readonly #lost = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(options: RevocationsOptions) {
    const { store, now, monotonic, failed } = options
    this.#options = options
    this.#copy = new TableCopy({
      store,
      table: EPOCHS_TABLE,
      decode: (_, value) => decodeEpoch(value),
      now,
      monotonic,
      failed,
      changed: (key, epoch, previous) => this.#changed(key, epoch, previous),
    })
  }

  /** @throws STORE_UNAVAILABLE */
  async open(): Promise<void> {
    await this.#copy.open()
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#copy.close()
  }

  /**
   * What to await before a check is one of what was so a second ago, if anything.
   * @throws STORE_UNAVAILABLE (rejects)
   */
  fresh(): Promise<void> | undefined {
    return this.#copy.fresh()
  }

  /** Knows what was revoked before the call, on whichever node. @throws STORE_UNAVAILABLE */
  async refresh(): Promise<void> {
    await this.#copy.refresh()
  }

  epochsOf(app: string, accountMark: string): Epochs {
    const ofAccount = accountMark === '' ? undefined : this.#latest.get(keyOf(app, accountMark))
    return [this.#latest.get(app) ?? 0, ofAccount ?? 0]
  }

  isRevoked({ app, accountMark, epochs }: Marked): boolean {
    const [ofApp, ofAccount] = this.epochsOf(app, accountMark)
    return epochs[0] < ofApp || epochs[1] < ofAccount
  }

  /** @throws TOKEN_REVOKED, STORE_UNAVAILABLE */
  async check(device: Marked): Promise<void> {
    await this.fresh()
    if (this.isRevoked(device)) throw new PushError('TOKEN_REVOKED')
  }

  /**
   * Everything that was issued for the app, or for one account of it, is refused from now on: here at once, and on every
   * other node within a second.
   * @throws REVOCATIONS_LIMIT, STORE_UNAVAILABLE
   */
  async revoke(app: string, accountMark?: string): Promise<void> {
    const key = keyOf(app, accountMark)
    const { store, now, keepMs, most } = this.#options
    const isNew = accountMark !== undefined && !this.#latest.has(key)
    if (isNew && (this.#counts.get(app) ?? 0) >= most) throw new PushError('REVOCATIONS_LIMIT')
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const row = await store.readRow(EPOCHS_TABLE, key)
      const known = Math.max(epochOf(row), this.#latest.get(key) ?? 0)
      const value = encodeEpoch(Math.max(Math.floor(now()), known + 1))
      const expected = row?.version ?? 0
      const written = { table: EPOCHS_TABLE, key, value, expiresAt: now() + keepMs, expected, isUrgent: true }
      if ((await store.writeRow(written)) !== undefined) return await this.#copy.refresh()
    }
    throw new PushError('STORE_UNAVAILABLE', 'too many revocations of the same app or account at once')
  }

  /** Hears of each revocation, of any node. Returns how to stop. */
  onRevoked(listener: Revoked): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Nothing but its end takes a row away or moves it back: otherwise the store has lost something, and gets it again. */
  #changed(key: string, epoch: number | undefined, previous: number | undefined): void {
    const latest = this.#latest.get(key) ?? 0
    if (epoch === undefined && previous === undefined) this.#forget(key)
    else if ((epoch ?? 0) < latest) this.#putBackSoon(key)
    else if (epoch !== undefined && epoch > latest) this.#heard(key, epoch)
  }

  #forget(key: string): void {
    const [app = '', accountMark] = key.split('/')
    if (this.#latest.delete(key) && accountMark !== undefined) this.#count(app, -1)
  }

  #count(app: string, change: number): void {
    const count = (this.#counts.get(app) ?? 0) + change
    if (count === 0) this.#counts.delete(app)
    else this.#counts.set(app, count)
  }

  #heard(key: string, epoch: number): void {
    const [app = '', accountMark] = key.split('/')
    if (accountMark !== undefined && !this.#latest.has(key)) this.#count(app, 1)
    this.#latest.set(key, epoch)
    for (const listener of this.#listeners) listener(app, accountMark)
  }

  #putBackSoon(key: string): void {
    this.#lost.add(key)
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      const keys = [...this.#lost]
      this.#lost.clear()
      for (const lost of keys)
        this.#putBack(lost).catch((error: unknown) => {
          this.#options.failed(error)
          if (!this.#isClosed) this.#putBackSoon(lost)
        })
    }, AGAIN_MS).unref()
  }

  async #putBack(key: string): Promise<void> {
    const { store, now, keepMs } = this.#options
    const row = await store.readRow(EPOCHS_TABLE, key)
    const epoch = this.#latest.get(key) ?? 0
    // One of a later version stays.
    if (row !== undefined && (decodeEpoch(row.value) ?? Infinity) >= epoch) return
    const written = { table: EPOCHS_TABLE, key, value: encodeEpoch(epoch), expiresAt: now() + keepMs, isUrgent: true }
    // Where somebody else was faster, its change is heard.
    await store.writeRow({ ...written, expected: row?.version ?? 0 })
  }
}

/** Of two rows for the same, the one that revokes more. */
export function laterEpoch(one: Uint8Array, other: Uint8Array): Uint8Array {
  return (decodeEpoch(other) ?? 0) > (decodeEpoch(one) ?? 0) ? other : one
}

function keyOf(app: string, accountMark: string | undefined): string {
  return accountMark === undefined ? app : `${app}/${accountMark}`
}

function encodeEpoch(epoch: number): Uint8Array {
  const bytes = Buffer.alloc(ROW_BYTES)
  bytes.writeUInt8(FORMAT)
  bytes.writeDoubleBE(epoch, 1)
  return bytes
}

function epochOf(row: TableRow | undefined): number {
  return row === undefined ? 0 : (decodeEpoch(row.value) ?? 0)
}

function decodeEpoch(bytes: Uint8Array): number | undefined {
  if (bytes.byteLength !== ROW_BYTES || bytes[0] !== FORMAT) return undefined
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).readDoubleBE(1)
}
