/**
 * The session of one client beyond its connection, as far as Aedes does not keep it: whether there is one, the queue of
 * what waits for it, and the packet ids under way (MQTT 5 section 4.1, MQTT 3.1.1 section 3.1.2.4).
 */
import type { Outgoing } from './outgoing.ts'
import type { GeneralState, SharedSubscription } from './contract.ts'
import { decodeRecord, encodeRecord, type SessionRecord } from './session-record.ts'
import { StoredQueue, type QueueStorage } from './stored-queue.ts'

/** MQTT 5 section 3.1.2.11.2: a Session Expiry Interval that never ends. */
const NEVER = 0xffff_ffff

/** The client as Aedes has it, after its CONNECT was authenticated. */
interface SessionClient {
  readonly id: string
  /** Aedes keeps nothing of it beyond the connection. */
  clean: boolean
  /** Seconds. */
  readonly sessionExpiryInterval: number
}

interface KeptSessionOptions {
  readonly client: SessionClient
  readonly cleanStart: boolean
  readonly storage: QueueStorage & Pick<GeneralState, 'records'>
  /** Names this connection among all. */
  readonly owner: string
  readonly now: () => number
  /** Ends a shared subscription of this client; `member` is how its group knows it. */
  readonly leaveGroup: (name: string, member: string) => Promise<void>
  /** A message could not be taken out of the queue. */
  readonly failed: (error: unknown) => void
}

/** What became of the session that an earlier connection left: there was none, it goes on, or it was ended. */
export type Opened = 'new' | 'resumed' | 'replaced'

export class KeptSession {
  /** Packet ids of QoS 2 messages from the client that wait for PUBREL. */
  received = new Set<number>()
  /** By their names in SUBSCRIBE. */
  readonly shared = new Map<string, SharedSubscription>()
  readonly #options: KeptSessionOptions
  #outgoing: Outgoing | undefined
  #queue: StoredQueue | undefined
  #left: Promise<void> | undefined
  #opening: Promise<unknown> = Promise.resolve()

  constructor(options: KeptSessionOptions) {
    this.#options = options
  }

  /** It outlives the connection, as things stand. */
  get isKept(): boolean {
    return this.#queue !== undefined && this.#options.client.sessionExpiryInterval > 0
  }

  get clientId(): string {
    return this.#options.client.id
  }

  /** Of a shared subscription: without a session it is the connection that is a member, and not who comes after it. */
  get member(): string {
    const { client, owner } = this.#options
    return this.#queue === undefined ? `${client.id} ${owner}` : client.id
  }

  /** Resumes what an earlier connection left, or ends it. */
  open(outgoing: Outgoing): Promise<Opened> {
    const opening = this.#open(outgoing)
    this.#opening = opening.catch(() => undefined)
    return opening
  }

  async #open(outgoing: Outgoing): Promise<Opened> {
    const { client, cleanStart, storage, owner, now, failed } = this.#options
    this.#outgoing = outgoing
    const bytes = await storage.records.claim(client.id, owner, !client.clean)
    const left = bytes === undefined ? await this.#withoutRecord() : decodeRecord(bytes)
    const queue = new StoredQueue(storage, client.id, failed)
    const resumed = left !== undefined && !cleanStart && left.expiresAt > now() ? left : undefined
    const replaced = resumed === undefined && bytes !== undefined
    if (replaced) {
      // [MQTT-3.1.2-4] with its subscriptions, its queue and the packet ids of both directions
      await this.#drop(queue, left?.shared ?? [])
      await storage.records.claim(client.id, owner, !client.clean)
    }
    // What was kept is kept as it was until this connection ends, whatever comes after it.
    if (resumed !== undefined) client.clean = false
    const opened = resumed !== undefined ? 'resumed' : replaced ? 'replaced' : 'new'
    if (client.clean) return opened
    this.#queue = queue
    this.received = new Set(resumed?.received)
    for (const each of resumed?.shared ?? []) this.shared.set(each.name, each)
    outgoing.resume(queue, resumed)
    await this.save()
    return opened
  }

  async #drop(queue: StoredQueue, shared: Iterable<SharedSubscription>): Promise<void> {
    const { client, storage, owner, leaveGroup } = this.#options
    for (const { name } of shared) await leaveGroup(name, client.id)
    // In this order: what is published meanwhile would be queued again, faster than it is dropped.
    await storage.persistence.cleanSubscriptions(client)
    await queue.drop()
    await storage.records.remove(client.id, owner)
  }

  /** Of a broker that kept sessions before it had push. */
  async #withoutRecord(): Promise<SessionRecord | undefined> {
    const { client, cleanStart, storage } = this.#options
    if (cleanStart) return undefined
    const subscriptions = await storage.persistence.subscriptionsByClient(client)
    if (subscriptions.length === 0) return undefined
    return {
      open: true,
      expiresAt: Number.POSITIVE_INFINITY,
      sent: new Map(),
      released: new Map(),
      received: [],
      shared: [],
    }
  }

  /** Writes down what a resumption needs, where there can be one. */
  async save(): Promise<void> {
    if (this.#queue === undefined) return
    const { client, now } = this.#options
    await this.#write(true, client.sessionExpiryInterval === 0 ? now() : Number.POSITIVE_INFINITY)
  }

  /** The connection has ended. */
  leave(): Promise<void> {
    this.#left ??= this.#leave()
    return this.#left
  }

  async #leave(): Promise<void> {
    await this.#opening
    const { client, now, leaveGroup } = this.#options
    if (this.#queue === undefined) {
      for (const name of this.shared.keys()) await leaveGroup(name, this.member)
      return
    }
    await this.#queue.idle()
    const { sessionExpiryInterval: expiry } = client
    if (expiry === 0) await this.expire()
    else await this.#write(false, expiry === NEVER ? Number.POSITIVE_INFINITY : now() + expiry * 1000)
  }

  /** Its time is over. Where a later connection has it by now, on whichever node, it lives on. */
  async expire(): Promise<void> {
    const { client, storage, owner } = this.#options
    if (this.#queue === undefined || !(await storage.records.owns(client.id, owner))) return
    await this.#drop(this.#queue, this.shared.values())
  }

  async #write(open: boolean, expiresAt: number): Promise<void> {
    const { client, storage, owner } = this.#options
    const marks = this.#outgoing?.marks() ?? { sent: new Map<string, number>(), released: new Map<string, number>() }
    const record: SessionRecord = {
      open,
      expiresAt,
      ...marks,
      received: [...this.received],
      shared: [...this.shared.values()],
    }
    await storage.records.write(client.id, owner, encodeRecord(record))
  }
}
