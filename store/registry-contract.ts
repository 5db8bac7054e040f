/** The registry of token ids: who they are, which of them are honoured, and which belong to an account. */
import type { Epochs } from '../topics/index.ts'
import type { TokenId } from './entries.ts'

/** Where a token id has acknowledged up to, in its two logs. */
export interface Cursors {
  readonly private: number
  /** In the broadcast log of the token's app. */
  readonly broadcast: number
  /** Absent: both stand for everything up to them. */
  readonly marks?: Marks | undefined
}

/**
 * What the cursors do not say alone. A broadcast that a device's versions do not select *yet* is passed by the cursor, and
 * still pending for a version that is subscribed to later; a message that was too large for one connection is passed, and
 * still pending for another one, or for HTTP. `marks.ts` says what is pending, and how a commit changes this.
 */
export interface Marks {
  /** Of versions that are not named below, broadcasts are pending from here on. */
  readonly floor: number
  /** The broadcast cursor stands for these versions: what is for one of them is acknowledged up to it. */
  readonly versions: readonly string[]
  /** Versions that are acknowledged up to other offsets; at most 100. */
  readonly passed: readonly (readonly [version: string, offset: number])[]
  /** Passed and not acknowledged: ascending, at most 100, and for the private log still in it. */
  readonly skippedPrivate: readonly number[]
  readonly skippedBroadcast: readonly number[]
}

/** What is known of a token id beside its names. */
export interface TokenDetails {
  /** Keyed hash of (app, account), 22 characters base64url; '' for no account. */
  readonly accountMark: string
  /** When it was registered last, up to milliseconds since the epoch: bulk revocations since have a higher one. They only grow. */
  readonly epochs: Epochs
  /** At most 16 of 64 bytes; sorted, each once. */
  readonly tags: readonly string[]
  /** Version of the app; '' for none. */
  readonly version: string
}

/** The store knows devices and accounts by hashes only, never by their names. */
export interface TokenRegistration {
  readonly tokenId: TokenId
  readonly app: string
  /** The same for all accounts of this app on this device: `deviceMark` of `topics/`. */
  readonly deviceMark: string
  /** When the newest JWT of this token id expires. */
  readonly expiresAt: number
  /** A part that is absent stays as it is known; of a new token id it is empty. */
  readonly details?: Partial<TokenDetails>
}

/** A token id, as a JWT of this generation names it. */
export interface TokenHolder {
  readonly tokenId: TokenId
  readonly generation: number
}

/**
 * On what condition a registration is done. The token id that is current for an app on a device *holds* it, unless it is
 * revoked, or its newest JWT expired longer than `deviceHoldMs` ago.
 * - `always`: the device is taken over from another account that holds it.
 * - `free`: only where no other token id holds it, or `holder` names the one that does, with its generation.
 * - `renewal`: only where the token id is known, current, not revoked and of this generation, which stays: it undoes
 *   neither a revocation nor an account switch. A higher generation than is known is one that the store lost, as for
 *   `openSession`.
 */
export type Registering =
  | { readonly kind: 'always' }
  | { readonly kind: 'free'; readonly holder?: TokenHolder | undefined }
  | { readonly kind: 'renewal'; readonly generation: number }

export interface RegisteredToken {
  /** Goes into the JWT. It only grows; a JWT with an older one was revoked, or issued before an account switch. */
  readonly generation: number
  /** As they are now. */
  readonly details: TokenDetails
  /** The token id of the account that was current for this app and device before, when it is another one. */
  readonly switchedFrom?: TokenId
}

/** Refused, and nothing has changed: another account holds the device. */
export interface DeviceHeld {
  readonly heldBy: TokenHolder & { readonly details: TokenDetails }
}

export interface TokenRecord {
  readonly app: string
  readonly generation: number
  readonly revoked: boolean
  /** False while another account is the current one of this app and device. */
  readonly current: boolean
  readonly cursors: Cursors
  /** When its newest JWT expires. */
  readonly expiresAt: number
  readonly details: TokenDetails
  /** When it was last registered, or its session last opened or closed; to the second, 0 where that is not known. */
  readonly lastSeen: number
}

/** A token id as people look at it: what is known, how far its session is, and how much waits. */
export interface TokenInspection extends TokenRecord {
  /**
   * `connected`: a connection holds it; one whose node died is taken for connected until that node is found dead. `kept`: its
   * state waits for the device. `none`: it would begin a new one.
   */
  readonly session: 'connected' | 'kept' | 'none'
  /** The highest offset given in the private log. */
  readonly privateEnd: number
  /** Messages in the private log, and their payload bytes; some may have expired a moment ago. */
  readonly pending: { readonly messages: number; readonly bytes: number }
}

