/** Rechecks live sessions after users, passwords or rules have changed, a few at a time, without delaying anybody. */
import type { Logger } from 'pino'
import type { Turns } from '../../common/turns.ts'
import type { Users } from './users.ts'

/** A session as this file sees it. */
export interface Rechecked {
  readonly users: Users
  /** Its connection is open. */
  readonly isOpen: boolean
  /** Asks who it is now. @throws what keeps it from being known */
  recheck(): Promise<void>
}

interface RechecksOptions {
  readonly logger: Logger
  readonly turns: Turns
  readonly sessions: () => readonly Rechecked[]
  /** Soon. */
  readonly later: (again: () => void) => void
}

/** A password may be hashed for each, in another thread. */
const AT_ONCE = 4
/** What asking for one costs at least, units of `Turns`. */
const ONE = 20

export class UserRechecks {
  readonly #options: RechecksOptions
  readonly #waiting = new Set<Rechecked>()
  #running = 0

  constructor(options: RechecksOptions) {
    this.#options = options
  }

  changed(users: Users): void {
    for (const session of this.#options.sessions()) if (session.users === users) this.#waiting.add(session)
    this.#start()
  }

  add(session: Rechecked): void {
    this.#waiting.add(session)
    this.#start()
  }

  #start(): void {
    while (this.#running < Math.min(AT_ONCE, this.#waiting.size)) {
      this.#running += 1
      // One that came just as it found none is not left waiting.
      const over = (): void => {
        this.#running -= 1
        this.#start()
      }
      this.#work().then(over, over)
    }
  }

  /** Never rejects. */
  async #work(): Promise<void> {
    for (;;) {
      await this.#options.turns.take('recheck', ONE)
      const [session] = this.#waiting
      if (session === undefined) return
      this.#waiting.delete(session)
      if (session.isOpen) await this.#look(session)
    }
  }

  async #look(session: Rechecked): Promise<void> {
    try {
      await session.recheck()
    } catch (error) {
      const { logger, later } = this.#options
      logger.warn({ err: error }, 'could not recheck a user, trying again')
      later(() => this.add(session))
    }
  }
}
