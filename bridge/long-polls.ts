/** Long polls and streams: requests that wait until something arrives for their device. */
import { PushError } from '../errors.ts'
import type { Store, TokenId } from '../store/contract.ts'
import type { Revocations } from '../store/revocations.ts'
import type { Device, Selections } from '../topics/index.ts'
import type { KnownDevice } from './authenticate.ts'
import type { HttpLimits } from './limits.ts'
import type { PageEntry } from './lookup.ts'
import { Poll, timerAtMost } from './poll.ts'
import type { Waiting } from './waiting.ts'

export interface LongPolls {
  /**
   * Registers a poll that hears of everything stored from now on: read after this, then wait. `seconds`: undefined for
   * no end.
   * @throws RATE_LIMITED, SHUTTING_DOWN, STORE_UNAVAILABLE
   */
  enter(known: KnownDevice, seconds: number | undefined, gone: AbortSignal): Promise<DevicePoll>
  /** Starts listening to the store; returns a function that stops it. */
  watch(): () => void
  /** The token may have been revoked or switched here: polls with it ask the registry again. */
  recheck(tokenId: TokenId): void
  /** The same for every token. */
  recheckAll(): void
  /** Ends every poll, and lets none in. */
  close(): void
}

interface Following {
  readonly polls: Set<DevicePoll>
  readonly stop: Promise<() => void>
}

interface LongPollOptions {
  readonly store: Store
  readonly revocations: Pick<Revocations, 'isRevoked' | 'onRevoked'>
  readonly limits: Pick<HttpLimits, 'waitingPerToken' | 'longPollRecheckMs'>
  readonly selections: Selections
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** By token id. */
  readonly waiting: Waiting
}

/** Messages that are not stored, of one answer. */
const MOST_TOLD = 20

export function createLongPolls(options: LongPollOptions): LongPolls {
  const { store, revocations, limits, selections, now, waiting } = options
  const byToken = new Map<TokenId, Following>()
  const byApp = new Map<string, Set<DevicePoll>>()
  let isClosed = false

  // A client that lost its connection polls again before the network notices the end of the old poll.
  function makeRoom(tokenId: TokenId, elsewhere: number): void {
    const polls = byToken.get(tokenId)?.polls ?? new Set()
    const [oldest] = polls
    if (polls.size + elsewhere > limits.waitingPerToken) oldest?.makeRoom()
  }

  function add(poll: DevicePoll): Promise<unknown> {
    const { tokenId, app } = poll.device
    const following = byToken.get(tokenId) ?? { polls: new Set(), stop: store.follow(tokenId) }
    byToken.set(tokenId, following)
    following.polls.add(poll)
    const ofApp = byApp.get(app) ?? new Set()
    byApp.set(app, ofApp.add(poll))
    waiting.add(tokenId)
    makeRoom(tokenId, 0)
    return following.stop
  }

  function remove(poll: DevicePoll): void {
    const { tokenId, app } = poll.device
    const following = byToken.get(tokenId)
    if (following === undefined || !following.polls.delete(poll)) return
    waiting.remove(tokenId)
    const ofApp = byApp.get(app)
    ofApp?.delete(poll)
    if (ofApp?.size === 0) byApp.delete(app)
    if (following.polls.size > 0) return
    byToken.delete(tokenId)
    // If following failed, the waiting polls were told.
    following.stop.then((stop) => stop()).catch(() => {})
  }

  function wake(polls: Iterable<DevicePoll> = []): void {
    for (const poll of polls) poll.wake()
  }

  function everyPoll(): DevicePoll[] {
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

  waiting.onCrowded(makeRoom)
  return {
    recheck,
    recheckAll: () => wake(everyPoll()),
    async enter({ device, record }, seconds, gone) {
      if (isClosed) throw new PushError('SHUTTING_DOWN')
      waiting.check()
      const poll = new DevicePoll(device, record.details.tags, remove)
      try {
        await add(poll)
      } catch (error) {
        poll.leave()
        throw error
      }
      const waitMs = seconds === undefined ? undefined : seconds * 1000
      poll.endWith(waitMs, () => device.expiresAt - now())
      poll.start(waitMs, limits.longPollRecheckMs, gone)
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
      for (const poll of everyPoll()) poll.close()
    },
  }
}

/** It is over with its token too. */
export class DevicePoll extends Poll {
  readonly device: Device
  /** Tags of the device, as the registry had them last: what asks for others does not wake it. */
  tags: readonly string[]
  readonly #told: PageEntry[] = []

  constructor(device: Device, tags: readonly string[], removed: (poll: DevicePoll) => void) {
    super(() => removed(this))
    this.device = device
    this.tags = tags
  }

  /** `isHeldUp`: its client reads nothing, so that messages with `ttl: 0` are not for it. */
  isHeldUp = false

  tell(entry: PageEntry): void {
    if (!this.isHeldUp && this.#told.length < MOST_TOLD) this.#told.push(entry)
  }

  /** Messages that are not stored and came since the last call: for who waits now, or for nobody. */
  told(): PageEntry[] {
    return this.#told.splice(0)
  }

  /** @param left milliseconds until the token ends */
  endWith(waitMs: number | undefined, left: () => number): void {
    let tokenEnd: NodeJS.Timeout | undefined
    // A timer may fire slightly before its time by the clock, and the result depends on the time.
    const endWithToken = () => {
      const ms = left()
      if (ms <= 0) this.end()
      else if (waitMs === undefined || ms < waitMs) tokenEnd = timerAtMost(endWithToken, ms)
    }
    endWithToken()
    this.onLeave(() => clearTimeout(tokenEnd))
  }
}
