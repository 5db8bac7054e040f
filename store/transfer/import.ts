/**
 * The lines of an export into a store. Each step is idempotent, so that an import that was cut off is run again and goes
 * on where it ended; what happened in the store since (a revocation, an acknowledgement) is not taken back.
 */
import { type ErrorCode, PushError } from '../../errors.ts'
import type {
  Appended,
  BroadcastAppend,
  Marks,
  Message,
  SecretStore,
  Store,
  TokenId,
  TokenRecord,
} from '../contract.ts'
import { TransferError } from './fields.ts'
import {
  type AppLine,
  type BroadcastLine,
  type BroadcastMarks,
  type ClearedLine,
  COUNT_NAMES,
  type Counts,
  countLine,
  decodeLine,
  type Line,
  type MessageLine,
  type SecretLine,
  type TokenLine,
} from './format.ts'
import type { LaterLine } from './format-logs.ts'
import type { Imported } from './imported.ts'
import { ImportLater } from './import-later.ts'
import { OffsetMap } from './offset-map.ts'
import { Queues } from './queues.ts'
import type { TransferTopics } from './topics.ts'

export interface ImportOptions {
  /** Where the secrets go; one that is there already must be the same. */
  readonly secrets: SecretStore
  readonly topics: TransferTopics
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Kept up to date. */
  readonly imported: Imported
}

const REUSED: ErrorCode = 'ID_REUSED'

/**
 * Resolves when everything is stored.
 * @throws TransferError for a line that cannot be used, an export that is cut short, another secret under a name
 * @throws STORE_UNAVAILABLE, RETAINED_LIMIT
 */
export async function importStore(store: Store, lines: AsyncIterable<string>, options: ImportOptions): Promise<void> {
  const importing = new Import(store, options)
  let number = 0
  try {
    for await (const text of lines) {
      number += 1
      // An editor, or a copy by hand, may leave some at the end; they hold nothing anywhere.
      if (text.trim() === '') continue
      await importing.take(decodeLine(text))
    }
  } catch (error) {
    await importing.settle()
    if (!(error instanceof TransferError)) throw error
    throw new TransferError(`line ${number} of the export cannot be used: ${error.message}`)
  }
  await importing.finish()
}

/** A token whose lines are being read. */
interface OpenToken {
  readonly line: TokenLine
  /** It was revoked in this store before. */
  isRevoked: boolean
  /** This store did not know it. */
  isNew: boolean
}

class Import {
  readonly #store: Store
  readonly #options: ImportOptions
  readonly #queues = new Queues()
  readonly #offsets = new Map<string, OffsetMap>()
  #header: string | undefined
  #app: string | undefined
  #token: OpenToken | undefined
  #later: ImportLater | undefined
  #ended = false

  constructor(store: Store, options: ImportOptions) {
    this.#store = store
    this.#options = options
  }

