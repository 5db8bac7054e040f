/** Users of the embedding program, or of Mosquitto's files: who may connect, and what they may do. */
import type { PeerCertificate } from 'node:tls'
import type { User } from './general.ts'

/** What a client says of itself in its CONNECT. */
export interface UserCredentials {
  /** Empty where it sent none. */
  readonly username: string
  /** Undefined if it sent none. */
  readonly password: Buffer | undefined
  /** That of its session: where it sent none, the one that the server made. */
  readonly clientId: string
  /** Empty where the transport has none. */
  readonly address: string
  /** The client's, where it has shown one over TLS and it was verified. */
  readonly certificate?: PeerCertificate
  /** Aborted when the client is gone: nobody needs the answer any more. */
  readonly signal: AbortSignal
}

export interface Users {
  /**
   * The user, where these are credentials of one. Undefined: no user of ours; the client goes on to the broker that is
   * attached, and is refused if there is none. A `PushError` refuses with its own code, USER_REFUSED and USER_UNCHECKED
   * for two; anything else that is thrown is logged, and the client is told to try again (USER_UNCHECKED).
   */
  authenticate(credentials: UserCredentials): Promise<User | undefined>
  /**
   * The user of this name, as it is now: a will whose delay has passed goes only where it may publish. Undefined: there is
   * no such user any more, and its will is not sent. Without this, what a user was allowed when its connection ended counts.
   * What is thrown is logged, and the will waits a little longer. `of` is the session that left it.
   */
  find?(name: string, of?: { readonly clientId: string }): User | undefined | Promise<User | undefined>
  /**
   * True: a session is known by its client id alone, as Mosquitto has it, so that a client id takes over a session whatever
   * the user names are. False, the default: by username and client id, so that it never reaches another user's session.
   */
  readonly sessionsByClientId?: boolean
  /**
   * Calls `listen` whenever users, passwords or rules have changed: live sessions are checked again then, by `recheck`, or
   * if there is none by `find`. Returns how to stop.
   */
  changed?(listen: () => void): () => void
  /**
   * The user as it is now, with the credentials it connected with, which are kept in memory for this. Undefined: its
   * connection ends (USER_REFUSED). What is thrown is logged, and it is asked again a little later.
   */
  recheck?(credentials: UserCredentials): Promise<User | undefined>
  /**
   * True: a password that is shaped like a message token or a provider key, and the username `provider`, are for devices and
   * providers alone. They are never a user's, whatever becomes of them. False, the default: a token that was not issued here is
   * for these users to judge.
   */
  readonly ownTokensOnly?: boolean
  /** By which what was left behind (a delayed will, a retained message) finds the users of its publisher again. Default: ''. */
  readonly id?: string
}
