/**
 * Readers of upstream logs. Those that were opened here and not closed are opened again when Redis has lost them: at the
 * end of what each part then holds.
 */
import { groupOfLog, type Part, type ReaderMove, type ReaderOpen, type ReaderPart, type TokenId } from '../contract.ts'
import { asTime } from './entry.ts'
import { PARTITIONS, partitionBase } from './keys.ts'
import type { Lanes } from './lanes.ts'
import { asNumber, CLOSE_READER, MOVE_READER, OPEN_READER } from './steps.ts'
import { type Location, partitionOf } from './token.ts'
import { WholeLog } from './whole-log.ts'

interface ReadersOptions {
  readonly lanes: Lanes
  readonly prefix: string
  /** Of a token id, or a group. */
  readonly locate: (tokenId: TokenId) => Location
  readonly now: () => number
}

const ALL = Array.from({ length: PARTITIONS }, (_, part) => part)
const READER_BYTES = 400
/** As many are held before those that have ended are forgotten. */
const FIRST_LOOK = 1_024

/** No app has a `/`. */
const nameOf = (app: string, reader: string): string => `${app}/${reader}`

export class Readers {
  readonly #options: ReadersOptions
  readonly #wholeLog = new WholeLog()
  readonly #open = new Map<string, ReaderOpen>()
  #lookAt = FIRST_LOOK

  constructor(options: ReadersOptions) {
    this.#options = options
  }

  async open(open: ReaderOpen): Promise<readonly ReaderPart[]> {
    const { app, reader, expiresAt } = open
    const length = Buffer.byteLength(reader, 'utf8')
    if (length < 1 || length > READER_BYTES) throw new TypeError(`a reader has a name of 1 to ${READER_BYTES} bytes`)
    const name = nameOf(app, reader)
    const known = this.#open.get(name)
    const held = known !== undefined && known.expiresAt > expiresAt ? known : open
    this.#open.set(name, held)
    if (this.#open.size >= this.#lookAt) this.#forgetEnded()
    try {
      return await this.#openParts(open, open.keepsMissed === true)
    } catch (error) {
      // It may exist in some parts: whoever needs it opens it again.
      if (this.#open.get(name) === held) this.#forget(name, known)
      throw error
    }
  }

  #forgetEnded(): void {
    const now = this.#options.now()
    for (const [name, { expiresAt }] of this.#open) if (expiresAt <= now) this.#open.delete(name)
    this.#lookAt = Math.max(FIRST_LOOK, this.#open.size * 2)
  }

  #forget(name: string, known: ReaderOpen | undefined): void {
    if (known === undefined) this.#open.delete(name)
    else this.#open.set(name, known)
  }

  /** `keepsMissed`: nobody hears what was missed, so that it is told later. */
  async #openParts({ app, reader, expiresAt, from }: ReaderOpen, keepsMissed: boolean): Promise<readonly ReaderPart[]> {
    const expires = expiresAt === Infinity ? 0 : Math.max(1, asTime(expiresAt))
    return await this.#everywhere(app, async (base, part) => {
      const result = await this.#options.lanes.run(
        OPEN_READER,
        base,
        app,
        reader,
        expires,
        keepsMissed,
        from === 'earliest',
      )
      return { part, cursor: asNumber(result[0]), end: asNumber(result[1]), missed: asNumber(result[2]) }
    })
  }

  async close(app: string, reader: string): Promise<void> {
    this.#open.delete(nameOf(app, reader))
    await this.#everywhere(app, (base) => this.#options.lanes.run(CLOSE_READER, base, app, reader))
  }

  async move(app: string, reader: string, moves: readonly ReaderMove[]): Promise<boolean> {
    const { lanes, prefix } = this.#options
    const results = await this.#wholeLog.run(moves.length, () =>
      Promise.all(
        moves.map(({ part, cursor, missed = 0 }) =>
          lanes.run(MOVE_READER, partitionBase(prefix, part), app, reader, cursor, missed),
        ),
      ),
    )
    return results.every(([isKnown]) => isKnown === true)
  }

  /** Redis is not what it was. One after the other, so that live traffic goes on in between. */
  async putBack(): Promise<void> {
    this.#forgetEnded()
    for (const [name, open] of [...this.#open]) {
      // Closed meanwhile: it must not come back after its end.
      if (this.#open.has(name)) await this.#openParts(open, true)
    }
  }

  /** The log of a group has a single part. */
  async #everywhere<T>(app: string, work: (base: string, part: Part) => Promise<T>): Promise<T[]> {
    const { prefix, locate } = this.#options
    const group = groupOfLog(app)
    const parts = group === undefined ? ALL : [partitionOf(locate(group).id)]
    return await this.#wholeLog.run(parts.length, () =>
      Promise.all(parts.map((part) => work(partitionBase(prefix, part), part))),
    )
  }
}
