/** Users of the embedding program, or of Mosquitto's files: who may connect, and what they may do. */
import type { PeerCertificate } from 'node:tls'
import type { User } from './general.ts'

/** The credentials in a client's CONNECT. */
export interface UserCredentials {
  /** Empty if the client sent none. */
  readonly username: string
  /** Undefined if it sent none. */
  readonly password: Buffer | undefined
  /** The client id of the session; if the client sent none, the generated one. */
  readonly clientId: string
  /** Empty if the transport has none. */
  readonly address: string
  /** The client's certificate, if it presented one over TLS that was verified. */
  readonly certificate?: PeerCertificate
  /** Aborted when the client has gone and nobody needs the answer. */
  readonly signal: AbortSignal
}

export interface Users {
  /**
   * Resolves to the user with these credentials. Undefined: no such user; the client goes to the attached broker, or is
   * refused if there is none. A `PushError` refuses with its own code, such as USER_REFUSED or USER_UNCHECKED; any
   * other error is logged, and the client is told to try again (USER_UNCHECKED).
   */
  authenticate(credentials: UserCredentials): Promise<User | undefined>
  /**
   * Returns the current user of this name: a delayed will is published only if that user may publish it. Undefined: the
   * user no longer exists, and its will is dropped. Without this function, the rights at the end of the connection
   * decide. An error is logged, and the will waits a little longer. `of` is the session that left it.
   */
  find?(name: string, of?: { readonly clientId: string }): User | undefined | Promise<User | undefined>
  /**
   * True: the client id alone identifies a session, as in Mosquitto, so that a client id takes over a session of any
   * user. False, the default: username and client id do, so that a client id never reaches another user's session.
   */
  readonly sessionsByClientId?: boolean
  /**
   * Calls `listen` whenever users, passwords or rules have changed. Live sessions are then rechecked with `recheck`, or
   * with `find` if there is none. Returns a function that stops this.
   */
  changed?(listen: () => void): () => void
  /**
   * Resolves to the current user with the credentials of its connection, which are kept in memory for this. Undefined:
   * its connection ends (USER_REFUSED). An error is logged, and the check is repeated a little later.
   */
  recheck?(credentials: UserCredentials): Promise<User | undefined>
  /**
   * True: a password that looks like a message token or a provider key, and the username `provider`, are reserved for
   * devices and providers, and are never checked as a user's. False, the default: a token that was not issued here is
   * checked against these users.
   */
  readonly ownTokensOnly?: boolean
  /** Links what a user leaves behind (a delayed will, a retained message) to these users. Default: ''. */
  readonly id?: string
}
