/** Sessions that are known by a name, and those of them that are open on this node. */
import { PushError } from '../../errors.ts'
import type { OpenedNamedSession, SessionClose, SessionSubscriptions, SubscriptionChange } from '../contract.ts'
import { asTime } from './entry.ts'
import type { Events } from './events.ts'
import { Held } from './held.ts'
import type { Lanes } from './lanes.ts'
import type { Names } from './names.ts'
import {
  asNumber,
  asOptionalBytes,
  asOptionalNumber,
  CHECK_NAMED,
  CLOSE_NAMED,
  LOOK_NAMED,
  OPEN_NAMED,
  RELEASE,
  REMEMBER,
  SAVE_NAMED,
  SUBSCRIBE,
  SUBSCRIPTIONS_ENDED,
} from './steps.ts'
import type { Followed } from './subscription-lease.ts'
import type { Subscriptions } from './subscriptions.ts'
import { type Unclosed, UnclosedSessions } from './unclosed.ts'

interface NamedSessionsOptions {
  readonly lanes: Lanes
  readonly events: Events
  readonly names: Names
  readonly subscriptions: Subscriptions
}

/** To be kept again where Redis lost it. */
interface OpenNamedSession {
  readonly epoch: number
  /** How long it is kept when this node dies, as the script has it. */
  readonly kept: number
  /** As it was last kept. */
  state: Uint8Array | undefined
  /** What was changed of its subscriptions, or all of them; without options those that are gone. */
  filters: Map<string, Uint8Array | undefined> | undefined
  hasAllFilters: boolean
}

interface UnclosedNamed extends Unclosed {
  /** As the script has it. */
  readonly opened: number | false
}

const FOR_EVER = -1

export class NamedSessions {
  readonly #options: NamedSessionsOptions
  readonly #held = new Held<OpenNamedSession, { readonly epoch: number }>()
  readonly #unclosed = new UnclosedSessions<UnclosedNamed>((name, unclosed) => this.#close(name, unclosed))
  /** Names of sessions that are gone, whose subscriptions are being ended. */
  readonly #ending = new Set<string>()

  constructor(options: NamedSessionsOptions) {
    this.#options = options
  }

  async open(name: string, cleanStart: boolean, keptMs = Infinity): Promise<OpenedNamedSession> {
    const { lanes, names } = this.#options
    const kept = keptMs === Infinity ? FOR_EVER : asTime(keptMs)
    const result = await lanes.run(OPEN_NAMED, ...names.placeOf(name), cleanStart, kept)
    this.#unclosed.opened(name)
    const epoch = asNumber(result[0])
    const state = asOptionalBytes(result[1])
    const taken = asOptionalNumber(result[3])
    if (taken !== undefined) this.ended(name, taken)
    const ended = asOptionalNumber(result[4])
    // All that came before: also a change of then that is still under way.
    if (ended !== undefined) await this.#endSubscriptions(name, epoch - 1, ended)
    const hasAllFilters = result[5] !== true
    // What Redis answered holds the results of a whole batch.
    const session = { epoch, kept, state: state && Buffer.from(state), filters: undefined, hasAllFilters }
    const early = this.#held.opened(name, session)
    if (early !== undefined) this.ended(name, early.epoch)
    const will = asOptionalBytes(result[6])
    const discarded = asOptionalBytes(result[7])
    return {
      epoch,
      ...(state === undefined ? {} : { state }),
      ...(discarded === undefined ? {} : { discarded }),
      unclean: result[2] === true,
      ...(will === undefined ? {} : { will }),
    }
  }

  async save(name: string, epoch: number, state: Uint8Array): Promise<void> {
    const { lanes, names } = this.#options
    const held = this.#held.withEpoch(name, epoch)
    if (held !== undefined) held.state = state
    await lanes.run(SAVE_NAMED, ...names.placeOf(name), epoch, held?.kept ?? false, state)
  }

  async close(name: string, epoch: number, close: SessionClose): Promise<void> {
    const opened = this.#opened(name, epoch)
    this.#held.forget(name, epoch)
    await this.#unclosed.close(name, { epoch, opened, close })
  }

