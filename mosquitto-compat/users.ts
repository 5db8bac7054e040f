/** Users of Mosquitto's files: who may connect, by a password file, and what they may do, by an ACL file. */
import { PushError, type User, type UserCredentials, type Users } from '../index.ts'
import type { Acl } from './acl/acl-file.ts'
import type { ListenerConf } from './conf/index.ts'
import { identityOf } from './identity.ts'
import type { PasswordChecks } from './passwords/password-checks.ts'
import { type Passwords, RESERVED_NAME } from './passwords/password-file.ts'

/** What the files and options say at one time. */
export interface UserAccess {
  /** Who has no username is let in, and without a password file every username. */
  readonly allowAnonymous: boolean
  /** What of a certificate is the username, instead of the one that is sent; the password is not looked at then. */
  readonly identity?: ListenerConf['identity']
  /** Undefined: any username, where anonymous clients are let in; otherwise none. */
  readonly passwords?: Passwords | undefined
  /** Undefined: all of them may do everything. */
  readonly acl?: Acl | undefined
}

export interface UsersOptions {
  /** Those of all listeners. */
  readonly checks: PasswordChecks
  readonly sessionsByClientId?: boolean
  /** The same after a restart. */
  readonly id?: string
}

/** Nobody: for connections that came by no listener of the file. */
export const NO_USERS: Users = {
  sessionsByClientId: true,
  ownTokensOnly: true,
  authenticate: () => Promise.resolve(undefined),
  find: () => undefined,
}

const EVERYTHING: Pick<User, 'mayPublish' | 'maySubscribe'> = {
  mayPublish: () => true,
  maySubscribe: (_filter, qos) => qos,
}

export class MosquittoUsers implements Users {
  readonly ownTokensOnly = true
  readonly sessionsByClientId: boolean
  readonly id: string
  readonly #checks: PasswordChecks
  #access: UserAccess
  readonly #listening = new Set<() => void>()
  /**
   * By the bytes that a live session showed as its password, which are wiped and stay with its credentials: the hash that
   * they fitted.
   */
  readonly #fitted = new WeakMap<Buffer, string>()

  constructor({ checks, sessionsByClientId = false, id = '' }: UsersOptions, access: UserAccess) {
    this.sessionsByClientId = sessionsByClientId
    this.id = id
    this.#checks = checks
    this.#access = access
  }

  /** From now on, for live sessions too. */
  set(access: UserAccess): void {
    const { passwords: before } = this.#access
    if (before !== undefined && before !== access.passwords) access.passwords?.follow(before)
    this.#access = access
    for (const listen of this.#listening) listen()
  }

  changed(listen: () => void): () => void {
    this.#listening.add(listen)
    return () => void this.#listening.delete(listen)
  }

  /** Of a will, for which nobody asks a password. */
  find(name: string, of?: { readonly clientId: string }): User | undefined {
    const { passwords, allowAnonymous, identity } = this.#access
    const isKnown =
      identity !== undefined || (name === '' || passwords === undefined ? allowAnonymous : passwords.has(name))
    return isKnown ? this.#userOf(name, of?.clientId ?? '') : undefined
  }

  async authenticate(credentials: UserCredentials): Promise<User | undefined> {
    const { passwords, allowAnonymous, identity } = this.#access
    const { username, clientId } = credentials
    if (identity !== undefined) {
      if (identityOf(credentials.certificate, identity) === undefined)
        throw new PushError('CREDENTIALS_INVALID', 'the certificate has no username')
      return this.#certified(credentials, identity)
    }
    if (username === RESERVED_NAME) return undefined
    if (username === '' || passwords === undefined) return allowAnonymous ? this.#userOf(username, clientId) : undefined
    return (await this.#fits(passwords, credentials)) ? this.#verified(username, clientId) : undefined
  }

  /** Passwords are not kept: one that was set again must be shown again, also where it is the same. */
  recheck(credentials: UserCredentials): Promise<User | undefined> {
    const { identity } = this.#access
    if (identity !== undefined) return Promise.resolve(this.#certified(credentials, identity))
    const { username, clientId } = credentials
    if (!this.#holds(credentials)) return Promise.resolve(undefined)
    const isVerified = this.#fittedOf(credentials) !== undefined
    return Promise.resolve(isVerified ? this.#verified(username, clientId) : this.#userOf(username, clientId))
  }

  #certified({ certificate, clientId }: UserCredentials, identity: UserAccess['identity']): User | undefined {
    const name = identityOf(certificate, identity)
    return name === undefined || name === RESERVED_NAME ? undefined : this.#verified(name, clientId)
  }

  #holds(credentials: UserCredentials): boolean {
    const { username } = credentials
    const { passwords, allowAnonymous } = this.#access
    if (username === '' || passwords === undefined) return allowAnonymous
    const fitted = this.#fittedOf(credentials)
    return fitted !== undefined && fitted === passwords.recordOf(username)
  }

  #fittedOf({ password }: UserCredentials): string | undefined {
    return password && this.#fitted.get(password)
  }

  async #fits(passwords: Passwords, credentials: UserCredentials): Promise<boolean> {
    const { username, password, address, signal } = credentials
    // As Mosquitto has it: an empty one is none, also where the file has the hash of it.
    if (password === undefined || password.byteLength === 0) return false
    const record = passwords.recordOf(username)
    if (!passwords.isKnown(username, password)) {
      const verdict = await this.#checks.take({
        username,
        address,
        isWanted: () => !signal.aborted,
        // Another connection of this user may have shown it while this one waited.
        run: async () => passwords.isKnown(username, password) || (await passwords.fit(username, password)),
      })
      if (verdict === 'busy') throw new PushError('USER_UNCHECKED')
      if (verdict === 'wrong') return false
    }
    // These credentials are kept as long as the connection lives; the password in them is not.
    password.fill(0)
    if (record !== undefined) this.#fitted.set(password, record)
    // The file may have changed while it was hashed.
    return this.#holds(credentials)
  }

  #verified(name: string, clientId: string): User {
    return { ...this.#userOf(name, clientId), isVerified: true }
  }

  #userOf(name: string, clientId: string): User {
    const rules = this.#access.acl?.userOf(name === '' ? undefined : name, clientId) ?? EVERYTHING
    return { kind: 'user', name, ...rules }
  }
}
