/** Which devices an account is logged in on: an index, which is written before a token is answered, and pruned when it is found wrong. */
import { PushError } from '../../errors.ts'
import type { AccountDevice, Store } from '../../store/contract.ts'
import { refusalOf } from '../../store/honoured.ts'
import type { Revocations } from '../../store/revocations.ts'
import type { Device, Epochs } from '../../topics/index.ts'

interface AccountsContext {
  readonly store: Pick<Store, 'noteDevice' | 'accountDevices' | 'forgetDevices' | 'lookupToken'>
  readonly revocations: Pick<Revocations, 'fresh' | 'isRevoked'>
  /** Devices of one account. */
  readonly most: number
}

export interface DeviceNote {
  readonly accountMark: string
  readonly tokenId: string
  readonly epochs: Epochs
  readonly expiresAt: number
}

export class Accounts {
  readonly #context: AccountsContext

  constructor(context: AccountsContext) {
    this.#context = context
  }

  /** @throws ACCOUNT_FULL, STORE_UNAVAILABLE */
  async note(note: DeviceNote): Promise<void> {
    if (note.accountMark === '') return
    const { store, most } = this.#context
    if (await store.noteDevice({ ...note, most })) return
    await this.#prune(note.accountMark)
    if (!(await store.noteDevice({ ...note, most }))) throw new PushError('ACCOUNT_FULL')
  }

  isRevoked(device: Pick<Device, 'app' | 'accountMark' | 'epochs'>): boolean {
    return this.#context.revocations.isRevoked(device)
  }

  /**
   * Those that were noted; an append finds out which are still logged in.
   * @throws STORE_UNAVAILABLE
   */
  async devicesOf(app: string, accountMark: string): Promise<readonly AccountDevice[]> {
    const { store, revocations } = this.#context
    await revocations.fresh()
    const noted = await store.accountDevices(accountMark)
    return noted.filter(({ epochs }) => !revocations.isRevoked({ app, accountMark, epochs }))
  }

  /**
   * These are not logged in as they were noted. One that has been noted again since stays.
   * @throws STORE_UNAVAILABLE
   */
  async forget(accountMark: string, devices: readonly AccountDevice[]): Promise<void> {
    if (devices.length > 0) await this.#context.store.forgetDevices(accountMark, devices)
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
