/** Sessions by name, with what they received, their subscriptions and their logs, into a store. */
import type { SessionClose, Store } from '../contract.ts'
import { TransferError } from './fields.ts'
import type { DeliveryLine, SessionLine, SessionsLine, SubscriptionLine } from './format-logs.ts'
import type { Imported } from './imported.ts'
import type { Progress } from './progress.ts'
import { Queues } from './queues.ts'

const READ = { entries: 1_000, bytes: 4 * 1024 * 1024 }
const SUBSCRIPTIONS_AT_ONCE = 100

interface ImportSessionsOptions {
  readonly store: Store
  readonly progress: Progress
  readonly now: () => number
  readonly imported: Imported
}

/** A session whose lines are being read. */
class OpenSession {
  readonly line: SessionLine
  epoch = 0
  /** How many are in its log, and which of them were released. */
  stored = 0
  readonly released = new Set<number>()
  subscriptions: SubscriptionLine[] = []

  constructor(line: SessionLine) {
    this.line = line
  }
}

export class ImportSessions {
  readonly #options: ImportSessionsOptions
  readonly #queues = new Queues()
  #present: ReadonlySet<string> | undefined
  /** `done`, `left out`: its lines are passed over. */
  #session: OpenSession | 'done' | 'left out' | undefined

  constructor(options: ImportSessionsOptions) {
    this.#options = options
  }

  async take(line: SessionsLine): Promise<void> {
    if (line.type === 'session') return await this.#begin(line)
    const session = this.#session
    if (session === undefined) throw new TransferError('it belongs to no session: no such line is before it')
    if (line.type === 'delivery') await this.#deliver(session, line)
    else if (typeof session !== 'string') await this.#subscribe(session, line)
  }

  /** No more sessions come. */
  async finish(): Promise<void> {
    await this.#end()
    await this.#queues.drain()
  }

  /** After an error: what has begun is done or has failed. */
  async settle(): Promise<void> {
    await this.#queues.drain().catch(() => undefined)
  }

  async #begin(line: SessionLine): Promise<void> {
    const { store, progress, imported } = this.#options
    await this.#end()
    if (progress.isFull) {
      await this.#queues.drain()
      await progress.save()
    }
    this.#present ??= await namesOf(store)
    const whether = progress.next()
    const isThere = this.#present.has(line.name)
    if (whether === 'new' && isThere) imported.sessions += 1
    const isLeftOut = (whether === 'new' && isThere) || this.#isOver(line)
    if (whether === 'done' || isLeftOut) {
      this.#session = whether === 'done' ? 'done' : 'left out'
      return
    }
    const session = new OpenSession(line)
    this.#session = session
    await this.#queues.add(line.name, 0, async () => {
      // What is there of an import that was not finished is put there anew.
      session.epoch = (await store.openNamedSession(line.name, whether === 'perhaps', line.keptMs)).epoch
      for (const [packetId, known] of line.received) {
        await store.rememberReceived(line.name, session.epoch, packetId, known)
      }
    })
  }

  /** A will that waits outlives its session. */
  #isOver({ expiresAt, will }: SessionLine): boolean {
    return expiresAt <= this.#options.now() && will === undefined
  }

  async #subscribe(session: OpenSession, line: SubscriptionLine): Promise<void> {
    session.subscriptions.push(line)
    if (session.subscriptions.length >= SUBSCRIPTIONS_AT_ONCE) await this.#changeSubscriptions(session)
  }

  async #changeSubscriptions(session: OpenSession): Promise<void> {
    const { name } = session.line
    const filters = session.subscriptions.splice(0).map(({ filter, options }) => [filter, options] as const)
    if (filters.length === 0) return
    await this.#queues.add(name, 0, async () => {
      await this.#options.store.changeSubscriptions({ name, epoch: session.epoch, replaces: false, filters })
    })
  }

  async #deliver(session: OpenSession | 'done' | 'left out', line: DeliveryLine): Promise<void> {
    const { store, now, imported } = this.#options
    const { topic, qos, identifiers, released, message } = line
    if (message.expiresAt <= now()) {
      imported.expired += 1
      return
    }
    if (session === 'done') imported.duplicates += 1
    if (typeof session === 'string') return
    const { name } = session.line
    await this.#queues.add(name, message.payload.byteLength, async () => {
      const to = [{ name, qos, retain: message.retain, identifiers }]
      const [answer] = await store.appendSessions({ topic, message, to })
      if (answer !== 'stored') {
        imported.dropped += 1
        return
      }
      if (released) session.released.add(session.stored)
      session.stored += 1
    })
  }

  async #end(): Promise<void> {
    const session = this.#session
    this.#session = undefined
    if (session === undefined || typeof session === 'string') return
    await this.#changeSubscriptions(session)
    await this.#queues.add(session.line.name, 0, async () => {
      await this.#release(session)
      await this.#close(session)
    })
  }

  /** Its log is as it was given, in order: that says the offset of each. */
  async #release({ line: { name }, epoch, released, stored }: OpenSession): Promise<void> {
    const { store } = this.#options
    const offsets: number[] = []
    for (let after = 0, at = 0; released.size > 0 && at < stored; ) {
      const { entries, readTo, end } = await store.readSession(name, after, READ)
      for (const { offset } of entries) {
        if (released.has(at)) offsets.push(offset)
        at += 1
      }
      if (readTo >= end) break
      after = readTo
    }
    if (offsets.length > 0) await store.commitSession({ name, epoch, done: [], released: offsets })
  }

  /** One that was not closed stays open, as after a crash. */
  async #close({ line, epoch }: OpenSession): Promise<void> {
    const { store, now } = this.#options
    const { name, held, state, expiresAt, will } = line
    if (held && expiresAt === Infinity) {
      if (state !== undefined) await store.saveNamedSession(name, epoch, state)
      return
    }
    const soon = now() + 1
    const close: SessionClose = {
      state: state ?? Buffer.alloc(0),
      stateExpiresAt: Math.max(expiresAt, soon),
      ...(will === undefined
        ? {}
        : { will: { ...will, publishAt: Math.min(will.publishAt, Math.max(expiresAt, soon)) } }),
    }
    await store.closeNamedSession(name, epoch, close)
  }
}

async function namesOf(store: Store): Promise<ReadonlySet<string>> {
  const names = new Set<string>()
  for await (const { name } of store.namedSessions()) names.add(name)
  return names
}