  async take(line: Line): Promise<void> {
    if (this.#ended) throw new TransferError('it comes after the end')
    if ((line.type === 'header') !== (this.#header === undefined)) {
      throw new TransferError('an export begins with its header, and has one')
    }
    await this.#step(line)
    countLine(this.#options.imported.read, line)
  }

  /** After an error: what has begun is done or has failed. */
  async settle(): Promise<void> {
    await this.#queues.drain().catch(() => undefined)
    await this.#later?.settle()
  }

  async finish(): Promise<void> {
    await this.#queues.drain()
    await this.#later?.finish()
    if (!this.#ended) {
      throw new TransferError(
        'the export is cut short: its last line is missing. What it holds is imported; import the whole export again',
      )
    }
    await this.#later?.close()
  }

  async #step(line: Line): Promise<void> {
    switch (line.type) {
      case 'header':
        this.#header = line.id
        return
      case 'secret':
        return await this.#secret(line)
      case 'app':
        return this.#openApp(line)
      case 'broadcast':
        return await this.#broadcast(line)
      case 'cleared':
        return await this.#cleared(line)
      case 'token':
        return await this.#openToken(line)
      case 'message':
        return await this.#message(line)
      case 'end':
        return await this.#end(line.counts)
      default:
        return await this.#takeLater(line)
    }
  }

  /** Before all else: with another key, every token that was issued would be refused. */
  async #secret({ name, value }: SecretLine): Promise<void> {
    const kept = await this.#options.secrets.secret(name, () => value)
    if (kept === value) return
    throw new TransferError(
      `there is another secret ${name} here, with which what was issued is not valid; import into an empty place`,
    )
  }

  #openApp({ app }: AppLine): void {
    this.#closeToken()
    this.#app = app
    if (!this.#offsets.has(app)) this.#offsets.set(app, new OffsetMap())
  }

  async #broadcast({ offset, selector, pending, message, fingerprint }: BroadcastLine): Promise<void> {
    const { app, offsets } = this.#appHere()
    if (this.#isExpired(message)) return
    await this.#queues.add(app, message.payload.byteLength, async () => {
      const given = await this.#append({ app, selector, message, dedupe: true, fingerprint })
      if (given === undefined) return
      offsets.add(offset, given)
      if (!pending) offsets.skipTo(given)
    })
  }

  /** An empty retained message that nobody is sent: it has expired when it is stored. */
  async #cleared({ offset, selector }: ClearedLine): Promise<void> {
    const { app, offsets } = this.#appHere()
    const at = this.#options.now()
    const id = `cleared-${this.#header ?? ''}-${offset}`
    const message = { id, payload: Buffer.alloc(0), retain: true, storedAt: at, expiresAt: at }
    await this.#queues.add(app, 0, async () => {
      const { offset: given } = await this.#store.appendBroadcast({ app, selector, message, dedupe: true })
      offsets.add(offset, given)
    })
  }

  #appHere(): { app: string; offsets: OffsetMap } {
    const app = this.#app
    const offsets = app === undefined ? undefined : this.#offsets.get(app)
    if (app === undefined || offsets === undefined || this.#token !== undefined) {
      throw new TransferError('it belongs to no app: no such line is before it')
    }
    return { app, offsets }
  }

  /** Undefined: another one has its id here. */
  async #append(append: BroadcastAppend): Promise<number | undefined> {
    const appended = await orWhenReused(() => this.#store.appendBroadcast(append))
    this.#count(appended?.duplicate ?? true, appended?.dropped ?? 0)
    return appended?.offset
  }

  async #openToken(line: TokenLine): Promise<void> {
    this.#closeToken()
    const token: OpenToken = { line, isRevoked: false, isNew: false }
    this.#token = token
    // All broadcasts were before: the cursor of each token refers to them.
    if (this.#app !== undefined) await this.#queues.drain()
    this.#app = undefined
    await this.#queues.add(line.tokenId, 0, async () => {
      const broadcastCursor = await this.#offsetHere(line.app, line.broadcastCursor)
      if (line.missed !== undefined) token.isNew = (await this.#store.lookupToken(line.tokenId)) === undefined
      // Nothing can be appended to a revoked one: it is revoked when its messages are there.
      token.isRevoked = await this.#restore(line, broadcastCursor, false)
    })
  }

  async #offsetHere(app: string, cursor: number): Promise<number> {
    const mapped = this.#offsets.get(app)?.given(cursor)
    return mapped ?? (await this.#store.readBroadcast(app, 0, { entries: 1, bytes: 0 })).end
  }

  async #restore(line: TokenLine, broadcastCursor: number, revoked: boolean, missed?: number): Promise<boolean> {
    const { tokenId, app, deviceMark, expiresAt, generation, current, details, lastSeen } = line
    const registration = { tokenId, app, deviceMark, expiresAt }
    const marks = line.marks === undefined ? undefined : await this.#marks(app, line.marks)
    const token = { registration, generation, revoked, current, broadcastCursor, marks, details, lastSeen, missed }
    const record = await this.#store.restoreToken(token)
    if (record.app !== app) throw new Error(`token id ${tokenId} belongs to another app here`)
    if (!line.revoked) await this.#note(tokenId, record)
    return record.revoked
  }

  /** The index of accounts is made anew, of those that may be sent to. */
  async #note(tokenId: TokenId, { details, expiresAt, revoked, current }: TokenRecord): Promise<void> {
    const { accountMark, epochs } = details
    if (accountMark === '' || revoked || !current) return
    await this.#store.noteDevice({ accountMark, tokenId, epochs, expiresAt, most: Number.MAX_SAFE_INTEGER })
  }

  /** What was skipped of the private log is among its messages. */
  async #marks(app: string, { floor, versions, passed, skippedBroadcast }: BroadcastMarks): Promise<Marks> {
    const here = (offset: number) => this.#offsetHere(app, offset)
    const skipped = skippedBroadcast.map((offset) => this.#offsets.get(app)?.exactly(offset))
    return {
      floor: await here(floor),
      versions,
      passed: await Promise.all(passed.map(async ([version, offset]) => [version, await here(offset)] as const)),
      skippedPrivate: [],
      skippedBroadcast: skipped.filter((offset) => offset !== undefined),
    }
  }

  async #message(line: MessageLine): Promise<void> {
    const { message } = line
    const token = this.#token
    if (token === undefined) throw new TransferError('it belongs to no token: no such line is before it')
    if (this.#isExpired(message)) return
    const { tokenId } = token.line
    await this.#queues.add(tokenId, message.payload.byteLength, () => this.#deliver(token, tokenId, line))
  }

  async #deliver(token: OpenToken, tokenId: TokenId, { message, pending, fingerprint }: MessageLine): Promise<void> {
    const { imported } = this.#options
    if (token.isRevoked) {
      imported.revoked += 1
      return
    }
    try {
      const appended = await orWhenReused(() => this.#store.append({ tokenId, message, dedupe: true, fingerprint }))
      this.#count(appended?.duplicate ?? true, appended?.dropped ?? 0)
      if (!pending && appended !== undefined) await this.#store.commit([{ tokenId, private: appended.offset }])
    } catch (error) {
      if (!(error instanceof PushError) || error.code !== 'TOKEN_REVOKED') throw error
      imported.revoked += 1
    }
  }

  #closeToken(): void {
    const token = this.#token
    this.#token = undefined
    if (token === undefined) return
    const { line } = token
    const { revoked, missed } = line
    // What was acknowledged among the messages would say that it was told.
    if (revoked || missed !== undefined)
      this.#queues.addLast(line.tokenId, async () => {
        if (revoked || token.isNew) await this.#restore(line, 0, revoked, token.isNew ? missed : undefined)
      })
  }

  /** What is restored there is of the tokens that came before. */
  async #takeLater(line: LaterLine): Promise<void> {
    if (this.#later === undefined) {
      this.#closeToken()
      this.#app = undefined
      await this.#queues.drain()
      this.#later = await ImportLater.open({ ...this.#options, store: this.#store }, this.#header ?? '')
    }
    await this.#later.take(line)
  }

  async #end(counts: Counts): Promise<void> {
    this.#closeToken()
    await this.#later?.finish()
    const { read } = this.#options.imported
    for (const name of COUNT_NAMES) {
      if (counts[name] === read[name]) continue
      throw new TransferError(
        `the export had ${counts[name]} ${name}, of which ${read[name]} are here: lines are missing`,
      )
    }
    this.#ended = true
  }

  #isExpired({ expiresAt }: Message): boolean {
    if (expiresAt > this.#options.now()) return false
    this.#options.imported.expired += 1
    return true
  }

  #count(duplicate: boolean, dropped: number): void {
    const { imported } = this.#options
    if (duplicate) imported.duplicates += 1
    imported.dropped += dropped
  }
}

/**
 * A message that came by an earlier import, and is retained now or not any more, has other options. It is there: it is not
 * stored again.
 */
async function orWhenReused(append: () => Promise<Appended>): Promise<Appended | undefined> {
  try {
    return await append()
  } catch (error) {
    if (error instanceof PushError && error.code === REUSED) return undefined
    throw error
  }
}
