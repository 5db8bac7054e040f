/** `aedes-push import-mosquitto`: imports Mosquitto's mosquitto.db into the store. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { RetainedMessages } from '../broker/index.ts'
import { encodeReceived } from '../broker/session/received-message.ts'
import { encodeSubscription } from '../broker/session/subscription-record.ts'
import { userSessionName } from '../broker/session/user-sessions.ts'
import { encodeUserState } from '../broker/session/user-state.ts'
import {
  matchesFilter,
  type MosquittoDb,
  MosquittoDbError,
  type QueuedMessage,
  readMosquittoDb,
  type ReceivedMessage,
  type StoredMessage,
  type StoredSession,
} from '../mosquitto-compat/index.ts'
import type { Message, SessionDelivery, Store } from '../store/index.ts'
import { Queues } from '../store/transfer/index.ts'
import { type Config, ConfigError } from './settings.ts'
import { placeOf, type TransferOptions, withStore } from './transfer.ts'

export interface ImportMosquittoOptions extends TransferOptions {
  readonly path: string
  /** Sessions are known by username and client id, as without a mosquitto.conf; otherwise by the client id alone. */
  readonly byUserName: boolean
}

/** What came of it. */
interface Done {
  retained: number
  sessions: number
  subscriptions: number
  messages: number
  /** Retained messages and sessions that were here already. */
  present: number
  expired: number
  /** More than the queue of a session takes. */
  refused: number
}

/** Which sessions an import has begun: where one ended before its time, the next one does them anew. */
const TABLE = 'mosquitto-imports'

/** @throws ConfigError for a file that cannot be used; nothing is imported then. STORE_UNAVAILABLE */
export async function runImportMosquitto(options: ImportMosquittoOptions): Promise<Done> {
  const { path, config, say, byUserName, progress } = options
  const { db, file } = read(path)
  say(`importing ${path} into ${placeOf(config)}`)
  const done: Done = { retained: 0, sessions: 0, subscriptions: 0, messages: 0, present: 0, expired: 0, refused: 0 }
  await withStore(options, async (store, topics) => {
    const importing = new Importing({ store, topics, byUserName, file, done })
    try {
      await progress(
        () => `so far ${inWords(done)}`,
        () => importing.run(db),
      )
    } catch (error) {
      say(`not finished, after ${inWords(done)}; it can be run again and goes on where it ended`)
      throw error
    }
  })
  say(`imported ${inWords(done)}`)
  if (done.present > 0) say(`${done.present} retained messages and sessions were here already, and stay as they are`)
  if (done.expired > 0) say(`${done.expired} had expired and were left out`)
  if (done.refused > 0) say(`${done.refused} messages were left out: more than the queue of a session takes`)
  return done
}

/** A line for who starts here with what a Mosquitto has left, and has not imported it. */
export function importHint(path: string, { PUSH_DATA_DIR: directory, PUSH_REDIS_URL: redis }: Config) {
  if (redis !== undefined || existsSync(join(directory, 'store')) || !existsSync(path)) return undefined
  return `${path} holds what Mosquitto has kept. To go on with it, stop this server and run: aedes-push import-mosquitto ${path} --data-dir ${directory}`
}

function inWords({ retained, sessions, subscriptions, messages }: Done): string {
  return `${retained} retained messages, and ${sessions} sessions with ${subscriptions} subscriptions and ${messages} messages`
}

/** Of which the store knows what was imported before. */
interface File {
  readonly id: string
  readonly writtenAt: number
}

function read(path: string): { readonly db: MosquittoDb; readonly file: File } {
  try {
    const bytes = readFileSync(path)
    const id = createHash('sha256').update(bytes).digest('base64url').slice(0, 16)
    return { db: readMosquittoDb(bytes), file: { id, writtenAt: Math.floor(statSync(path).mtimeMs) } }
  } catch (error) {
    if (error instanceof MosquittoDbError)
      throw new ConfigError(`import-mosquitto: ${path} cannot be used, and nothing was imported: ${error.message}`)
    const why = error instanceof Error ? error.message : String(error)
    throw new ConfigError(`import-mosquitto: ${path} cannot be read: ${why}`, { cause: error })
  }
}

interface ImportingOptions {
  readonly store: Store
  readonly topics: RetainedMessages
  readonly byUserName: boolean
  readonly file: File
  readonly done: Done
}

class Importing {
  readonly #options: ImportingOptions
  readonly #now = Date.now()
  /** By what orders them: topics, and sessions. */
  readonly #queues = new Queues()
  /** Names of sessions that are imported, with their rows. */
  readonly #rows = new Map<string, string>()

  constructor(options: ImportingOptions) {
    this.#options = options
  }

