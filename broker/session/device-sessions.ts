/** The live device sessions of this node: found by token id, woken by the store, swept periodically. */
import type { Logger } from 'pino'
import { PushError } from '../../errors.ts'
import type { Limits } from '../../common/limits.ts'
import type { Metrics } from '../../common/metrics.ts'
import type {
  Cursors,
  LogEntry,
  BroadcastEntry,
  SessionEnd,
  SessionOwner,
  Store,
  TokenId,
  Watcher,
} from '../../store/contract.ts'
import type { Revocations } from '../../store/revocations.ts'
import { type Device, Selections } from '../../topics/index.ts'
import type { Turns } from '../../common/turns.ts'
import { BroadcastFanout, type FanoutContext } from './broadcast-fanout.ts'
import { Commits } from './commits.ts'
import type { DelayedWills } from './delayed-wills.ts'
import { Round, sessionRoundMs } from './round.ts'

const SWEEP_TICK_MS = 1000
/** What it takes to end a session, and to see whether it was revoked, units. */
const ENDED_WORK = 100
const LOOK_WORK = 1

/** A session as this file sees it. */
export interface LiveSession {
  readonly tokenId: TokenId
  readonly epoch: number
  readonly device: Pick<Device, 'generation' | 'kid' | 'app' | 'accountMark' | 'epochs'>
  readonly connection: {
    readonly isParting: boolean
    onceOver(callback: () => void): void
    failed(error: unknown): void
  }
  end(error: PushError): void
  privateArrived(offset: number, entry: LogEntry | undefined): void
  privateRemoved(offset: number): void
  acknowledgedElsewhere(cursors: Cursors): void
  /** Commits its position again. */
  cursorsLost(): void
  /** Reads both logs again, in case a wake was lost. */
  look(): void
}

interface Expected {
  waiting: number
  offset: number
  ended: { readonly epoch: number; readonly reason: SessionEnd } | undefined
}

export type DeviceSessionsLimits = Pick<Limits, 'commitMs' | 'sessionRecheckMs' | 'retryMs'>

interface DeviceSessionsOptions {
  readonly store: Store
  readonly metrics: Metrics
  readonly logger: Logger
  readonly limits: DeviceSessionsLimits
  readonly turns: Turns
  readonly revocations: Pick<Revocations, 'isRevoked' | 'onRevoked'>
  readonly wills: DelayedWills
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Milliseconds of a clock that nobody sets. */
  readonly monotonic: () => number
}

export class DeviceSessions implements Watcher {
  readonly commits: Commits
  readonly #store: Store
  readonly #wills: DelayedWills
  readonly #logger: Logger
  readonly #metrics: Metrics
  readonly #limits: DeviceSessionsLimits
  readonly #turns: Turns
  readonly #revocations: Pick<Revocations, 'isRevoked' | 'onRevoked'>
  readonly #live = new Map<TokenId, LiveSession>()
  /** What was heard of token ids whose session is just being opened. */
  readonly #expected = new Map<TokenId, Expected>()
  /** Sessions whose end is being written: the next connection of the token id waits for it. */
  readonly #closing = new Map<TokenId, Promise<void>>()
  readonly #fanoutContext: FanoutContext
  readonly #fanouts = new Map<string, BroadcastFanout>()
  readonly #sessionRound = new Round(this.#live)
  readonly #broadcastRound = new Round(this.#fanouts)
  readonly #retry = new Set<LiveSession>()
  #retryTimer: NodeJS.Timeout | undefined
  #sweepTimer: NodeJS.Timeout | undefined
  /** Something was revoked since the last pass began. */
  #isRevoked = false
  #isEndingRevoked = false
  #stopWatching: () => void = () => undefined

  constructor(options: DeviceSessionsOptions) {
    const { store, metrics, logger, limits, turns, wills, now, monotonic } = options
    const untold = () => metrics.queueDropped.inc()
    this.#fanoutContext = { store, logger, turns, selections: new Selections(), now, monotonic, untold }
    this.#store = store
    this.#metrics = metrics
    this.#logger = logger
    this.#limits = limits
    this.#turns = turns
    this.#revocations = options.revocations
    this.#wills = wills
    this.commits = new Commits(store, logger, limits.commitMs, monotonic)
  }

  get size(): number {
    return this.#live.size
  }

