/** A store to be tested, with a clock that the test moves, and short ways to say what a test does with it. */
import type { Test } from 'tap'
import type {
  Appended,
  BroadcastEntry,
  LogEntry,
  LogName,
  LogSlice,
  Message,
  OpenedSession,
  RegisteredToken,
  Store,
  StoreLimits,
  StoreObserver,
  TokenDetails,
  TokenId,
  TokenRegistration,
  Watcher,
} from '../../../store/contract.ts'
import { deviceMark, parseTagSelector, tokenId, type Selector, type TagSelector } from '../../../topics/index.ts'

export interface EngineOptions {
  readonly limits?: Partial<StoreLimits>
  readonly now?: () => number
  readonly observer?: StoreObserver
}

export interface Engine {
  /** Open, and empty. */
  readonly store: Store
  /** The same data, after a clean close; with the same options. */
  reopen(): Promise<Store>
  /** Another node on the same data, closed with the engine; absent where one process has the data for itself. */
  second?(): Promise<Store>
  /** The same data, after the process was killed, where the engine's test can do that. */
  crash?(): Promise<Store>
  /** Closes what is open and removes the data. */
  close(): Promise<void>
}

export type MakeEngine = (options: EngineOptions) => Promise<Engine>

export interface Draft {
  readonly id?: string
  readonly payload?: string | Uint8Array
  readonly properties?: Uint8Array
  readonly retain?: boolean
  /** Milliseconds; default one hour. */
  readonly ttl?: number
  readonly dedupe?: boolean
  readonly collapseKey?: string
  readonly receipt?: boolean
}

export interface Person {
  readonly app?: string
  readonly device?: string
  readonly account?: string
}

export const APP = 'weather'
export const HOUR = 3_600_000
export const DAY = 24 * HOUR
export const EVERYTHING = { entries: 10_000, bytes: Infinity }
const START = 1_800_000_000_000
const KEY = Buffer.alloc(32, 7)

export class World {
  store: Store
  readonly engine: Engine
  readonly counted: Counted
  readonly #clock: { now: number }
  #messages = 0

  constructor(engine: Engine, clock: { now: number }, counted: Counted) {
    this.engine = engine
    this.store = engine.store
    this.#clock = clock
    this.counted = counted
  }

  get now(): number {
    return this.#clock.now
  }

  pass(milliseconds: number): void {
    this.#clock.now += milliseconds
  }

  async reopen(): Promise<void> {
    this.store = await this.engine.reopen()
  }

  /** Another node of the same installation; the same one where there can be no other. */
  async otherNode(): Promise<Store> {
    return (await this.engine.second?.()) ?? this.store
  }

  async crash(): Promise<void> {
    this.store = (await this.engine.crash?.()) ?? this.store
  }

  idOf({ app = APP, device = 'phone', account = 'anna' }: Person = {}): TokenId {
    return tokenId(KEY, { app, device, account })
  }

  /** For a year. */
  registration(person: Person = {}, details?: Partial<TokenDetails>, ttl = 365 * DAY): TokenRegistration {
    const { app = APP, device = 'phone' } = person
    const place = { tokenId: this.idOf(person), app, deviceMark: deviceMark(app, device) }
    return { ...place, expiresAt: this.now + ttl, ...(details === undefined ? {} : { details }) }
  }

  register(person: Person = {}, details?: Partial<TokenDetails>): Promise<RegisteredToken> {
    return this.store.registerToken(this.registration(person, details))
  }

  /** The cursor of a token id. Before anything is acknowledged, that is where its log begins: the engine's own choice. */
  async cursorOf(token: TokenId): Promise<number> {
    return (await this.store.lookupToken(token))?.cursors.private ?? 0
  }

  /** A new token id. */
  async token(person: Person = {}): Promise<TokenId> {
    await this.register(person)
    return this.idOf(person)
  }