  async #close(name: string, { epoch, opened, close }: UnclosedNamed): Promise<void> {
    const { lanes, names } = this.#options
    const { state, stateExpiresAt, will } = close
    // 0 is never.
    const expires = stateExpiresAt === Infinity ? 0 : Math.max(1, asTime(stateExpiresAt))
    const kept = will === undefined ? [false, false] : [asTime(will.publishAt), will.value]
    const result = await lanes.run(CLOSE_NAMED, ...names.placeOf(name), epoch, opened, state ?? false, expires, ...kept)
    const ended = asOptionalNumber(result[0])
    if (ended !== undefined) await this.#endSubscriptions(name, ended, ended)
    const due = asOptionalNumber(result[1])
    if (due !== undefined) this.#options.events.willDue({ name }, due)
  }

  async remember(name: string, epoch: number, packetId: number, known: string): Promise<string | undefined> {
    const { lanes, names } = this.#options
    const opened = this.#opened(name, epoch)
    const [earlier] = await lanes.run(REMEMBER, ...names.placeOf(name), epoch, opened, packetId, known)
    return asOptionalBytes(earlier)?.toString()
  }

  async release(name: string, epoch: number, packetId: number): Promise<string | undefined> {
    const { lanes, names } = this.#options
    const opened = this.#opened(name, epoch)
    const [known] = await lanes.run(RELEASE, ...names.placeOf(name), epoch, opened, packetId)
    return asOptionalBytes(known)?.toString()
  }

  has(name: string): boolean {
    return this.#held.get(name) !== undefined
  }

  /** How long the session is kept, where this node has opened it and not closed it. */
  #opened(name: string, epoch: number): number | false {
    return this.#held.withEpoch(name, epoch)?.kept ?? false
  }

  /** News of an end, from this node or another. */
  ended(name: string, epoch: number): void {
    this.#held.ended(name, { epoch })
    this.#options.events.namedSessionEnded(name, epoch)
  }

  // Subscriptions

  /** The session's slot comes first: what is subscribed is known there before it is, so that its end ends it too. */
  async changeSubscriptions(change: SubscriptionChange): Promise<number> {
    const { offset, everywhere } = await this.#change(change, false)
    this.#note(change)
    if (everywhere !== undefined) await everywhere
    return offset
  }

  /** To give it back to a Redis that lost it. */
  #note(change: SubscriptionChange): void {
    const held = this.#held.withEpoch(change.name, change.epoch)
    if (held === undefined) return
    if (change.replaces) {
      held.filters = undefined
      held.hasAllFilters = true
    }
    held.filters ??= new Map()
    for (const [filter, options] of change.filters) {
      if (options === undefined && held.hasAllFilters) held.filters.delete(filter)
      else held.filters.set(filter, options)
    }
  }

  async #change(change: SubscriptionChange, isAgain: boolean): Promise<Followed> {
    const { lanes, names, subscriptions } = this.#options
    const { name, epoch } = change
    await lanes.run(SUBSCRIBE, ...names.placeOf(name), epoch, this.#opened(name, epoch))
    return await subscriptions.change(change, isAgain)
  }

  async subscriptionsOf(name: string): Promise<SessionSubscriptions | undefined> {
    const found = await this.#options.subscriptions.of(name)
    const held = this.#held.get(name)
    if (held === undefined || held.hasAllFilters) return found
    // What was changed here meanwhile counts.
    const all = new Map([...(found?.filters ?? []), ...(held.filters ?? [])])
    for (const [filter, options] of all) if (options === undefined) all.delete(filter)
    held.filters = all
    held.hasAllFilters = true
    return found
  }

  /** Sessions of this name ended, up to an epoch: in the slot of subscriptions, then it is no longer kept in mind that it must be. */
  async #endSubscriptions(name: string, upTo: number, ended: number): Promise<void> {
    const { lanes, names, subscriptions } = this.#options
    await subscriptions.end(name, upTo)
    await lanes.run(SUBSCRIPTIONS_ENDED, ...names.placeOf(name), ended)
  }

  /** What a sweep found. */
  async endSubscriptions(name: string, epoch: number): Promise<void> {
    await this.#endSubscriptions(name, epoch, epoch)
  }

  /** Redis does not know of a session that is open here: it is open there again, unless it was ended. */
  async giveBack(name: string): Promise<void> {
    const held = this.#held.get(name)
    if (held !== undefined) await this.#checkOne(name, held.epoch, true)
  }

  /** A message could not be stored for it: is it subscribed all the same? */
  gone(name: string): void {
    if (this.#ending.has(name)) return
    this.#ending.add(name)
    this.#endOf(name)
      // The next message for it tries again.
      .catch(() => undefined)
      .finally(() => this.#ending.delete(name))
  }

  async #endOf(name: string): Promise<void> {
    const { lanes, names, subscriptions } = this.#options
    const there = await subscriptions.of(name)
    const [isKnown, marked] = await lanes.run(LOOK_NAMED, ...names.placeOf(name))
    const ended = asOptionalNumber(marked)
    if (isKnown === true) return
    if (ended !== undefined) await this.#endSubscriptions(name, ended, ended)
    else if (there !== undefined) await subscriptions.end(name, there.epoch)
  }

  // After a gap

  /**
   * Looks for sessions that ended unheard, as news of a takeover may have been lost, and gives those back that Redis lost.
   * `isChanged`: what Redis holds is not all that it held. Rejects when Redis does not answer.
   */
  async check(isChanged: boolean): Promise<void> {
    await this.closeAgain()
    await this.#held.forEach((name, { epoch }) => this.#checkOne(name, epoch, isChanged))
  }

  /** What Redis did not answer. */
  closeAgain(): Promise<void> {
    return this.#unclosed.tryAgain()
  }

  async #checkOne(name: string, epoch: number, isChanged: boolean): Promise<void> {
    // Closed meanwhile: it must not be given back after its end.
    const known = this.#held.withEpoch(name, epoch)
    if (known === undefined) return
    const { lanes, names } = this.#options
    const [isOver] = await lanes.run(CHECK_NAMED, ...names.placeOf(name), epoch, known.kept)
    const held = this.#held.withEpoch(name, epoch)
    if (held === undefined) return
    if (isOver === true) return this.ended(name, epoch)
    if (isOver !== false && !isChanged) return
    try {
      if (held.state !== undefined) await this.save(name, epoch, held.state)
      await this.#putBackSubscriptions(name, held)
    } catch (error) {
      // Opened elsewhere, or closed, meanwhile.
      if (!(error instanceof PushError && error.code === 'SESSION_TAKEN_OVER')) throw error
    }
  }

  async #putBackSubscriptions(name: string, { epoch, filters, hasAllFilters }: OpenNamedSession): Promise<void> {
    if (filters === undefined || filters.size === 0) return
    const all = Array.from(filters, ([filter, options]) =>
      options === undefined ? ([filter] as const) : ([filter, options] as const),
    )
    await this.#change({ name, epoch, replaces: hasAllFilters, filters: all }, true)
  }
}
