/** The work units of requests, and the budget per second of one principal over all its connections. */
import type { FastifyRequest } from 'fastify'
import { PushError } from '../errors.ts'
import type { Provider } from '../topics/index.ts'
import type { UnderWay } from '../common/under-way.ts'
import { Turns } from '../common/turns.ts'
import { RequestTurns } from './request-turns.ts'
import { WorkBudgets } from '../common/work-budgets.ts'

/** Units, which are roughly microseconds; `docs/operations.md` has them too. */
const REQUEST = 200
const KIBIBYTE = 10
const TOKEN = 100
const RECEIVER = 5
/** For a consumer of events, because all parts of the log are visited. */
const LOG = 5_000
/** What receivers are for the turn: who is alone sends to many in one go, which costs the store less. */
const RECEIVER_ALONE = 1
/** Beside other providers: what sending leads to comes in the same turn. */
const RECEIVER_BESIDE_OTHERS = 20

/** Maximum delay of a request. One that would wait longer is refused, because requests run in parallel, ms. */
const LONGEST_WAIT_MS = 2_000

/** Providers whose key of the budgets is kept. */
const MOST_KEYS = 1_000

export class RequestWork {
  readonly #turns = new Turns()
  readonly #requests: RequestTurns
  readonly #budgets: WorkBudgets
  /** By the name of the provider. */
  readonly #keys = new Map<string, string>()
  readonly #providers: Pick<UnderWay, 'isAlone' | 'room'> | undefined

  /** Units a second, 0 means no limit. `monotonic` in milliseconds. `providers`: that publish; absent: one alone. */
  constructor(perSecond: number, monotonic: () => number, providers?: Pick<UnderWay, 'isAlone' | 'room'>) {
    this.#providers = providers
    this.#requests = new RequestTurns(monotonic)
    this.#budgets = new WorkBudgets(perSecond, this.#turns, monotonic)
  }

  /**
   * Counts a request of a principal, and returns what it has to wait for, if anything: over its budget, or for its turn.
   * @throws RATE_LIMITED if that would take too long
   */
  admit(key: string, request: FastifyRequest): Promise<void> | undefined {
    const bytes = Number(request.headers['content-length'] ?? 0)
    const units = REQUEST + (Number.isFinite(bytes) ? (bytes >> 10) * KIBIBYTE : 0)
    const waitMs = this.#budgets.waitOf(key)
    if (waitMs > LONGEST_WAIT_MS) throw new PushError('RATE_LIMITED', 'the principal has used up its share of work')
    this.#budgets.spend(key, units)
    return waitMs > 0 ? this.#budgets.wait(waitMs).then(() => this.#requests.take(key)) : this.#requests.take(key)
  }

  /** The same, of a provider. */
  admitProvider(provider: Provider, request: FastifyRequest): Promise<void> | undefined {
    return this.admit(this.#keyOf(provider), request)
  }

  /** Before each message token of a list is verified: what to await, so that a long list leaves turns to the others. */
  token(provider: Provider): Promise<void> | undefined {
    return this.#spend(provider, TOKEN, TOKEN)
  }

  /** A search of a log for a consumer of events. */
  log(provider: Provider): void {
    this.#budgets.spend(this.#keyOf(provider), LOG)
  }

  /** Before each receiver of a list is looked up: the same. */
  receiver(provider: Provider): Promise<void> | undefined {
    return this.#spend(provider, RECEIVER, this.#isAlone ? RECEIVER_ALONE : RECEIVER)
  }

  /** Before it is sent to: the same, and until what the provider has begun to send leaves room. */
  send(provider: Provider): Promise<unknown> | undefined {
    const turn = this.#spend(provider, RECEIVER, this.#isAlone ? RECEIVER_ALONE : RECEIVER_BESIDE_OTHERS)
    const room = this.#providers?.room(provider.name)
    return turn === undefined || room === undefined ? (turn ?? room) : Promise.all([turn, room])
  }

  get #isAlone(): boolean {
    return this.#providers?.isAlone ?? true
  }

  /** Made once for each: a new string would be hashed again for each map that it is a key of. */
  #keyOf({ name }: Provider): string {
    let key = this.#keys.get(name)
    if (key !== undefined) return key
    key = `provider ${name}`
    if (this.#keys.size >= MOST_KEYS) this.#keys.clear()
    this.#keys.set(name, key)
    return key
  }

  #spend(provider: Provider, units: number, unitsOfTurn: number): Promise<void> | undefined {
    const key = this.#keyOf(provider)
    this.#budgets.spend(key, units)
    return this.#turns.take(key, unitsOfTurn)
  }
}
