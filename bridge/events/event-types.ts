/** The event types that a request selects. */
import { PushError } from '../../errors.ts'
import { ENDS, receiptSubject } from '../../store/contract.ts'

/** What devices publish, of the upstream log. */
export const UPSTREAM = 'upstream'

export const TOKEN_EVENTS = ['token.issued', 'token.renewed', 'token.revoked', 'token.switched'] as const
export type TokenEventType = (typeof TOKEN_EVENTS)[number]

/** Of the event log. */
const LOGGED: readonly string[] = [receiptSubject('acknowledged'), ...ENDS.map(receiptSubject), ...TOKEN_EVENTS]
const WHOLE = /^(message|token)\.\*$/

export class EventTypes {
  /** Absent: all of the event log. */
  readonly #names: ReadonlySet<string> | undefined

  private constructor(names: ReadonlySet<string> | undefined) {
    this.#names = names
  }

  /** Names with commas between them, `message.*` and `token.*` for all that begin so. @throws REQUEST_INVALID */
  static parse(text: string | undefined): EventTypes {
    if (text === undefined) return new EventTypes(undefined)
    return new EventTypes(new Set(text.split(',').flatMap(namesOf)))
  }

  get hasUpstream(): boolean {
    return this.#names?.has(UPSTREAM) ?? false
  }

  /** Some of the event log. */
  get hasLogged(): boolean {
    return this.#names === undefined || this.#names.size > (this.hasUpstream ? 1 : 0)
  }

  /** Of the event log: everything that there is. */
  get isAll(): boolean {
    return this.#names === undefined
  }

  hasEvent(name: string): boolean {
    return this.#names?.has(name) ?? true
  }
}

function namesOf(name: string): readonly string[] {
  if (name === UPSTREAM || LOGGED.includes(name)) return [name]
  const group = WHOLE.exec(name)?.[1]
  if (group === undefined) throw new PushError('REQUEST_INVALID', '`types` has an unknown event type')
  return LOGGED.filter((each) => each.startsWith(`${group}.`))
}
