/**
 * Shared subscriptions (MQTT 5 section 4.8.2). A group is a client of its own to Aedes' persistence, whose queue holds
 * what no member has acknowledged; each message is claimed, by one node of all, for one member that has room.
 */
import type { Aedes } from 'aedes'
import type { Logger } from 'pino'
import { PushError } from '../../errors.ts'
import type { GroupStore } from './contract.ts'
import { SharedGroup, type SharedMember } from './shared-group.ts'
import { StoredQueue, type QueueStorage } from './stored-queue.ts'

interface SharedGroupsOptions {
  readonly broker: () => Aedes
  readonly storage: () => QueueStorage
  readonly store: GroupStore
  readonly now: () => number
  readonly logger: Logger
}

/** What was missed, by whatever cause, is looked for again after this time, ms. */
const SWEEP_MS = 10_000
/** A member whose node is not heard of for this long is gone, ms. */
const MEMBER_MS = 90_000
/** Longest step of a SUBSCRIBE, ms. */
const STEP_MS = 10_000
const WAKE = '$SYS/push/share'

type Emitter = {
  on(topic: string, listener: (packet: { payload: Buffer | string }, done: () => void) => void): void
  emit(packet: object, done: () => void): void
}

export class SharedGroups {
  readonly #options: SharedGroupsOptions
  readonly #groups = new Map<string, SharedGroup>()
  /** Steps of one group come one after the other. */
  readonly #work = new Map<string, Promise<unknown>>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: SharedGroupsOptions) {
    this.#options = options
  }

  /** When the broker serves. */
  start(): void {
    this.#emitter.on(WAKE, ({ payload }, done) => {
      this.#groups.get(payload.toString())?.wake()
      done()
    })
    this.#timer = setInterval(() => this.#sweep(), SWEEP_MS).unref()
    this.#sweep()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** A subscription is made, or a session with one is resumed. */
  join(id: string, member: SharedMember): Promise<void> {
    return this.#inTurn(id, async () => {
      const { store, storage, now } = this.#options
      await store.add(id, member.name, member.kept ? Number.POSITIVE_INFINITY : now() + MEMBER_MS)
      const { filter } = member.subscription
      const subscription = { topic: filter, qos: 2, rh: 0, rap: true, nl: false }
      await inTime('its subscription', storage().persistence.addSubscriptions({ id }, [subscription]))
      let group = this.#groups.get(id)
      if (group === undefined) {
        group = this.#open(id, filter)
        this.#groups.set(id, group)
        await inTime('its messages', group.start())
      }
      group.add(member)
    })
  }

  /** A member can be given something. */
  roomMade(id: string): void {
    this.#groups.get(id)?.roomMade()
  }

  /** The connection of a member has ended: what it has not acknowledged goes to another. */
  disconnect(id: string, clientId: string): void {
    const group = this.#groups.get(id)
    if (group?.remove(clientId) !== true) return
    group.stop()
    this.#groups.delete(id)
  }

  /** The subscription has ended; with the last one the group ends, and what waits for it. */
  leave(id: string, clientId: string, name: string): Promise<void> {
    this.disconnect(id, clientId)
    return this.#inTurn(id, async () => {
      if (await this.#options.store.remove(id, name)) await this.#end(id)
    })
  }

  #open(id: string, filter: string): SharedGroup {
    const { broker, storage, store, logger } = this.#options
    return new SharedGroup({
      id,
      filter,
      broker: broker(),
      store,
      logger,
      queue: new StoredQueue(storage(), id, (error) => logger.debug({ err: error }, 'a shared message stays queued')),
      wakeOthers: () => this.#emitter.emit({ topic: WAKE, payload: Buffer.from(id) }, () => undefined),
    })
  }

  async #end(id: string): Promise<void> {
    const { storage } = this.#options
    await storage().persistence.cleanSubscriptions({ id })
    await new StoredQueue(storage(), id, () => undefined).drop()
  }

  /** Members of this node are still there; groups of nodes that died are not; and nothing waits that could be given. */
  #sweep(): void {
    this.#lookAtAll().catch((error: unknown) =>
      this.#options.logger.warn({ err: error }, 'could not check shared subscriptions, trying again'),
    )
  }

  async #lookAtAll(): Promise<void> {
    const { store, now } = this.#options
    for (const [id, group] of this.#groups) {
      for (const { name, kept } of group.members) if (!kept) await store.add(id, name, now() + MEMBER_MS)
      await group.sweep()
    }
    for (const id of await store.abandoned()) await this.#inTurn(id, () => this.#end(id))
  }

  #inTurn(id: string, step: () => Promise<void>): Promise<void> {
    const turn = (this.#work.get(id) ?? Promise.resolve()).then(step)
    const settled = turn
      .catch(() => undefined)
      .then(() => {
        if (this.#work.get(id) === settled) this.#work.delete(id)
      })
    this.#work.set(id, settled)
    return turn
  }

  get #emitter(): Emitter {
    return (this.#options.broker() as unknown as { mq: Emitter }).mq
  }
}

/** Both wait for a notice of their own to come back from the emitter, which does not come back when Redis is cut off. */
async function inTime<T>(what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new PushError('STORE_UNAVAILABLE', `${what} took too long`)), STEP_MS)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
