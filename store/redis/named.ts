/** Sessions that are known by a name, and those of them that are open on this node. */
import { createHash } from 'node:crypto'
import type { OpenedNamedSession, SessionClose } from '../contract.ts'
import { asTime } from './entry.ts'
import type { Events } from './events.ts'
import { Held } from './held.ts'
import { partitionBase } from './keys.ts'
import type { Lanes } from './lanes.ts'
import {
  asNumber,
  asOptionalBytes,
  asOptionalNumber,
  CHECK_NAMED,
  CLOSE_NAMED,
  OPEN_NAMED,
  SAVE_NAMED,
} from './steps.ts'

interface NamedSessionsOptions {
  readonly lanes: Lanes
  readonly events: Events
  readonly prefix: string
}

interface OpenNamedSession {
  readonly epoch: number
  /** As it was last kept, to be kept again where Redis lost it. */
  state: Uint8Array | undefined
}

/** Where a name lives: the first arguments of its steps, see `lua/named.lua`. */
type Place = readonly [base: string, field: string | Buffer, name: string | false]

const FIELD_BYTES = 64
/** In no UTF-8, so that no name is the field of another. */
const LONG = Buffer.from([0xff])

export class NamedSessions {
  readonly #options: NamedSessionsOptions
  readonly #held = new Held<OpenNamedSession, { readonly epoch: number }>()

  constructor(options: NamedSessionsOptions) {
    this.#options = options
  }

  async open(name: string, cleanStart: boolean): Promise<OpenedNamedSession> {
    const { lanes, prefix } = this.#options
    const result = await lanes.run(OPEN_NAMED, ...placeOf(prefix, name), cleanStart)
    const epoch = asNumber(result[0])
    const state = asOptionalBytes(result[1])
    const ended = asOptionalNumber(result[3])
    if (ended !== undefined) this.ended(name, ended)
    // What Redis answered holds the results of a whole batch.
    const early = this.#held.opened(name, { epoch, state: state && Buffer.from(state) })
    if (early !== undefined) this.ended(name, early.epoch)
    return { epoch, ...(state === undefined ? {} : { state }), unclean: result[2] === true }
  }

  async save(name: string, epoch: number, state: Uint8Array): Promise<void> {
    const { lanes, prefix } = this.#options
    const held = this.#held.withEpoch(name, epoch)
    if (held !== undefined) held.state = state
    await lanes.run(SAVE_NAMED, ...placeOf(prefix, name), epoch, held !== undefined, state)
  }

  async close(name: string, epoch: number, { state, stateExpiresAt }: SessionClose): Promise<void> {
    const { lanes, prefix } = this.#options
    const isOpen = this.#held.withEpoch(name, epoch) !== undefined
    this.#held.forget(name, epoch)
    // 0 is never.
    const expires = stateExpiresAt === Infinity ? 0 : Math.max(1, asTime(stateExpiresAt))
    await lanes.run(CLOSE_NAMED, ...placeOf(prefix, name), epoch, isOpen, state ?? false, expires)
  }

  /** News of an end, from this node or another. */
  ended(name: string, epoch: number): void {
    this.#held.ended(name, { epoch })
    this.#options.events.namedSessionEnded(name, epoch)
  }

  /**
   * Looks for sessions that ended unheard, as news of a takeover may have been lost, and gives those back that Redis lost.
   * `isChanged`: what Redis holds is not all that it held. Rejects when Redis does not answer.
   */
  async check(isChanged: boolean): Promise<void> {
    await this.#held.forEach((name, { epoch }) => this.#checkOne(name, epoch, isChanged))
  }

  async #checkOne(name: string, epoch: number, isChanged: boolean): Promise<void> {
    // Closed meanwhile: it must not be given back after its end.
    if (this.#held.withEpoch(name, epoch) === undefined) return
    const { lanes, prefix } = this.#options
    const place = placeOf(prefix, name)
    const [isOver] = await lanes.run(CHECK_NAMED, ...place, epoch)
    const held = this.#held.withEpoch(name, epoch)
    if (held === undefined) return
    if (isOver === true) return this.ended(name, epoch)
    const isLost = isOver === false || isChanged
    if (isLost && held.state !== undefined) await this.save(name, epoch, held.state)
  }
}

/** All that is kept of a name is in one partition. */
function placeOf(prefix: string, name: string): Place {
  const hash = createHash('sha256').update(name).digest()
  const base = partitionBase(prefix, hash.readUInt8(0))
  return Buffer.byteLength(name) > FIELD_BYTES ? [base, Buffer.concat([LONG, hash]), name] : [base, name, false]
}
