/**
 * Sessions known by a name instead of a token id: those of users and providers, and what several nodes share under a
 * name, such as the members of a shared subscription. The guarantees of `contract.ts`, which extends this, apply.
 */
import type { OpenedNamedSession, SessionClose, SessionOwner, SessionWill } from './entries.ts'

/** The record of a session, without its log (`readSession`) and its subscriptions (`subscriptionsOf`). */
export interface KnownNamedSession {
  readonly name: string
  readonly epoch: number
  /** It was not closed: a connection holds it, or its node died. */
  readonly held: boolean
  /** Session expiry as given at opening; `Infinity` for no expiry. */
  readonly keptMs: number
  /** When it ends; `Infinity` for never, and while a connection may hold it. */
  readonly expiresAt: number
  readonly state?: Uint8Array
  /** Received packet ids that were not released (`rememberReceived`). */
  readonly received: readonly (readonly [packetId: number, known: string])[]
  /** The unpublished will, whether or not somebody has taken it. */
  readonly will?: SessionWill
}

/** Current size of the stored sessions. */
export interface SessionUsage {
  /** Sessions that no connection holds. */
  readonly away: number
  /** Messages in their logs. */
  readonly messages: number
  /** Payload bytes. */
  readonly bytes: number
}

export interface NamedSessionStore {
  /** Counts sessions whose names start with the prefix. Visits all of them. Absent over Redis. */
  sessionUsage?(prefix: string): Promise<SessionUsage>
  /**
   * Takes over the session of this name for this node; an older one, on any node, ends (`namedSessionEnded`).
   * `cleanStart` discards the stored state, log, subscriptions and received packet ids.
   *
   * If its node dies, nobody closes it. It then counts as closed, with the last saved state, for another `keptMs`
   * (`Infinity`, the default: forever; 0: nothing is kept). Embedded: from the next start. Redis: from a sweep that has
   * not heard from the node for ten minutes.
   */
  openNamedSession(name: string, cleanStart: boolean, keptMs?: number): Promise<OpenedNamedSession>
  /** Saves state while the session is open. @throws SESSION_TAKEN_OVER */
  saveNamedSession(name: string, epoch: number, state: Uint8Array): Promise<void>
  /**
   * Releases the session. Without state, its log, its subscriptions and its received packet ids are deleted too. Does
   * nothing if a newer one was opened, except that the will is due now if the newer one does not continue this session.
   */
  closeNamedSession(name: string, epoch: number, close: SessionClose): Promise<void>

  /**
   * PUBLISH with QoS 2: remembers a uid and the topic of the message under this packet id (`received-message.ts`),
   * until `releaseReceived` or the end of the session. Returns what was remembered before, if anything: then it is the
   * same message again.
   * @throws SESSION_TAKEN_OVER
   */
  rememberReceived(name: string, epoch: number, packetId: number, known: string): Promise<string | undefined>
  /**
   * PUBREL: returns what is remembered and forgets it; undefined if the packet id is unknown. @throws
   * SESSION_TAKEN_OVER
   */
  releaseReceived(name: string, epoch: number, packetId: number): Promise<string | undefined>

  /**
   * Takes the will that was kept when the session with this epoch was closed: the taker publishes it, and nobody else
   * may until `until`. Undefined: there is none, the session was opened since, or somebody else has it. Not before it
   * is due.
   */
  takeWill(session: SessionOwner, epoch: number, until: number): Promise<Uint8Array | undefined>
  /** The will is published; forgets it. Idempotent. */
  willPublished(session: SessionOwner, epoch: number): Promise<void>
}
