/** Long polls: requests that wait until something arrives for their device. */
import { PushError } from '../errors.ts'
import type { Store, TokenId } from '../store/contract.ts'
import type { Revocations } from '../store/revocations.ts'
import type { SharedCount } from '../common/tally.ts'
import type { Device, Selections } from '../topics/index.ts'
import type { KnownDevice } from './authenticate.ts'
import type { HttpLimits } from './limits.ts'
import type { PageEntry } from './lookup.ts'

interface LongPoll {
  /** Of the device, as the registry had them last: what asks for others does not wake it. */
  tags: readonly string[]
  /** The time is up or the token ends, the client is gone, the server shuts down, or newer polls of the token need the room. */
  readonly isOver: boolean
  /** Resolves when there may be something to read, or the poll is over. What came since the last call counts. */
  woken(): Promise<void>
  /** Messages that are not stored and came since the last call: for who waits now, or for nobody. */
  told(): PageEntry[]
  leave(): void
}

export interface LongPolls {
  /**
   * Hears of everything that is stored from here on: read after this, then wait.
   * @throws RATE_LIMITED, SHUTTING_DOWN, STORE_UNAVAILABLE
   */
  enter(known: KnownDevice, seconds: number, gone: AbortSignal): Promise<LongPoll>
  /** Starts to hear the store; returns how to stop. */
  watch(): () => void
  /** The token may have been revoked or switched here: who waits with it asks the registry again. */
  recheck(tokenId: TokenId): void
  /** The same of every token. */
  recheckAll(): void
  /** Ends every poll, and lets none in. */
  close(): void
}

interface Following {
  readonly polls: Set<Poll>
  readonly stop: Promise<() => void>
}

interface LongPollOptions {
  readonly store: Store
  readonly revocations: Pick<Revocations, 'isRevoked' | 'onRevoked'>
  readonly limits: HttpLimits
  readonly selections: Selections
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** What other processes count too, by token id. */
  readonly shared?: SharedCount | undefined
}

/** Messages that are not stored, of one answer. */
const MOST_TOLD = 20

export function createLongPolls(options: LongPollOptions): LongPolls {
  const { store, revocations, limits, selections, now, shared } = options
  const byToken = new Map<TokenId, Following>()
  const byApp = new Map<string, Set<Poll>>()
  let open = 0
  let isClosed = false
  /** Polls that wait in other processes. */
  const elsewhere = new Map<TokenId, number>()

  function heard(tokenId: TokenId, change: number): void {
    open += change
    const count = (elsewhere.get(tokenId) ?? 0) + change
    if (count === 0) elsewhere.delete(tokenId)
    else elsewhere.set(tokenId, count)
    const polls = byToken.get(tokenId)?.polls ?? new Set()
    const [oldest] = polls
    if (change > 0 && polls.size + count > limits.waitingPerToken) oldest?.end()
  }

  function add(poll: Poll): Promise<unknown> {
    const { tokenId, app } = poll.device
    const following = byToken.get(tokenId) ?? { polls: new Set(), stop: store.follow(tokenId) }
    byToken.set(tokenId, following)
    following.polls.add(poll)
    const ofApp = byApp.get(app) ?? new Set()
    byApp.set(app, ofApp.add(poll))
    open++
    shared?.tell(tokenId, 1)
    // A client that lost its connection polls again while the old poll still waits for the network to notice.
    const [oldest] = following.polls
    if (following.polls.size > limits.waitingPerToken) oldest?.end()
    return following.stop
  }

  function remove(poll: Poll): void {
    const { tokenId, app } = poll.device
    const following = byToken.get(tokenId)
    if (following === undefined || !following.polls.delete(poll)) return
    open--
    shared?.tell(tokenId, -1)
    const ofApp = byApp.get(app)
    ofApp?.delete(poll)
    if (ofApp?.size === 0) byApp.delete(app)
    if (following.polls.size > 0) return
    byToken.delete(tokenId)
    // When following failed, those who waited for it were told.
    following.stop.then((stop) => stop()).catch(() => {})
  }

  function wake(polls: Iterable<Poll> = []): void {
    for (const poll of polls) poll.wake()
  }

  function everyPoll(): Poll[] {
    return [...byToken.values()].flatMap(({ polls }) => [...polls])
  }

  function recheck(tokenId: TokenId): void {
    wake(byToken.get(tokenId)?.polls)
  }

  const revokedApps = new Set<string>()
  /** One look for all that is revoked in a turn; of those who wait, only who is meant asks the registry. */
  function revoked(app: string): void {
    if (revokedApps.size === 0) setImmediate(recheckRevoked)
    revokedApps.add(app)
  }

  function recheckRevoked(): void {
    for (const app of revokedApps)
      for (const poll of byApp.get(app) ?? []) if (revocations.isRevoked(poll.device)) poll.wake()
    revokedApps.clear()
  }

  shared?.hear(heard)
  return {
    recheck,
    recheckAll: () => wake(everyPoll()),
    async enter({ device, record }, seconds, gone) {
      if (isClosed) throw new PushError('SHUTTING_DOWN')
      if (open >= limits.waiting) throw new PushError('RATE_LIMITED', 'too many long polls')
      const poll = new Poll(device, record.details.tags, remove)
      try {
        await add(poll)
      } catch (error) {
        poll.leave()
        throw error
      }
      poll.start(seconds * 1000, () => device.expiresAt - now(), limits.longPollRecheckMs, gone)
      return poll
    },
    watch() {
      const stopHearing = revocations.onRevoked(revoked)
      const stopWatching = store.watch({
        privateAppended(tokenId, offset, entry) {
          const polls = byToken.get(tokenId)?.polls ?? []
          if (offset === 0 && entry !== undefined) for (const poll of polls) poll.tell({ log: 'private', entry })
          wake(polls)
        },
        broadcastAppended(app, offset, entry) {
          for (const poll of byApp.get(app) ?? []) {
            const { device, tags } = poll
            if (device.version === undefined) continue
            if (entry !== undefined && !selections.selects(entry.selector, device.version, tags)) continue
            if (offset === 0 && entry !== undefined) poll.tell({ log: 'broadcast', entry })
            poll.wake()
          }
        },
        // A newer MQTT session is nothing to it; for the rest, the registry knows why.
        sessionEnded: (tokenId, _epoch, reason) => {
          if (reason !== 'SESSION_TAKEN_OVER') recheck(tokenId)
        },
        cursorMoved: () => {},
        cursorsLost: () => {},
        resync: () => wake(everyPoll()),
      })
      return () => {
        stopHearing()
        stopWatching()
      }
    },
    close() {
      isClosed = true
      for (const poll of everyPoll()) poll.end()
    },
  }
}