  message({ id, payload = 'hello', properties, retain = false, ttl = HOUR, ...asked }: Draft = {}): Message {
    this.#messages += 1
    const { collapseKey, receipt } = asked
    return {
      id: id ?? `m${this.#messages}`,
      payload: typeof payload === 'string' ? Buffer.from(payload) : payload,
      ...(properties === undefined ? {} : { properties }),
      retain,
      storedAt: this.now,
      expiresAt: this.now + ttl,
      ...(collapseKey === undefined ? {} : { collapseKey }),
      ...(receipt === undefined ? {} : { receipt }),
    }
  }

  send(to: TokenId, draft: Draft = {}): Promise<Appended> {
    return this.store.append({ tokenId: to, message: this.message(draft), dedupe: draft.dedupe ?? false })
  }

  broadcast(selector: Selector, draft: Draft = {}, app = APP): Promise<Appended> {
    return this.store.appendBroadcast({ app, selector, message: this.message(draft), dedupe: draft.dedupe ?? false })
  }

  /** Everything after an offset, as texts. */
  async texts(of: TokenId, after = 0): Promise<string[]> {
    return (await this.store.readPrivate(of, after, EVERYTHING)).entries.map(text)
  }

  async broadcastTexts(app = APP, after = 0): Promise<string[]> {
    return (await this.store.readBroadcast(app, after, EVERYTHING)).entries.map(text)
  }

  open(token: TokenId, generation: number, cleanStart = false, app = APP): Promise<OpenedSession> {
    return this.store.openSession({ tokenId: token, app, generation, cleanStart })
  }
}

/** What the engine told its observer. */
export class Counted implements StoreObserver {
  readonly counts = { expired: { private: 0, broadcast: 0 }, dropped: { private: 0, broadcast: 0 } }

  readonly upstream = { expired: 0, dropped: 0 }
  readonly event = { expired: 0, dropped: 0 }
  readonly session = { expired: 0, dropped: 0 }

  expired(destination: LogName, count: number): void {
    this.#count('expired', destination, count)
  }

  dropped(destination: LogName, count: number): void {
    this.#count('dropped', destination, count)
  }

  #count(what: 'expired' | 'dropped', destination: LogName, count: number): void {
    if (destination === 'private' || destination === 'broadcast') this.counts[what][destination] += count
    else this[destination][what] += count
  }
}

/** A watcher that hears nothing. */
export const DEAF: Watcher = {
  privateAppended: () => undefined,
  broadcastAppended: () => undefined,
  sessionEnded: () => undefined,
  cursorMoved: () => undefined,
  cursorsLost: () => undefined,
  resync: () => undefined,
}

export const ALL: Selector = { kind: 'all' }

export function exactly(version: string): Selector {
  return { kind: 'exact', version }
}

export function range(text: string): Selector {
  return { kind: 'range', range: text }
}

export function tagged(versions: Selector, wanted: TagSelector): Selector {
  const tags = parseTagSelector(wanted)
  if (tags === undefined) throw new Error('no tag selector')
  return { ...versions, tags }
}

export function text(entry: LogEntry): string {
  return Buffer.from(entry.payload).toString()
}

export function offsets(slice: LogSlice<LogEntry> | LogSlice<BroadcastEntry>): number[] {
  return slice.entries.map((entry) => entry.offset)
}

/** One scenario with a store of its own. Background sweeps stay out of it. */
export function scenario(
  t: Test,
  makeEngine: MakeEngine,
  name: string,
  run: (t: Test, world: World) => Promise<void>,
  limits: Partial<StoreLimits> = {},
): Promise<unknown> {
  return t.test(name, async (t) => {
    const clock = { now: START }
    const counted = new Counted()
    const options = { limits: { sweepMs: 2 ** 31 - 1, ...limits }, now: () => clock.now, observer: counted }
    const engine = await makeEngine(options)
    t.teardown(() => engine.close())
    await run(t, new World(engine, clock, counted))
  })
}
