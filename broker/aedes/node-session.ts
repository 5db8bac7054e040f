/**
 * The subscriptions of the sessions on this node, stored as one session of the node, so that other nodes know what to
 * send to it. Each filter is stored once, however many sessions have it.
 */
import type { Logger } from 'pino'
import { PushError } from '../../errors.ts'
import type { Store } from '../../store/contract.ts'
import type { QoS } from '../codec/packets.ts'
import { NODE_SESSIONS } from '../session/general.ts'
import { encodeSubscription } from '../session/subscription-record.ts'

/**
 * As the granted QoS of the node: 0 where only messages of QoS 0 are wanted, as those of QoS 1 and 2 come from the log of the
 * session; 1 where all are.
 */
type Wanted = 0 | 1

interface NodeSessionOptions {
  readonly store: Pick<Store, 'openNamedSession' | 'closeNamedSession' | 'changeSubscriptions' | 'subscriptionsOf'>
  readonly node: string
  readonly logger: Logger
}

/** Filters of one change. */
const FILTERS = 500
/** A filter that nobody has any more is taken back after this time, ms: another may come for it. */
const LINGERS_MS = 1_000

const PLAIN = { noLocal: false, retainAsPublished: false, identifier: 0 }
const ENCODED: Readonly<Record<Wanted, Uint8Array>> = {
  0: encodeSubscription({ qos: 0, ...PLAIN }),
  1: encodeSubscription({ qos: 1, ...PLAIN }),
}

export class NodeSession {
  readonly name: string
  readonly #options: NodeSessionOptions
  /** How many sessions want a filter, by what of it. */
  readonly #wanted = new Map<string, [some: number, all: number]>()
  /** What the store knows. */
  #told = new Map<string, Wanted>()
  readonly #differing = new Set<string>()
  #epoch: number | undefined
  #telling: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(options: NodeSessionOptions) {
    this.#options = options
    this.name = `${NODE_SESSIONS}${options.node}`
  }

  /** Of a session whose messages of QoS 1 and 2 come from its log (`isKept`), or not. */
  add(filter: string, isKept: boolean, qos: QoS): void {
    this.#count(filter, isKept && qos > 0 ? 0 : 1, 1)
  }

  remove(filter: string, isKept: boolean, qos: QoS): void {
    this.#count(filter, isKept && qos > 0 ? 0 : 1, -1)
    if (this.#differing.size > 0) this.#later()
  }

  #count(filter: string, wanted: Wanted, by: 1 | -1): void {
    const counts = this.#wanted.get(filter) ?? [0, 0]
    counts[wanted] += by
    if (counts[0] + counts[1] === 0) this.#wanted.delete(filter)
    else this.#wanted.set(filter, counts)
    if (this.#told.get(filter) === this.#wants(filter)) this.#differing.delete(filter)
    else this.#differing.add(filter)
  }

  #wants(filter: string): Wanted | undefined {
    const counts = this.#wanted.get(filter)
    if (counts === undefined) return undefined
    return counts[1] > 0 ? 1 : 0
  }

  /** Resolves when every node can know that these filters were added. @throws STORE_UNAVAILABLE */
  async told(filters: readonly string[]): Promise<void> {
    while (!this.#isClosed && filters.some((filter) => this.#lacks(filter))) {
      this.#telling ??= this.#tell().finally(() => {
        this.#telling = undefined
      })
      await this.#telling
    }
  }

  /**
   * Other nodes know fewer filters than this one wants. Too many filters only cost traffic, so removing them is not
   * awaited.
   */
  #lacks(filter: string): boolean {
    const wants = this.#wants(filter)
    return wants !== undefined && wants > (this.#told.get(filter) ?? -1)
  }

  /** The session of the node is over, or may be: everything is told again. */
  ended(name: string, epoch: number): void {
    if (name === this.name && this.#epoch !== undefined && epoch >= this.#epoch) this.#startAgain()
  }

  /** News may have been lost. */
  async check(): Promise<void> {
    const epoch = this.#epoch
    if (epoch === undefined || this.#told.size === 0) return
    const known = await this.#options.store.subscriptionsOf(this.name)
    const filters = new Set(known?.filters.map(([filter]) => filter))
    if (this.#epoch === epoch && [...this.#told.keys()].some((filter) => !filters.has(filter))) this.#startAgain()
  }

  #startAgain(): void {
    this.#epoch = undefined
    this.#told = new Map()
    this.#differing.clear()
    for (const filter of this.#wanted.keys()) this.#differing.add(filter)
    if (this.#differing.size > 0) this.#later()
  }

  #later(): void {
    if (this.#isClosed) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#telling ??= this.#tell().finally(() => {
        this.#telling = undefined
      })
      this.#telling.catch((error: unknown) => {
        this.#options.logger.warn(
          { err: error },
          'could not tell other nodes the subscriptions of this one, trying again',
        )
        this.#later()
      })
    }, LINGERS_MS).unref()
  }

  /** What differs when it begins. */
  async #tell(): Promise<void> {
    const { store } = this.#options
    const changes = Array.from(this.#differing, (filter) => [filter, this.#wants(filter)] as const)
    try {
      for (let from = 0; from < changes.length; from += FILTERS) {
        const epoch = (this.#epoch ??= (await store.openNamedSession(this.name, true, 0)).epoch)
        const part = changes.slice(from, from + FILTERS)
        const filters = part.map(([filter, wants]) =>
          wants === undefined ? ([filter] as const) : ([filter, ENCODED[wants]] as const),
        )
        await store.changeSubscriptions({ name: this.name, epoch, replaces: false, filters })
        if (this.#epoch === epoch) for (const [filter, wants] of part) this.#isTold(filter, wants)
      }
    } catch (error) {
      if (!(error instanceof PushError && error.code === 'SESSION_TAKEN_OVER')) throw error
      this.#startAgain()
    }
  }

  #isTold(filter: string, wants: Wanted | undefined): void {
    if (wants === undefined) this.#told.delete(filter)
    else this.#told.set(filter, wants)
    if (this.#wants(filter) === wants) this.#differing.delete(filter)
  }

  /** Others no longer tell this node anything; where the store does not hear it, they do until it finds the node dead. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.#telling?.catch(() => undefined)
    if (this.#epoch === undefined) return
    await this.#options.store.closeNamedSession(this.name, this.#epoch, { stateExpiresAt: 0 }).catch(() => undefined)
  }
}
