/** The logs of sessions that are known by a name. */
import type {
  LogSlice,
  ReadLimit,
  SessionAppend,
  SessionAppended,
  SessionCommit,
  SessionDelivery,
  SessionEntry,
  StoreObserver,
} from '../contract.ts'
import { sessionEntryOf } from '../message.ts'
import type { Events } from './events.ts'
import type { Lanes } from './lanes.ts'
import type { NamedSessions } from './named.ts'
import type { Names } from './names.ts'
import type { Packable } from './pack.ts'
import { decodeSessionEntry, encodeBody, encodeHead } from './session-entry.ts'
import { APPEND_SESSIONS, asNumber, asSlice, COMMIT_SESSION, FORGET_UID, READ_SESSION } from './steps.ts'

interface SessionLogsOptions {
  readonly lanes: Lanes
  readonly names: Names
  readonly named: NamedSessions
  readonly events: Events
  readonly observer: StoreObserver | undefined
}

/** Deliveries of one append that are in one partition. */
interface Portion {
  readonly base: string
  /** Where each is in `to`. */
  readonly positions: number[]
  readonly args: Packable[]
}

/** Of one step. */
const DELIVERIES = 128
/** What the script answers instead of an offset. */
const CODES: ReadonlyMap<number, SessionAppended> = new Map([
  [-1, 'duplicate'],
  [-2, 'full'],
  [-3, 'gone'],
])

export class SessionLogs {
  readonly #options: SessionLogsOptions

  constructor(options: SessionLogsOptions) {
    this.#options = options
  }

  async append(append: SessionAppend): Promise<readonly SessionAppended[]> {
    const { named, observer } = this.#options
    const { to } = append
    const answers = await this.#append(append)
    if (answers.includes('gone')) await this.#appendToLost(append, answers)
    const full = answers.filter((answer) => answer === 'full').length
    if (full > 0) observer?.dropped('session', full)
    if (answers.includes('gone'))
      for (const [position, { name }] of to.entries()) if (answers[position] === 'gone') named.gone(name)
    return answers
  }

  /** Redis was emptied, and sessions that are open here were not given back yet: they are, and get it. */
  async #appendToLost(append: SessionAppend, answers: SessionAppended[]): Promise<void> {
    const { named } = this.#options
    const lost = [...append.to.entries()].filter(([at, { name }]) => answers[at] === 'gone' && named.has(name))
    if (lost.length === 0) return
    await Promise.all(lost.map(([, { name }]) => named.giveBack(name)))
    const again = await this.#append({ ...append, to: lost.map(([, delivery]) => delivery) })
    for (const [at, [position]] of lost.entries()) answers[position] = again[at] ?? 'gone'
  }

  async #append(append: SessionAppend): Promise<SessionAppended[]> {
    const { lanes, observer } = this.#options
    const { topic, message, to, uid = false } = append
    const body = encodeBody(topic, message)
    const answers = new Array<SessionAppended>(to.length).fill('gone')
    const appendPortion = async ({ base, positions, args }: Portion): Promise<void> => {
      const [expired, ...codes] = await lanes.run(APPEND_SESSIONS, base, uid, body, ...args)
      if (asNumber(expired) > 0) observer?.expired('session', asNumber(expired))
      for (const [at, position] of positions.entries()) {
        const code = asNumber(codes[at])
        const delivery = to[position]
        answers[position] = CODES.get(code) ?? 'stored'
        if (delivery !== undefined && code > 0) this.#tellHere(append, delivery, code)
      }
    }
    await Promise.all(this.#portions(append).map(appendPortion))
    return answers
  }

  #portions({ message, to }: SessionAppend): readonly Portion[] {
    const portions: Portion[] = []
    const open = new Map<string, Portion>()
    for (const [position, delivery] of to.entries()) {
      const [base, field, name] = this.#options.names.placeOf(delivery.name)
      let portion = open.get(base)
      if (portion === undefined || portion.positions.length === DELIVERIES) {
        portion = { base, positions: [], args: [] }
        open.set(base, portion)
        portions.push(portion)
      }
      portion.positions.push(position)
      portion.args.push(field, name, encodeHead(message, delivery))
    }
    return portions
  }

  #tellHere({ topic, message }: SessionAppend, delivery: SessionDelivery, offset: number): void {
    const { named, events } = this.#options
    const { name } = delivery
    if (named.has(name)) events.sessionAppended(name, offset, sessionEntryOf(message, offset, topic, delivery))
  }

  async forgetUid(uid: string, names: readonly string[]): Promise<void> {
    const { lanes, names: known } = this.#options
    const bases = new Set(names.map((name) => known.placeOf(name)[0]))
    await Promise.all(Array.from(bases, (base) => lanes.run(FORGET_UID, base, uid)))
  }

  async read(name: string, after: number, { entries, bytes }: ReadLimit): Promise<LogSlice<SessionEntry>> {
    const { lanes, names } = this.#options
    const result = await lanes.run(READ_SESSION, ...names.placeOf(name), after, entries, bytes)
    return asSlice(result, decodeSessionEntry)
  }

  async commit({ name, epoch, done, released }: SessionCommit): Promise<boolean> {
    const { lanes, names } = this.#options
    const place = names.placeOf(name)
    const [isTaken] = await lanes.run(COMMIT_SESSION, ...place, epoch, done.length, ...done, ...released)
    return isTaken === true
  }
}
