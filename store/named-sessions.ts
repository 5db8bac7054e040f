/**
 * Sessions that are known by a name and not by a token id: those of users and providers, and what several nodes keep
 * together under a name, such as the members of a shared subscription. They have the guarantees of `contract.ts`, which
 * extends this.
 */
import type { OpenedNamedSession, SessionClose, SessionOwner, SessionWill } from './entries.ts'

/** All that is known of it but its log (`readSession`) and its subscriptions (`subscriptionsOf`). */
export interface KnownNamedSession {
  readonly name: string
  readonly epoch: number
  /** It was not closed: a connection has it, or its node died. */
  readonly held: boolean
  /** As it was opened; `Infinity` forever. */
  readonly keptMs: number
  /** `Infinity` for never, and while a connection may have it. */
  readonly expiresAt: number
  readonly state?: Uint8Array
  /** Not released (`rememberReceived`), by packet id. */
  readonly received: readonly (readonly [packetId: number, known: string])[]
  /** Not published, whether somebody has taken it or not. */
  readonly will?: SessionWill
}

/** What sessions take now. */
export interface SessionUsage {
  /** Nobody holds them. */
  readonly away: number
  /** In their logs. */
  readonly messages: number
  /** Of payloads. */
  readonly bytes: number
}

export interface NamedSessionStore {
  /** Of those whose names begin so. It goes through all of them. Absent over Redis. */
  sessionUsage?(prefix: string): Promise<SessionUsage>
  /**
   * Takes the session of this name for this node; an older one, on whichever node, ends
   * (`namedSessionEnded`). `cleanStart` discards what was kept: state, log, subscriptions, received packet ids.
   *
   * Where its node dies, nobody closes it. It counts as closed then, with the last saved state, for `keptMs` more
   * (`Infinity`, the default: forever; 0: nothing is kept of it). Embedded: as of the next start. Redis: as of a sweep
   * that has not heard of the node for ten minutes.
   */
  openNamedSession(name: string, cleanStart: boolean, keptMs?: number): Promise<OpenedNamedSession>
  /** Keeps state while the session is open. @throws SESSION_TAKEN_OVER */
  saveNamedSession(name: string, epoch: number, state: Uint8Array): Promise<void>
  /**
   * Ends the connection's hold; a no-op when a newer one has been opened. Without state nothing stays of it, its log, its
   * subscriptions and what it received neither.
   */
  closeNamedSession(name: string, epoch: number, close: SessionClose): Promise<void>

  /**
   * PUBLISH of QoS 2: remembers, until `releaseReceived` or the end of the session, what is known of the message of this
   * packet id: a uid and its topic (`received-message.ts`). Returns what was remembered before, if anything: it is the same
   * message again.
   * @throws SESSION_TAKEN_OVER
   */
  rememberReceived(name: string, epoch: number, packetId: number, known: string): Promise<string | undefined>
  /** PUBREL: gives what is known and forgets it; undefined if the packet id is not remembered. @throws SESSION_TAKEN_OVER */
  releaseReceived(name: string, epoch: number, packetId: number): Promise<string | undefined>

  /**
   * The will that was kept with the session at its close, of this epoch: who takes it publishes it, and nobody else until
   * `until`. Undefined: there is none, the session was opened since, or another one has it. Not before its time.
   */
  takeWill(session: SessionOwner, epoch: number, until: number): Promise<Uint8Array | undefined>
  /** It is published: nothing stays of it. Idempotent. */
  willPublished(session: SessionOwner, epoch: number): Promise<void>
}