  start(): void {
    const stopWatching = this.#store.watch(this)
    const stopHearing = this.#revocations.onRevoked(() => this.#revoked())
    this.#stopWatching = () => {
      stopWatching()
      stopHearing()
    }
    this.#sweepTimer = setInterval(() => this.#sweepSome(), SWEEP_TICK_MS).unref()
  }

  /** Ends every session and writes what it leaves; the store stays open. */
  async stop(): Promise<void> {
    clearInterval(this.#sweepTimer)
    clearTimeout(this.#retryTimer)
    this.#stopWatching()
    this.#wills.stop()
    for (const session of [...this.#live.values()]) session.end(new PushError('SHUTTING_DOWN'))
    // Sessions that end write their own last cursors: nothing is marked behind the flush.
    await Promise.all([...this.#closing.values(), this.commits.flush()])
  }

  /**
   * Ends a session of this token id here; resolves when what it leaves is written. Undefined: there is none.
   * @throws TOKEN_REVOKED when that session has a newer generation: a revoked token ends nobody's session
   */
  release({ tokenId, generation }: Pick<Device, 'tokenId' | 'generation'>): Promise<void> | undefined {
    const live = this.#live.get(tokenId)
    if (live === undefined) return this.#closing.get(tokenId)
    if (generation < live.device.generation) throw new PushError('TOKEN_REVOKED')
    return this.#release(live)
  }

  async #release(live: LiveSession): Promise<void> {
    // A client that reconnects at once: its last packets still count.
    if (live.connection.isParting) await new Promise<void>((resolve) => live.connection.onceOver(resolve))
    live.end(new PushError('SESSION_TAKEN_OVER'))
    await this.#closing.get(live.tokenId)
  }

  /** From now on, what is heard of this token id is kept for `started`; returns how to stop. */
  expect(tokenId: TokenId): () => void {
    const expected = this.#expected.get(tokenId) ?? { waiting: 0, offset: 0, ended: undefined }
    expected.waiting++
    this.#expected.set(tokenId, expected)
    return () => {
      if (--expected.waiting === 0) this.#expected.delete(tokenId)
    }
  }

  /** Tells a session what was heard of it while it was opened. */
  started(session: LiveSession): void {
    const expected = this.#expected.get(session.tokenId)
    if (expected === undefined) return
    if (expected.ended !== undefined && session.epoch <= expected.ended.epoch)
      session.end(new PushError(expected.ended.reason))
    if (expected.offset > 0) session.privateArrived(expected.offset, undefined)
  }

  /** @throws SESSION_TAKEN_OVER when a newer one is here already */
  add(session: LiveSession): void {
    const other = this.#live.get(session.tokenId)
    if (other !== undefined && other.epoch > session.epoch) throw new PushError('SESSION_TAKEN_OVER')
    other?.end(new PushError('SESSION_TAKEN_OVER'))
    this.#live.set(session.tokenId, session)
  }

  /** `written` resolves when the store knows the end of the session, and its will is on its way. */
  remove(session: LiveSession, written: Promise<unknown>): void {
    const { tokenId } = session
    if (this.#live.get(tokenId) === session) this.#live.delete(tokenId)
    this.#retry.delete(session)
    this.#metrics.pendingWakes.set(this.#retry.size)
    const earlier = this.#closing.get(tokenId)
    const both = earlier === undefined ? written : Promise.all([earlier, written])
    const closing: Promise<void> = both.then(() => {
      if (this.#closing.get(tokenId) === closing) this.#closing.delete(tokenId)
    })
    this.#closing.set(tokenId, closing)
  }

  fanout(app: string): BroadcastFanout {
    let fanout = this.#fanouts.get(app)
    if (fanout === undefined) {
      fanout = new BroadcastFanout(app, this.#fanoutContext)
      this.#fanouts.set(app, fanout)
    }
    return fanout
  }

  /** A fan-out without listeners costs a read a sweep, and its tail. */
  releaseFanout(fanout: BroadcastFanout): void {
    if (fanout.idle && this.#fanouts.get(fanout.app) === fanout) this.#fanouts.delete(fanout.app)
  }

  /** Runs the drain of a session again soon: the store did not answer. */
  later(session: LiveSession): void {
    this.#retry.add(session)
    this.#metrics.pendingWakes.set(this.#retry.size)
    this.#retryTimer ??= setTimeout(() => {
      this.#retryTimer = undefined
      const sessions = [...this.#retry]
      this.#retry.clear()
      this.#metrics.pendingWakes.set(0)
      for (const each of sessions) this.#tell(each, (session) => session.look())
    }, this.#limits.retryMs)
  }

  privateAppended(tokenId: TokenId, offset: number, entry?: LogEntry): void {
    this.#tell(this.#live.get(tokenId), (session) => session.privateArrived(offset, entry))
    const expected = this.#expected.get(tokenId)
    if (expected !== undefined) expected.offset = Math.max(expected.offset, offset)
  }

  privateRemoved(tokenId: TokenId, offset: number): void {
    this.#tell(this.#live.get(tokenId), (session) => session.privateRemoved(offset))
  }

  broadcastRemoved(app: string, offset: number): void {
    this.#fanouts.get(app)?.removed(offset)
  }

  broadcastAppended(app: string, offset: number, entry?: BroadcastEntry): void {
    this.#fanouts.get(app)?.woken(offset, entry)
  }

  willDue(session: SessionOwner, epoch: number): void {
    if ('tokenId' in session) this.#wills.due(session, epoch)
  }

  sessionEnded(tokenId: TokenId, epoch: number, reason: SessionEnd): void {
    const session = this.#live.get(tokenId)
    if (session !== undefined && session.epoch <= epoch) session.end(new PushError(reason))
    const expected = this.#expected.get(tokenId)
    if (expected !== undefined && epoch >= (expected.ended?.epoch ?? 0)) expected.ended = { epoch, reason }
  }

  cursorMoved(tokenId: TokenId, cursors: Cursors): void {
    this.#tell(this.#live.get(tokenId), (session) => session.acknowledgedElsewhere(cursors))
  }

  cursorsLost(tokenId: TokenId): void {
    this.#tell(this.#live.get(tokenId), (session) => session.cursorsLost())
  }

  resync(): void {
    for (const each of this.#live.values()) this.#tell(each, (session) => session.look())
    for (const fanout of this.#fanouts.values()) this.#check(fanout)
  }

  #revoked(): void {
    this.#isRevoked = true
    if (this.#isEndingRevoked) return
    this.#isEndingRevoked = true
    this.#endRevoked().catch((error: unknown) => this.#couldNotEnd(error))
  }

  /** However many revoke however much, there is one pass at a time, for all that was revoked before it began. */
  async #endRevoked(): Promise<void> {
    try {
      while (this.#isRevoked) {
        this.#isRevoked = false
        await this.#endThose(({ device }) => this.#revocations.isRevoked(device))
      }
    } finally {
      this.#isEndingRevoked = false
    }
  }

  /** Their tokens hold no more: the key that signed them was retired. */
  endSignedBy(kid: string): void {
    this.#endThose(({ device }) => device.kid === kid).catch((error: unknown) => this.#couldNotEnd(error))
  }

  /** They may be all that there are: others have turns in between. */
  async #endThose(isOver: (session: LiveSession) => boolean): Promise<void> {
    for (const session of this.#live.values()) {
      const ends = isOver(session)
      if (ends) this.#tell(session, () => session.end(new PushError('TOKEN_REVOKED')))
      const waiting = this.#turns.take('revocations', ends ? ENDED_WORK : LOOK_WORK)
      if (waiting !== undefined) await waiting
    }
  }

  #couldNotEnd(error: unknown): void {
    this.#logger.error({ err: error }, 'could not close revoked sessions')
  }

  /** A part of the sessions and broadcast logs each second, so that a sweep is never a burst. */
  #sweepSome(): void {
    const ticksIn = (ms: number): number => Math.max(1, Math.round(ms / SWEEP_TICK_MS))
    const sessionTicks = ticksIn(sessionRoundMs(this.#store, this.#limits))
    this.#sessionRound.tick(sessionTicks, (session) => this.#tell(session, () => session.look()))
    this.#broadcastRound.tick(ticksIn(this.#limits.sessionRecheckMs), (fanout) => this.#check(fanout))
  }

  /** What a session throws is the end of its connection, and of no other. */
  #tell(session: LiveSession | undefined, tell: (session: LiveSession) => void): void {
    if (session === undefined) return
    try {
      tell(session)
    } catch (error) {
      session.connection.failed(error)
    }
  }

  #check(fanout: BroadcastFanout): void {
    fanout.check().catch((error: unknown) => this.#logger.warn({ err: error }, 'could not read a broadcast log'))
  }
}