class Poll implements LongPoll {
  readonly device: Device
  tags: readonly string[]
  isOver = false
  #told: PageEntry[] = []
  #isAwake = false
  #resolve: (() => void) | undefined
  readonly #removed: (poll: Poll) => void
  readonly #stop: (() => void)[] = []

  constructor(device: Device, tags: readonly string[], removed: (poll: Poll) => void) {
    this.device = device
    this.tags = tags
    this.#removed = removed
  }

  /** @param left milliseconds until the token ends */
  start(waitMs: number, left: () => number, recheckMs: number, gone: AbortSignal): void {
    const end = () => this.end()
    let tokenEnd: NodeJS.Timeout | undefined
    // A timer may come a little before the clock says that its time is there, and the answer depends on that.
    const endWithToken = () => {
      const ms = left()
      if (ms <= 0) end()
      else if (ms < waitMs) tokenEnd = setTimeout(endWithToken, ms)
    }
    endWithToken()
    const deadline = setTimeout(end, waitMs)
    const recheck = setInterval(() => this.wake(), recheckMs)
    gone.addEventListener('abort', end, { once: true })
    this.#stop.push(
      () => clearTimeout(deadline),
      () => clearTimeout(tokenEnd),
      () => clearInterval(recheck),
      () => gone.removeEventListener('abort', end),
    )
    if (gone.aborted) this.end()
  }

  woken(): Promise<void> {
    if (this.#isAwake || this.isOver) {
      this.#isAwake = false
      return Promise.resolve()
    }
    return new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  tell(entry: PageEntry): void {
    if (this.#told.length < MOST_TOLD) this.#told.push(entry)
  }

  told(): PageEntry[] {
    return this.#told.splice(0)
  }

  wake(): void {
    const resolve = this.#resolve
    this.#resolve = undefined
    if (resolve === undefined) this.#isAwake = true
    else resolve()
  }

  end(): void {
    this.isOver = true
    this.wake()
  }

  leave(): void {
    for (const stop of this.#stop.splice(0)) stop()
    this.#removed(this)
  }
}
