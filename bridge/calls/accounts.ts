/**
 * The devices of an account: an index that is written before a token is returned, and corrected when it turns out
 * wrong.
 */
import { LRUCache } from 'lru-cache'
import { PushError } from '../../errors.ts'
import type { AccountDevice, Store } from '../../store/contract.ts'
import { refusalOf } from '../../store/honoured.ts'
import type { Revocations } from '../../store/revocations.ts'
import type { Device, Epochs } from '../../topics/index.ts'

interface AccountsContext {
  readonly store: Pick<Store, 'noteDevice' | 'accountDevices' | 'forgetDevices' | 'lookupToken'>
  readonly revocations: Pick<Revocations, 'fresh' | 'refresh' | 'isRevoked'>
  /** Devices of one account. */
  readonly most: number
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number
}

interface Look {
  readonly at: number
  readonly done: Promise<void>
}

/**
 * A full account is checked again after this time, or after a revocation here, because it means a check of each device,
 * ms.
 */
const LOOK_MS = 5_000
const LOOKS = 10_000

export interface DeviceNote {
  readonly accountMark: string
  readonly tokenId: string
  readonly epochs: Epochs
  readonly expiresAt: number
}

export class Accounts {
  readonly #context: AccountsContext
  readonly #looks = new LRUCache<string, Look>({ max: LOOKS })

  constructor(context: AccountsContext) {
    this.#context = context
  }

  /** @throws ACCOUNT_FULL, STORE_UNAVAILABLE */
  async note(note: DeviceNote): Promise<void> {
    if (note.accountMark === '') return
    const { store, most } = this.#context
    if (await store.noteDevice({ ...note, most })) return
    await this.#look(note.accountMark)
    if (!(await store.noteDevice({ ...note, most }))) throw new PushError('ACCOUNT_FULL')
  }

  /** Devices were logged out: there may be room in accounts that were full. */
  roomMade(): void {
    this.#looks.clear()
  }

  /** `isRevoked` knows what was revoked before the call, on whichever node. @throws STORE_UNAVAILABLE */
  async refresh(): Promise<void> {
    await this.#context.revocations.refresh()
  }

  isRevoked(device: Pick<Device, 'app' | 'accountMark' | 'epochs'>): boolean {
    return this.#context.revocations.isRevoked(device)
  }

  /**
   * The noted devices; an append finds out which are still logged in.
   * @throws STORE_UNAVAILABLE
   */
  async devicesOf(app: string, accountMark: string): Promise<readonly AccountDevice[]> {
    const { store, revocations } = this.#context
    await revocations.fresh()
    const noted = await store.accountDevices(accountMark)
    return noted.filter(({ epochs }) => !revocations.isRevoked({ app, accountMark, epochs }))
  }

  /**
   * Removes devices that are no longer logged in as they were noted. A device that was noted again since stays.
   * @throws STORE_UNAVAILABLE
   */
  async forget(accountMark: string, devices: readonly AccountDevice[]): Promise<void> {
    if (devices.length > 0) await this.#context.store.forgetDevices(accountMark, devices)
  }

  /** A caller that comes too soon after another one shares its result. */
  async #look(accountMark: string): Promise<void> {
    const now = this.#context.monotonic()
    let look = this.#looks.get(accountMark)
    if (look === undefined || now - look.at >= LOOK_MS) {
      look = { at: now, done: this.#prune(accountMark) }
      this.#looks.set(accountMark, look)
      look.done.catch(() => this.#looks.delete(accountMark))
    }
    await look.done
  }

  async #prune(accountMark: string): Promise<void> {
    const { store } = this.#context
    const noted = await store.accountDevices(accountMark)
    const records = await Promise.all(noted.map(({ tokenId }) => store.lookupToken(tokenId)))
    await this.forget(
      accountMark,
      noted.filter(({ epochs }, position) => {
        const record = records[position]
        if (record === undefined || refusalOf(record, record.generation) !== undefined) return true
        return this.isRevoked({ app: record.app, accountMark, epochs })
      }),
    )
  }
}
