/** Which token ids belong to an account. */
import type { AccountDevice, AccountStore, DeviceNote } from '../contract.ts'
import { asTime } from './entry.ts'
import { tokenIdOf } from './events.ts'
import type { Lanes } from './lanes.ts'
import { ACCOUNT_DEVICES, asNumber, FORGET_DEVICES, NOTE_DEVICE } from './steps.ts'
import { locate, locateAccount } from './token.ts'

interface AccountsOptions {
  readonly lanes: Lanes
  readonly prefix: string
  readonly deviceHoldMs: number
}

/** Of one step: Lua takes only so many arguments. */
const FORGOTTEN = 500
const MOST = 2 ** 48

export class Accounts implements AccountStore {
  readonly #options: AccountsOptions

  constructor(options: AccountsOptions) {
    this.#options = options
  }

  async noteDevice({ accountMark, tokenId, epochs, expiresAt, most }: DeviceNote): Promise<boolean> {
    const { lanes, prefix, deviceHoldMs } = this.#options
    const { id } = locate(prefix, tokenId)
    const ends = asTime(expiresAt + deviceHoldMs)
    const told = [accountMark, id, ...epochs, ends, Math.min(most, MOST)]
    return (await lanes.run(NOTE_DEVICE, locateAccount(prefix, accountMark), ...told))[0] === true
  }

  async accountDevices(accountMark: string): Promise<readonly AccountDevice[]> {
    const { lanes, prefix } = this.#options
    const flat = await lanes.run(ACCOUNT_DEVICES, locateAccount(prefix, accountMark), accountMark)
    const devices: AccountDevice[] = []
    for (let at = 0; at + 3 < flat.length; at += 4) {
      const epochs = [asNumber(flat[at + 2]), asNumber(flat[at + 3])] as const
      devices.push({ tokenId: tokenIdOf(flat[at]), stamp: asNumber(flat[at + 1]), epochs })
    }
    return devices
  }

  async forgetDevices(
    accountMark: string,
    devices: readonly Pick<AccountDevice, 'tokenId' | 'stamp'>[],
  ): Promise<void> {
    const { lanes, prefix } = this.#options
    const base = locateAccount(prefix, accountMark)
    const steps: Promise<unknown>[] = []
    for (let from = 0; from < devices.length; from += FORGOTTEN) {
      const some = devices.slice(from, from + FORGOTTEN)
      const told = some.flatMap(({ tokenId, stamp }) => [locate(prefix, tokenId).id, stamp])
      steps.push(lanes.run(FORGET_DEVICES, base, accountMark, ...told))
    }
    await Promise.all(steps)
  }
}
