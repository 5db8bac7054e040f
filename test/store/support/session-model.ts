/** Sessions by name as plainly as they can be said: state, log, subscriptions, packet ids and wills. A sweep follows each passing of time. */

export interface ModelEntry {
  readonly payload: string
  readonly expiresAt: number
  readonly qos: 1 | 2
  released: boolean
}

interface ModelSession {
  /** Its first epoch. */
  readonly born: number
  /** It was not closed. */
  held: boolean
  /** The store was opened again since: it may count as closed. */
  orphaned: boolean
  state: string | undefined
  until: number
  log: ModelEntry[]
  readonly uids: Set<string>
  readonly received: Map<number, string>
  readonly filters: Map<string, string>
}

interface ModelWill {
  readonly epoch: number
  readonly publishAt: number
  readonly value: string
  takenUntil: number
}

export interface ModelClose {
  readonly state: string | undefined
  readonly until: number
  readonly will: { readonly publishAt: number; readonly value: string } | undefined
}

const TAKEN_OVER = 'SESSION_TAKEN_OVER'

export class SessionModel {
  /** All that were given, the newest last. */
  readonly epochs: number[] = []
  readonly counts = { expired: 0, dropped: 0 }
  readonly #most: number
  #session: ModelSession | undefined
  #will: ModelWill | undefined

  constructor(most: number) {
    this.#most = most
  }

  get log(): readonly ModelEntry[] {
    return this.#session?.log ?? []
  }

  get filters(): ReadonlyMap<string, string> {
    return this.#session?.filters ?? new Map()
  }

  /** As the inventory tells it; undefined when nothing is known. */
  get known(): unknown {
    const session = this.#session
    if (session === undefined) return undefined
    const { held, state, until, received } = session
    const will = this.#will?.value
    return { held, state, until, received: [...received].sort(([one], [other]) => one - other), will }
  }

  /** Whether a will waits, or is taken: only the end of its epoch, or its publication, changes it. */
  get hasWill(): boolean {
    return this.#will !== undefined
  }

  get isHeld(): boolean {
    return this.#session?.held === true && !this.#session.orphaned
  }

  /** Whether its newest epoch still has it is for the store to say. */
  get isOrphaned(): boolean {
    return this.#session?.orphaned === true
  }

  reopen(): void {
    if (this.#session?.held === true) this.#session.orphaned = true
  }

  open(epoch: number, cleanStart: boolean): unknown {
    const resumed = cleanStart ? undefined : this.#session
    const unclean = resumed?.held === true
    const empty = {
      born: epoch,
      log: [],
      uids: new Set<string>(),
      received: new Map(),
      filters: new Map(),
      state: undefined,
    }
    this.#session = { ...(resumed ?? empty), held: true, orphaned: false, until: Infinity }
    this.#will = undefined
    return { state: this.#session.state, unclean }
  }

  save(epoch: number, state: string): unknown {
    const session = this.#held(epoch)
    if (session === undefined) return TAKEN_OVER
    session.state = state
    return undefined
  }

  close(epoch: number, { state, until, will }: ModelClose, now: number): void {
    const session = this.#of(epoch)
    if (session === undefined) return this.#closeLate(epoch, state === undefined ? undefined : will?.value, now)
    if (state === undefined) this.#session = undefined
    else Object.assign(session, { held: false, orphaned: false, state, until })
    if (state !== undefined && will !== undefined) this.#will = { ...will, epoch, takenUntil: 0 }
  }

  /** It was ended before: its will is due at once. */
  #closeLate(epoch: number, value: string | undefined, now: number): void {
    const isOver = this.#session === undefined ? this.epochs.includes(epoch) : this.#session.born > epoch
    if (value === undefined || !isOver) return
    const of = this.#session === undefined ? epoch : (this.epochs.at(-1) ?? epoch)
    this.#will = { epoch: of, publishAt: now, value, takenUntil: 0 }
  }

  append(entry: ModelEntry, uid: string | undefined): string {
    const session = this.#session
    if (session === undefined) return 'gone'
    if (uid !== undefined && session.uids.has(uid)) return 'duplicate'
    if (session.log.length >= this.#most) {
      this.counts.dropped += 1
      return 'full'
    }
    session.log.push(entry)
    if (uid !== undefined) session.uids.add(uid)
    return 'stored'
  }

  forgetUid(uid: string): void {
    this.#session?.uids.delete(uid)
  }

  /** By their places in the log. */
  commit(epoch: number, done: readonly number[], released: readonly number[]): boolean {
    const session = this.#of(epoch)
    if (session === undefined) return false
    for (const [at, entry] of session.log.entries()) if (released.includes(at)) entry.released = true
    session.log = session.log.filter((_, at) => !done.includes(at))
    return true
  }

  subscribe(epoch: number, replaces: boolean, filters: readonly (readonly [string, string | undefined])[]): unknown {
    const session = this.#of(epoch)
    if (session === undefined) return TAKEN_OVER
    if (replaces) session.filters.clear()
    for (const [filter, options] of filters) {
      if (options === undefined) session.filters.delete(filter)
      else session.filters.set(filter, options)
    }
    return undefined
  }

  remember(epoch: number, packetId: number, uid: string): unknown {
    const session = this.#held(epoch)
    if (session === undefined) return TAKEN_OVER
    const before = session.received.get(packetId)
    if (before === undefined) session.received.set(packetId, uid)
    return before
  }

  release(epoch: number, packetId: number): unknown {
    const session = this.#held(epoch)
    if (session === undefined) return TAKEN_OVER
    const before = session.received.get(packetId)
    session.received.delete(packetId)
    return before
  }

  takeWill(epoch: number, until: number, now: number): string | undefined {
    const will = this.#will
    if (will?.epoch !== epoch || will.publishAt > now || will.takenUntil > now) return undefined
    will.takenUntil = until
    return will.value
  }

  willPublished(epoch: number): void {
    if (this.#will?.epoch === epoch) this.#will = undefined
  }

  sweep(now: number): void {
    const session = this.#session
    if (session === undefined) return
    if (session.until <= now) {
      this.#session = undefined
      return
    }
    const before = session.log.length
    session.log = session.log.filter(({ expiresAt, released }) => released || expiresAt > now)
    this.counts.expired += before - session.log.length
  }

  #of(epoch: number): ModelSession | undefined {
    return epoch === this.epochs.at(-1) ? this.#session : undefined
  }

  #held(epoch: number): ModelSession | undefined {
    const session = this.#of(epoch)
    return session?.held === true ? session : undefined
  }
}