  async run({ retained, sessions }: MosquittoDb): Promise<void> {
    const { store } = this.#options
    for (const message of retained)
      await this.#queues.add(message.topic, message.payload.byteLength, () => this.#retain(message))
    const present = await this.#present()
    for (const session of sessions)
      await this.#queues.add(this.#nameOf(session), 0, () => this.#session(session, present))
    await this.#queues.drain()
    for (const session of sessions)
      if (this.#rows.has(this.#nameOf(session)))
        for (const received of session.received) await this.#publish(received, sessions)
    for (const [name, key] of this.#rows)
      await this.#queues.add(name, 0, async () => void (await store.writeRow({ table: TABLE, key })))
    await this.#queues.drain()
  }

  /** What is retained here, and is not older, stays. */
  async #retain(stored: StoredMessage): Promise<void> {
    const { topics, file, done } = this.#options
    if (stored.expiresAt <= Date.now()) return void done.expired++
    for await (const here of topics.matching(stored.topic))
      if (here.storedAt >= file.writtenAt) return void done.present++
    await topics.retain({ ...this.#messageOf(stored, true), topic: stored.topic, qos: stored.qos })
    done.retained++
  }

  async #present(): Promise<ReadonlySet<string>> {
    const names = new Set<string>()
    for await (const { name } of this.#options.store.namedSessions()) names.add(name)
    return names
  }

  async #session(session: StoredSession, present: ReadonlySet<string>): Promise<void> {
    const { store, file, done } = this.#options
    const name = this.#nameOf(session)
    const expiresAt = this.#expiryOf(session)
    if (expiresAt <= this.#now) return void done.expired++
    const key = `${file.id} ${createHash('sha256').update(name).digest('base64url')}`
    // Of an import that ended before its time, it is done anew.
    const isBegun = (await store.readRow(TABLE, key)) !== undefined
    if (present.has(name) && !isBegun) return void done.present++
    await store.writeRow({ table: TABLE, key, value: Buffer.alloc(0) })
    this.#rows.set(name, key)
    const { epoch } = await store.openNamedSession(name, isBegun, session.expiryInterval * 1000)
    const filters = session.subscriptions.map((each) => [each.filter, encodeSubscription(each)] as const)
    if (filters.length > 0) await store.changeSubscriptions({ name, epoch, replaces: true, filters })
    const resendAtMost = await this.#queue(name, session.queue)
    for (const { message, packetId } of session.received) {
      const known = encodeReceived({ uid: this.#idOf(message), topic: message.topic })
      await store.rememberReceived(name, epoch, packetId, known)
    }
    const state = encodeUserState({ sent: 0, retainedDue: [], resendAtMost })
    await store.closeNamedSession(name, epoch, { state, stateExpiresAt: expiresAt })
    done.sessions++
    done.subscriptions += filters.length
  }

  /** Returns how many of the first ones go out with DUP. */
  async #queue(name: string, queue: readonly QueuedMessage[]): Promise<number> {
    const { done } = this.#options
    let sent = 0
    for (const { message, qos, retain, wasSent, identifiers } of queue) {
      if (message.expiresAt <= this.#now) {
        done.expired++
        continue
      }
      await this.#append(message, [{ name, qos: qos === 2 ? 2 : 1, retain, identifiers }])
      if (wasSent) sent++
    }
    return sent
  }

  /**
   * QoS 2 whose PUBREL has not come: Mosquitto publishes then, and we before it. So it is published now, and its session
   * knows it by its packet id, so that it is not published again when it comes again.
   */
  async #publish({ message }: ReceivedMessage, sessions: readonly StoredSession[]): Promise<void> {
    const to = sessions.flatMap((session) => {
      const name = this.#nameOf(session)
      const matching = session.subscriptions.filter(({ filter }) => matchesFilter(filter, message.topic))
      const qos = Math.max(0, ...matching.map((each) => each.qos))
      if (!this.#rows.has(name) || matching.length === 0 || qos === 0) return []
      const identifiers = matching.map(({ identifier }) => identifier).filter((identifier) => identifier > 0)
      return [{ name, qos: qos === 2 ? 2 : 1, retain: false, identifiers } as const]
    })
    if (message.expiresAt > this.#now && to.length > 0) await this.#append(message, to, this.#idOf(message))
  }

  async #append(stored: StoredMessage, to: readonly SessionDelivery[], uid?: string): Promise<void> {
    const { store, done } = this.#options
    const append = { topic: stored.topic, message: this.#messageOf(stored, false), to }
    for (const answer of await store.appendSessions(uid === undefined ? append : { ...append, uid }))
      if (answer === 'stored') done.messages++
      else if (answer !== 'duplicate') done.refused++
  }

  #nameOf({ clientId, username }: StoredSession): string {
    return userSessionName(this.#options.byUserName ? (username ?? '') : '', clientId)
  }

  #expiryOf({ expiresAt, expiryInterval }: StoredSession): number {
    return expiresAt === Infinity ? this.#now + expiryInterval * 1000 : expiresAt
  }

  #idOf({ id }: StoredMessage): string {
    return `mosquitto-${this.#options.file.id}-${id}`
  }

  #messageOf(stored: StoredMessage, retain: boolean): Message {
    const { payload, properties, expiresAt } = stored
    const storedAt = this.#options.file.writtenAt
    const message = { id: this.#idOf(stored), payload, retain, storedAt, expiresAt }
    return properties.byteLength === 0 ? message : { ...message, properties }
  }
}
