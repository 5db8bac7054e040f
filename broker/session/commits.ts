/** Writes the cursor moves of all sessions of this node together. */
import type { Logger } from 'pino'
import type { Commit, Store, TokenId } from '../../store/contract.ts'
import { CommitPeriod } from './commit-period.ts'

/** A session as this file sees it. */
export interface Committing {
  readonly tokenId: TokenId
  readonly epoch: number
  /** What is to be committed as things stand now. */
  cursors(): Omit<Commit, 'tokenId' | 'epoch'>
  /** It was. */
  committed(commit: Commit): void
  /** A newer session has been opened elsewhere. */
  fenced(): void
}

const RETRY_MS = 500
/** After an outage, all sessions may have cursors to write, more than the store accepts at a time. */
const TOGETHER = 1_000

export class Commits {
  readonly #store: Store
  readonly #logger: Logger
  readonly #period: CommitPeriod<Committing>
  #writing: Promise<void> = Promise.resolve()

  constructor(store: Store, logger: Logger, periodMs: number, monotonic: () => number) {
    this.#store = store
    this.#logger = logger
    const write = (): void => void this.flush().catch(() => undefined)
    this.#period = new CommitPeriod({ periodMs, monotonic, write })
  }

  /** The cursors of this session have moved. `soon`: somebody waits to hear of it. */
  mark(session: Committing, soon = false): void {
    this.#period.add(session, soon)
  }

  /** Writes what is marked, now. Never rejects: what could not be written stays marked. */
  flush(): Promise<void> {
    this.#writing = this.#writing
      .then(() => this.#write())
      // Not even a fault of one session: all later writes wait for this one.
      .catch((error: unknown) => this.#logger.error({ err: error }, 'could not collect cursors'))
    return this.#writing
  }

  /** Takes a session out that writes its last cursors itself. */
  forget(session: Committing): void {
    this.#period.forget(session)
  }

  async #write(): Promise<void> {
    const all = this.#period.take()
    for (let from = 0; from < all.length; from += TOGETHER) {
      try {
        await this.#writeSome(all.slice(from, from + TOGETHER))
      } catch (error) {
        const left = all.slice(from)
        this.#logger.warn({ err: error, sessions: left.length }, 'could not write cursors, trying again')
        return this.#period.retry(left, RETRY_MS)
      }
    }
  }

  async #writeSome(sessions: readonly Committing[]): Promise<void> {
    const byToken = new Map<TokenId, Committing>()
    const commits: Commit[] = []
    for (const session of sessions) {
      byToken.set(session.tokenId, session)
      commits.push({ tokenId: session.tokenId, epoch: session.epoch, ...session.cursors() })
    }
    for (const refused of await this.#store.commit(commits)) {
      const session = byToken.get(refused.tokenId)
      if (session !== undefined && session.epoch === refused.epoch) session.fenced()
    }
    for (const commit of commits) byToken.get(commit.tokenId)?.committed(commit)
  }
}
