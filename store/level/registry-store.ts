/** The registry of token ids, the index of accounts, and small tables of the embedded engine. */
import type {
  AccountDevice,
  AccountStore,
  DeviceHeld,
  DeviceNote,
  RegisteredToken,
  Registering,
  RegistryStore,
  Revocation,
  TableRow,
  TableSlice,
  TableStore,
  TableWrite,
  TokenId,
  TokenInspection,
  TokenPage,
  TokenRecord,
  TokenRegistration,
} from '../contract.ts'
import { checkAccountMark, checkDetails } from '../details.ts'
import { accountDevices, forgetDevices, noteDevice } from './accounts.ts'
import { tokenPage } from './inventory.ts'
import { LevelSessions } from './session-store.ts'
import { forgettable, readChanges, readRow, readRows, tableEnd, writeRow } from './tables.ts'
import { detailsOf } from './token-details.ts'
import { inspectionOf, recordOf, registerToken, revokeToken } from './tokens.ts'

export class LevelRegistry extends LevelSessions implements RegistryStore, AccountStore, TableStore {
  // Token registry

  registerToken(
    registration: TokenRegistration,
    registering?: Exclude<Registering, { kind: 'free' }>,
  ): Promise<RegisteredToken>
  registerToken(registration: TokenRegistration, registering: Registering): Promise<RegisteredToken | DeviceHeld>
  async registerToken(
    registration: TokenRegistration,
    registering: Registering = { kind: 'always' },
  ): Promise<RegisteredToken | DeviceHeld> {
    const { deviceHoldMs } = this.limits
    checkDetails(registration.details)
    return await this.change((transaction) => registerToken(transaction, registration, registering, deviceHoldMs))
  }

  async revokeToken(tokenId: TokenId, how: Revocation = {}): Promise<boolean> {
    return await this.change((transaction) => revokeToken(transaction, tokenId, how), {
      prepare: (transaction) => transaction.upstream.prepareRetained(tokenId),
    })
  }

  async lookupToken(tokenId: TokenId): Promise<TokenRecord | undefined> {
    this.mustBeOpen()
    const token = this.durable.token(tokenId)
    return token && recordOf(token, detailsOf(this.database, tokenId))
  }

  async inspectToken(tokenId: TokenId): Promise<TokenInspection | undefined> {
    this.mustBeOpen()
    const token = this.durable.token(tokenId)
    return token && inspectionOf(token, detailsOf(this.database, tokenId), this.now())
  }

  async tokenPage(after: string | undefined, most: number, app?: string): Promise<TokenPage> {
    this.mustBeOpen()
    return await tokenPage(this.durable, after, most, app)
  }

  // Accounts

  async noteDevice(note: DeviceNote): Promise<boolean> {
    const { deviceHoldMs } = this.limits
    checkAccountMark(note.accountMark)
    return await this.change((transaction) => noteDevice(transaction, note, deviceHoldMs))
  }

  async accountDevices(accountMark: string): Promise<readonly AccountDevice[]> {
    this.mustBeOpen()
    checkAccountMark(accountMark)
    return accountDevices(this.database, accountMark, this.now())
  }

  async forgetDevices(
    accountMark: string,
    devices: readonly Pick<AccountDevice, 'tokenId' | 'stamp'>[],
  ): Promise<void> {
    checkAccountMark(accountMark)
    await this.change((transaction) => forgetDevices(transaction, accountMark, devices))
  }

  // Tables

  async writeRow(write: TableWrite): Promise<number | undefined> {
    let forgotten: readonly Buffer[] = []
    return await this.change((transaction) => writeRow(transaction, write, forgotten), {
      bytes: write.value?.byteLength ?? 0,
      prepare: async () => {
        forgotten = await forgettable(this.database, write.table)
      },
    })
  }

  async readRow(table: string, key: string): Promise<TableRow | undefined> {
    this.mustBeOpen()
    return readRow(this.database, table, key, this.now())
  }

  async readRows(table: string, after: string, most: number): Promise<readonly TableRow[]> {
    this.mustBeOpen()
    return await readRows(this.database, table, { after, most, now: this.now() })
  }

  async tableEnd(table: string): Promise<number> {
    this.mustBeOpen()
    return tableEnd(this.database, table)
  }

  async readChanges(table: string, after: number, most: number): Promise<TableSlice | undefined> {
    this.mustBeOpen()
    return await readChanges(this.database, table, { after, most, now: this.now() })
  }
}
