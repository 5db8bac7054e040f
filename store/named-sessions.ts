/**
 * Sessions that are known by a name and not by a token id: those of providers, and what several nodes keep together under
 * a name, such as the members of a shared subscription. They have the guarantees of `contract.ts`, which extends this.
 */
import type { OpenedNamedSession, SessionClose } from './entries.ts'

export interface NamedSessionStore {
  /**
   * Takes the session of this name for this node; an older one, on whichever node, ends (`namedSessionEnded`).
   * `cleanStart` discards what was kept.
   */
  openNamedSession(name: string, cleanStart: boolean): Promise<OpenedNamedSession>
  /** Keeps state while the session is open. @throws SESSION_TAKEN_OVER */
  saveNamedSession(name: string, epoch: number, state: Uint8Array): Promise<void>
  /** Ends the connection's hold; a no-op when a newer one has been opened. Without state nothing stays of it. */
  closeNamedSession(name: string, epoch: number, close: SessionClose): Promise<void>
}
