/** Which connection has which session of Aedes: one at a time, and each begins when what was before it is written. */
import type { Aedes, Client } from 'aedes'
import type { Logger } from 'pino'
import type { KeptSession, Opened } from './kept-session.ts'
import type { AedesLink } from './link.ts'
import type { Outgoing } from './outgoing.ts'

/** What has a session: a connection. */
export interface Holder {
  readonly link: AedesLink
  readonly session: KeptSession
  readonly outgoing: Outgoing
  /** A newer connection has this client id. */
  supersede(): void
}

interface LiveSessionsOptions {
  readonly broker: () => Aedes
  readonly logger: Logger
  /** A client has come, and what it left before has been seen to. */
  readonly opened: (clientId: string, opened: Opened) => Promise<void>
}

/** The part of Aedes that its types leave out. */
interface Clients {
  readonly clients: Record<string, { readonly conn: object } | undefined>
}

export class LiveSessions {
  readonly #options: LiveSessionsOptions
  /** The connection of each client id, while it is open and until what it leaves is written. */
  readonly #live = new Map<string, Holder>()
  readonly #leaving = new Set<Promise<void>>()
  /** Sessions whose time is over, by client id, until nothing of them is left. */
  readonly #ending = new Map<string, Promise<void>>()

  constructor(options: LiveSessionsOptions) {
    this.#options = options
  }

  /**
   * Aedes knows who the client is and under which id, and has not looked for its session: an older connection here is
   * ended, and what it leaves is resumed or dropped.
   */
  async open({ id }: Client, holder: Holder): Promise<void> {
    const older = this.#live.get(id)
    this.#live.set(id, holder)
    if (older !== undefined) {
      older.supersede()
      await this.#gone(id, older)
      await older.session.leave()
    }
    await this.#ending.get(id)
    const opened = await holder.session.open(holder.outgoing)
    holder.link.sessionPresent = opened === 'resumed'
    await this.#options.opened(id, opened)
  }

  /** Aedes has forgotten an older connection: it would take the new one for it. */
  async #gone(clientId: string, older: Holder): Promise<void> {
    const broker = this.#options.broker()
    const isThere = () => (broker as unknown as Clients).clients[clientId]?.conn === older.link
    if (!isThere()) return
    await new Promise<void>((resolve) => {
      const look = () => {
        if (isThere()) return
        broker.off('clientDisconnect', look)
        resolve()
      }
      broker.on('clientDisconnect', look)
      look()
    })
  }

  /** The connection has ended. */
  left(holder: Holder): void {
    const { session, outgoing } = holder
    const { clientId } = session
    if (this.#live.get(clientId) !== holder) return
    const leaving: Promise<void> = session
      .leave()
      .catch((error: unknown) => this.#options.logger.warn({ err: error }, 'could not save a session that ended'))
      .then(() => {
        outgoing.release()
        if (this.#live.get(clientId) === holder) this.#live.delete(clientId)
        this.#leaving.delete(leaving)
      })
    this.#leaving.add(leaving)
  }

  /** A session has reached its end while nobody was connected. */
  expired(holder: Holder): void {
    const { session } = holder
    const { clientId } = session
    const live = this.#live.get(clientId)
    if (live !== undefined && live !== holder) return
    const ending = session
      .leave()
      .then(() => session.expire())
      .catch((error: unknown) => this.#options.logger.warn({ err: error }, 'could not remove an expired session'))
      .then(() => {
        if (this.#ending.get(clientId) === ending) this.#ending.delete(clientId)
      })
    this.#ending.set(clientId, ending)
  }

  /** Resolves when everything that connections left is written. */
  async written(): Promise<void> {
    await Promise.all([...this.#leaving, ...this.#ending.values()])
  }
}
