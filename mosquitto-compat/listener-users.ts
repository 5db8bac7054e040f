/** The users of a listener of a mosquitto.conf: who may connect by it, and for what. */
import { PushError, type User, type UserCredentials, type Users } from '../index.ts'
import type { Acl } from './acl/acl-file.ts'
import type { ListenerConf } from './conf/index.ts'
import { identityOf } from './identity.ts'
import type { PasswordChecks } from './password-checks.ts'
import type { Passwords } from './password-file.ts'

/** What holds now. */
export interface ListenerAccess {
  readonly allowAnonymous: boolean
  /** What of a certificate is the user name, in place of the one that is sent; the password is not looked at then. */
  readonly identity: ListenerConf['identity']
  /** Undefined: any user name, where anonymous clients are let in; else none. */
  readonly passwords: Passwords | undefined
  /** Undefined: all of them may do everything. */
  readonly acl: Acl | undefined
}

/** A provider connects by this name: no user may have it. */
export const RESERVED_NAME = 'provider'

const EVERYTHING: Pick<User, 'mayPublish' | 'maySubscribe'> = {
  mayPublish: () => true,
  maySubscribe: (_filter, qos) => qos,
}

export class ListenerUsers implements Users {
  readonly sessionsByClientId = true
  readonly ownTokensOnly = true
  readonly id: string
  readonly #checks: PasswordChecks
  readonly #listening = new Set<() => void>()
  #access: ListenerAccess

  /** `id` is the same after a restart. `checks` are those of all listeners. */
  constructor(id: string, checks: PasswordChecks, access: ListenerAccess) {
    this.id = id
    this.#checks = checks
    this.#access = access
  }

  /** What holds from now on, also for who is connected. */
  set(access: ListenerAccess): void {
    this.#access = access
    for (const listen of this.#listening) listen()
  }

  changed(listen: () => void): () => void {
    this.#listening.add(listen)
    return () => void this.#listening.delete(listen)
  }

  find(name: string, of?: { readonly clientId: string }): User | undefined {
    const { passwords, allowAnonymous, identity } = this.#access
    const clientId = of?.clientId ?? ''
    if (identity !== undefined) return userOf(this.#access, name, clientId)
    if (name === '' || passwords === undefined) return allowAnonymous ? userOf(this.#access, name, clientId) : undefined
    return passwords.has(name) ? userOf(this.#access, name, clientId) : undefined
  }

  async authenticate(credentials: UserCredentials): Promise<User | undefined> {
    const access = this.#access
    const { username, clientId } = credentials
    if (access.identity !== undefined) return certified(access, credentials)
    if (username === RESERVED_NAME) return undefined
    if (username === '' || access.passwords === undefined)
      return access.allowAnonymous ? userOf(access, username, clientId) : undefined
    return (await this.#fits(access.passwords, credentials)) ? userOf(access, username, clientId) : undefined
  }

  recheck(credentials: UserCredentials): Promise<User | undefined> {
    return this.authenticate(credentials)
  }

  async #fits(passwords: Passwords, { username, password, address, signal }: UserCredentials): Promise<boolean> {
    const verdict = await this.#checks.take({
      username,
      address,
      isWanted: () => !signal.aborted,
      run: () => passwords.fit(username, password ?? Buffer.alloc(0)),
    })
    if (verdict === 'busy') throw new PushError('USER_UNCHECKED')
    return verdict === 'right'
  }
}

/** Nobody: for connections that came by no listener of the file. */
export const NO_USERS: Users = {
  sessionsByClientId: true,
  ownTokensOnly: true,
  authenticate: () => Promise.resolve(undefined),
  find: () => undefined,
}

function certified(access: ListenerAccess, { certificate, clientId }: UserCredentials): User | undefined {
  const name = identityOf(certificate, access.identity)
  if (name === undefined) throw new PushError('CREDENTIALS_INVALID', 'the certificate gives no user name')
  return name === RESERVED_NAME ? undefined : userOf(access, name, clientId)
}

function userOf({ acl }: ListenerAccess, name: string, clientId: string): User {
  const rules = acl === undefined ? EVERYTHING : acl.userOf(name === '' ? undefined : name, clientId)
  return { kind: 'user', name, ...rules }
}
