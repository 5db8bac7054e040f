/** The live sessions of users on this node: found by name, woken by their logs, swept periodically. */
import { createHash } from 'node:crypto'
import type { Logger } from 'pino'
import type { Limits } from '../../common/limits.ts'
import type { SessionEntry, SessionOwner, Store, Watcher } from '../../store/contract.ts'
import { CommitPeriod } from './commit-period.ts'
import type { Crowding } from './crowding.ts'
import type { DelayedWills } from './delayed-wills.ts'
import { ForgetLater } from './forget-later.ts'
import { type LiveNamed, LiveNames, Retries } from './live-names.ts'
import type { Turns } from '../../common/turns.ts'
import { MemoryBudget } from './memory-budget.ts'
import { sessionRoundMs } from './round.ts'
import { type Rechecked, UserRechecks } from './user-rechecks.ts'

/** Names of users' sessions begin so. */
export const USER_SESSIONS = 'u/'
/** Of a name in the store, bytes. */
const LONGEST = 400
/** QoS 2 messages from clients that are published and wait for PUBREL: so many uids are remembered. */
const PUBLISHED = 10_000

/** A client id never reaches another principal's session; with an empty `user`, another user's. */
export function userSessionName(user: string, clientId: string): string {
  const name = `${USER_SESSIONS}${encodeURIComponent(user)}/${clientId}`
  if (Buffer.byteLength(name) <= LONGEST) return name
  // No user has such a name: it would be encoded.
  return `${USER_SESSIONS}#${createHash('sha256').update(name).digest('base64url')}`
}

/** A session as this file sees it. */
export interface LiveUserSession extends LiveNamed, Rechecked {
  /** Its log grew. */
  logArrived(offset: number, entry: SessionEntry | undefined): void
  /** Looks at its log again. */
  look(): Promise<void>
  /** What it publishes fills a queue. */
  crowds(queue: Crowding): void
  /** Writes what was acknowledged. */
  commit(): Promise<void>
}

interface UserSessionsOptions {
  readonly store: Store
  readonly logger: Logger
  readonly wills: DelayedWills
  readonly turns: Turns
  readonly limits: Pick<Limits, 'commitMs' | 'retryMs' | 'sessionRecheckMs' | 'queuedBytesInAll' | 'redisTimeoutMs'>
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number
}

export class UserSessions implements Watcher {
  readonly live = new LiveNames<LiveUserSession>()
  readonly budget: MemoryBudget
  readonly forgotten: ForgetLater
  readonly rechecks: UserRechecks
  readonly #options: UserSessionsOptions
  readonly #commits: CommitPeriod<LiveUserSession>
  readonly #published = new Set<string>()
  readonly #retries: Retries
  #sweepTimer: NodeJS.Timeout | undefined
  #sweeping = false
  #stopWatching: () => void = () => undefined

  constructor(options: UserSessionsOptions) {
    const { limits, logger, monotonic, turns } = options
    this.#options = options
    this.#retries = new Retries(limits.retryMs)
    this.forgotten = new ForgetLater({ callMs: limits.redisTimeoutMs, monotonic })
    this.budget = new MemoryBudget(limits.queuedBytesInAll)
    this.#commits = new CommitPeriod({ periodMs: limits.commitMs, monotonic, write: () => this.#commit() })
    this.rechecks = new UserRechecks({
      logger,
      turns,
      sessions: () => this.live.all(),
      later: (again) => this.later(again),
    })
  }

  start(): void {
    const { store, limits } = this.#options
    this.#stopWatching = store.watch(this)
    this.#sweepTimer = setInterval(() => this.resync(), sessionRoundMs(store, limits)).unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#sweepTimer)
    this.#retries.stop()
    this.#commits.stop()
    await this.live.stop()
    this.forgotten.stop()
    this.#stopWatching()
    this.#options.wills.stop()
  }

  /** Something of this session was acknowledged. */
  moved(session: LiveUserSession): void {
    this.#commits.add(session)
  }

  /** It writes the last itself. */
  forget(session: LiveUserSession): void {
    this.#commits.forget(session)
  }

  #commit(): void {
    for (const session of this.#commits.take())
      session.commit().catch((error: unknown) => {
        this.#options.logger.warn({ err: error }, 'could not write acknowledgements, trying again')
        this.later(() => {
          if (this.live.get(session.name) === session) this.moved(session)
        })
      })
  }

  /** The store did not answer: again, soon. */
  later(again: () => void): void {
    this.#retries.later(again)
  }

  /** A QoS 2 message of this uid was published from here. */
  published(uid: string): void {
    this.#published.add(uid)
    if (this.#published.size <= PUBLISHED) return
    const [oldest] = this.#published
    if (oldest !== undefined) this.#published.delete(oldest)
  }

  /** A client that comes back before its PUBREL sends it again: it need not be published again. */
  wasPublished(uid: string): boolean {
    return this.#published.has(uid)
  }

  forgetPublished(uid: string): void {
    this.#published.delete(uid)
  }

  sessionAppended(name: string, offset: number, entry?: SessionEntry): void {
    this.live.get(name)?.logArrived(offset, entry)
  }

  namedSessionEnded(name: string, epoch: number): void {
    this.live.ended(name, epoch)
  }

  willDue(session: SessionOwner, epoch: number): void {
    if ('name' in session && session.name.startsWith(USER_SESSIONS)) this.#options.wills.due(session, epoch)
  }

  /** Wakes may have been lost. One session after the other, so that it is never a burst. */
  resync(): void {
    if (this.#sweeping) return
    this.#sweeping = true
    this.#lookAtAll()
      .catch((error: unknown) => this.#options.logger.error({ err: error }, 'could not check the logs of sessions'))
      .finally(() => {
        this.#sweeping = false
      })
  }

  async #lookAtAll(): Promise<void> {
    for (const session of this.live.all()) await session.look()
  }

  privateAppended(): void {}
  broadcastAppended(): void {}
  sessionEnded(): void {}
  cursorMoved(): void {}
  cursorsLost(): void {}
}
