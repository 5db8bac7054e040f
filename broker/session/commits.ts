/**
 * Batches the cursor moves of all sessions of this node. What a crash loses here is delivered again; no message is
 * lost.
 */
import type { Logger } from 'pino'
import type { Commit, Store, TokenId } from '../../store/contract.ts'

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
  readonly #periodMs: number
  readonly #monotonic: () => number
  #dirty = new Set<Committing>()
  #timer: NodeJS.Timeout | undefined
  #flushedAt = -Infinity
  #writing: Promise<void> = Promise.resolve()

  constructor(store: Store, logger: Logger, periodMs: number, monotonic: () => number) {
    this.#store = store
    this.#logger = logger
    this.#periodMs = periodMs
    this.#monotonic = monotonic
  }

  /**
   * The cursors of this session have moved. They are written at once when nothing was written for a period, and else with
   * what comes until its end: whatever waits here when the process is killed is delivered again.
   */
  mark(session: Committing): void {
    this.#dirty.add(session)
    if (this.#timer !== undefined) return
    const wait = Math.max(0, this.#flushedAt + this.#periodMs - this.#monotonic())
    this.#timer = setTimeout(() => this.#tick(), wait)
  }

  /** Writes what is marked, now. Never rejects: what could not be written stays marked. */
  flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#flushedAt = this.#monotonic()
    this.#writing = this.#writing
      .then(() => this.#write())
      // Not even a fault of one session: all later writes wait for this one.
      .catch((error: unknown) => this.#logger.error({ err: error }, 'could not collect cursors'))
    return this.#writing
  }

  /** Takes a session out that writes its last cursors itself. */
  forget(session: Committing): void {
    this.#dirty.delete(session)
  }

  #tick(): void {
    this.#timer = undefined
    this.flush().catch(() => undefined)
  }

  async #write(): Promise<void> {
    if (this.#dirty.size === 0) return
    const all = [...this.#dirty]
    this.#dirty = new Set()
    for (let from = 0; from < all.length; from += TOGETHER) {
      try {
        await this.#writeSome(all.slice(from, from + TOGETHER))
      } catch (error) {
        const left = all.slice(from)
        this.#logger.warn({ err: error, sessions: left.length }, 'could not write cursors, trying again')
        for (const session of left) this.#dirty.add(session)
        this.#timer ??= setTimeout(() => this.#tick(), RETRY_MS)
        return
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