/** Everything that is known of a token id but its messages and its session. */
export interface KnownToken extends Omit<TokenRecord, 'app' | 'expiresAt'> {
  readonly registration: Omit<TokenRegistration, 'details'>
  /** The highest offset given in the private log. */
  readonly privateEnd: number
  /** How many messages its device missed, see `Missed`. Absent: none. */
  readonly missed?: number
}

/** A token id as another store knew it. */
export interface RestoredToken {
  readonly registration: Omit<TokenRegistration, 'details'>
  readonly generation: number
  readonly revoked: boolean
  readonly current: boolean
  /** In the broadcast log of this store. */
  readonly broadcastCursor: number
  /** Of the broadcast log of this store; taken for a token id that is not known here. */
  readonly marks?: Marks | undefined
  /** Taken where none are known here. */
  readonly details?: TokenDetails | undefined
  readonly lastSeen?: number | undefined
  /** Added to what its device missed, as not told yet; the one thing that is not idempotent. */
  readonly missed?: number | undefined
}

export interface Revocation {
  /** Only where this is the current, unrevoked one: a device logs itself out. Absent: whatever is there. */
  readonly generation?: number | undefined
  /**
   * Drops what is pending or retained in the private log, and moves the broadcast cursor to the end of its log: what was
   * sent before reaches nobody, whoever registers the token id again.
   */
  readonly purge?: boolean | undefined
}

export interface TokenPage {
  readonly tokens: readonly KnownToken[]
  /** Where the next page begins. Absent: this is the last one. */
  readonly next?: string
}

export interface RegistryStore {
  /**
   * Makes this token id known and the current one of its app and device. Idempotent; cursors, logs and session state
   * of a known token id stay, and its expiry only grows. A new one starts with its broadcast cursor at the end of its app's
   * log. When another token id was current, its session ends (`TOKEN_SUPERSEDED`) and it is refused until registered again.
   * One that was revoked, or not the current one, or comes with later epochs than are known (except for a renewal), is valid
   * again with a new generation only: what was issued before the revocation or the account switch stays refused. Otherwise
   * the generation stays.
   * @throws for a renewal: TOKEN_UNKNOWN, TOKEN_REVOKED (revoked, or generation too old), TOKEN_SUPERSEDED
   */
  registerToken(
    registration: TokenRegistration,
    registering?: Exclude<Registering, { kind: 'free' }>,
  ): Promise<RegisteredToken>
  registerToken(registration: TokenRegistration, registering: Registering): Promise<RegisteredToken | DeviceHeld>
  /**
   * Refuses all JWTs issued so far and ends the session (`TOKEN_REVOKED`). What is pending stays, unless it is purged.
   * Nobody holds the device afterwards. False: not known.
   * @throws for a generation: TOKEN_UNKNOWN, TOKEN_REVOKED (revoked, or generation too old), TOKEN_SUPERSEDED
   */
  revokeToken(tokenId: TokenId, how?: Revocation): Promise<boolean>
  lookupToken(tokenId: TokenId): Promise<TokenRecord | undefined>
  /** The same, and more than delivery needs. Its cost does not grow with what is pending. */
  inspectToken(tokenId: TokenId): Promise<TokenInspection | undefined>
  /**
   * At most so many token ids, of one app or of all, sometimes none, in an order of the store's own: from one page to the
   * next, each that is there all the time comes once. For a listing while serving: a page takes a short time however many are
   * known.
   * @throws CURSOR_INVALID where `after` is not what a page before gave
   */
  tokenPage(after: string | undefined, most: number, app?: string): Promise<TokenPage>
}

/** A token id of an account. */
export interface AccountDevice {
  readonly tokenId: TokenId
  /** It grows with every note, and is never given twice for one account. */
  readonly stamp: number
  readonly epochs: Epochs
}

export interface DeviceNote {
  readonly accountMark: string
  readonly tokenId: TokenId
  /** They only grow, as does the expiry. */
  readonly epochs: Epochs
  /** When its newest JWT expires. The note ends `deviceHoldMs` later. */
  readonly expiresAt: number
  /** So many token ids an account may have. */
  readonly most: number
}

/** Which token ids belong to an account: an index beside the registry, and what it tells may be old. */
export interface AccountStore {
  /** Notes a token id under an account with a new stamp. False: it is not there yet, and `most` others are. */
  noteDevice(note: DeviceNote): Promise<boolean>
  /** All that were noted and have not ended, in any order. */
  accountDevices(accountMark: string): Promise<readonly AccountDevice[]>
  /** Only those whose stamp is still this one: what was noted since stays. */
  forgetDevices(accountMark: string, devices: readonly Pick<AccountDevice, 'tokenId' | 'stamp'>[]): Promise<void>
}
