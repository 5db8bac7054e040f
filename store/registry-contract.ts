/** The registry of token ids: what they stand for, which are valid, and which belong to an account. */
import type { Epochs } from '../topics/index.ts'
import type { TokenId } from './entries.ts'

/** The acknowledged positions of a token id in its two logs. */
export interface Cursors {
  readonly private: number
  /** In the broadcast log of the token's app. */
  readonly broadcast: number
  /** Absent: both stand for everything up to them. */
  readonly marks?: Marks | undefined
}

/**
 * What the cursors alone do not say. The cursor passes a broadcast that no version of the device selects *yet*, and
 * that is still pending for a version subscribed to later; and a message that is too large for one connection, which is
 * still pending for another one, or for HTTP. `marks.ts` defines what is pending, and how a commit changes this.
 */
export interface Marks {
  /** For versions not listed below, broadcasts are pending from here on. */
  readonly floor: number
  /** The broadcast cursor stands for these versions: what is for one of them is acknowledged up to it. */
  readonly versions: readonly string[]
  /** Versions with other acknowledged offsets; at most 100. */
  readonly passed: readonly (readonly [version: string, offset: number])[]
  /** Passed but unacknowledged offsets, ascending, at most 100; for the private log, still in it. */
  readonly skippedPrivate: readonly number[]
  readonly skippedBroadcast: readonly number[]
}

/** Details of a token id besides its names. */
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

/** A token id and generation, as in a JWT. */
export interface TokenHolder {
  readonly tokenId: TokenId
  readonly generation: number
}

/**
 * The condition of a registration. The current token id of an app on a device *holds* the device, unless it is revoked,
 * or its newest JWT expired longer than `deviceHoldMs` ago.
 * - `always`: takes the device over from another account that holds it.
 * - `free`: only if no other token id holds it, or `holder` is the one that does, with its generation.
 * - `renewal`: only if the token id is known, current, not revoked and of this generation, which stays. It undoes
 * neither a revocation nor an account switch. A generation higher than the known one is one that the store lost, as for
 * `openSession`.
 */
export type Registering =
  | { readonly kind: 'always' }
  | { readonly kind: 'free'; readonly holder?: TokenHolder | undefined }
  | { readonly kind: 'renewal'; readonly generation: number }

export interface RegisteredToken {
  /** Stored in the JWT. It only grows; a JWT with an older one was revoked, or issued before an account switch. */
  readonly generation: number
  /** As they are now. */
  readonly details: TokenDetails
  /** The token id of the previous account on this app and device, if another one was current. */
  readonly switchedFrom?: TokenId
}

/** Refused without any change: another account holds the device. */
export interface DeviceHeld {
  readonly heldBy: TokenHolder & { readonly details: TokenDetails }
}

export interface TokenRecord {
  readonly app: string
  readonly generation: number
  readonly revoked: boolean
  /** False while another account is current for this app and device. */
  readonly current: boolean
  readonly cursors: Cursors
  /** When its newest JWT expires. */
  readonly expiresAt: number
  readonly details: TokenDetails
  /** When it was last registered, or its session last opened or closed; to the second, 0 where that is not known. */
  readonly lastSeen: number
}

/** A token id as shown to people: its details, its session and what is pending. */
export interface TokenInspection extends TokenRecord {
  /**
   * `connected`: a connection holds it; if its node died, until that is detected. `kept`: its state waits for the
   * device. `none`: the next connection starts a new session.
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
  /** Number of messages that its device missed, see `Missed`. Absent: none. */
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
  /** Only if this is the current, unrevoked token id: a device logs itself out. Absent: in any case. */
  readonly generation?: number | undefined
  /**
   * Deletes what is pending or retained in the private log, and moves the broadcast cursor to the end: earlier messages
   * reach nobody, whoever registers the token id again.
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
   * Registers this token id as the current one of its app and device. Idempotent; cursors, logs and session state of a
   * known token id stay, and its expiry only grows. A new one starts with its broadcast cursor at the end of its app's
   * log. If another token id was current, its session ends (`TOKEN_SUPERSEDED`), and it is refused until it is
   * registered again. A token id that was revoked, was not current, or comes with later epochs than known (except for a
   * renewal) gets a new generation, so that what was issued before the revocation or the account switch stays refused.
   * Otherwise the generation stays.
   * @throws for a renewal: TOKEN_UNKNOWN, TOKEN_REVOKED (revoked, or generation too old), TOKEN_SUPERSEDED
   */
  registerToken(
    registration: TokenRegistration,
    registering?: Exclude<Registering, { kind: 'free' }>,
  ): Promise<RegisteredToken>
  registerToken(registration: TokenRegistration, registering: Registering): Promise<RegisteredToken | DeviceHeld>
  /**
   * Refuses all JWTs issued so far and ends the session (`TOKEN_REVOKED`). Pending messages stay, unless they are
   * purged. Afterwards nobody holds the device. False: unknown token id.
   * @throws for a generation: TOKEN_UNKNOWN, TOKEN_REVOKED (revoked, or generation too old), TOKEN_SUPERSEDED
   */
  revokeToken(tokenId: TokenId, how?: Revocation): Promise<boolean>
  lookupToken(tokenId: TokenId): Promise<TokenRecord | undefined>
  /** The same with more details than delivery needs. Its cost does not depend on what is pending. */
  inspectToken(tokenId: TokenId): Promise<TokenInspection | undefined>
  /**
   * A page of token ids, of one app or of all, sometimes empty, in an order chosen by the store: a token id that exists
   * throughout appears exactly once over all pages. For listing while serving: a page takes little time however many
   * are known.
   * @throws CURSOR_INVALID if `after` did not come from a previous page
   */
  tokenPage(after: string | undefined, most: number, app?: string): Promise<TokenPage>
}

/** A token id of an account. */
export interface AccountDevice {
  readonly tokenId: TokenId
  /** Grows with every note, and never repeats for one account. */
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
  /** Maximum number of token ids of an account. */
  readonly most: number
}

/** The token ids of an account: an index beside the registry, which may be out of date. */
export interface AccountStore {
  /** Notes a token id under an account with a new stamp. False: it is not noted yet, and there are `most` others. */
  noteDevice(note: DeviceNote): Promise<boolean>
  /** All noted token ids that have not ended, in any order. */
  accountDevices(accountMark: string): Promise<readonly AccountDevice[]>
  /** Removes only those whose stamp is unchanged: what was noted since stays. */
  forgetDevices(accountMark: string, devices: readonly Pick<AccountDevice, 'tokenId' | 'stamp'>[]): Promise<void>
}
