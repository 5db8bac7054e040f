/**
 * The session of one client beyond its connection, as far as Aedes does not keep it: whether there is one, the queue of
 * what waits for it, and the packet ids under way (MQTT 5 section 4.1, MQTT 3.1.1 section 3.1.2.4).
 */
import type { Outgoing } from './outgoing.ts'
import type { OtherState } from './persistence.ts'
import { decodeRecord, encodeRecord, type SessionRecord } from './session-record.ts'
import type { SharedSubscription } from './shared-group.ts'
import { StoredQueue, type QueueStorage } from './stored-queue.ts'

/** MQTT 5 section 3.1.2.11.2: a Session Expiry Interval that never ends. */
const NEVER = 0xffff_ffff

/** The client as Aedes has it, after its CONNECT was authenticated. */
export interface SessionClient {
  readonly id: string
  /** Aedes keeps nothing of it beyond the connection. */
  clean: boolean
  /** Seconds. */
  readonly sessionExpiryInterval: number
}

export interface KeptSessionOptions {
  readonly client: SessionClient
  readonly cleanStart: boolean
  readonly storage: QueueStorage & Pick<OtherState, 'records'>
  /** Names this connection among all. */
  readonly owner: string
  readonly now: () => number
  /** Ends a shared subscription of this client. */
  readonly leaveGroup: (name: string) => Promise<void>
  /** A message could not be taken out of the queue. */
  readonly failed: (error: unknown) => void
}

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

  /** Resumes what an earlier connection left, or ends it; true when it is resumed. */
  open(outgoing: Outgoing): Promise<boolean> {
    const opening = this.#open(outgoing)
    this.#opening = opening.catch(() => undefined)
    return opening
  }

  async #open(outgoing: Outgoing): Promise<boolean> {
    const { client, cleanStart, storage, owner, now, failed, leaveGroup } = this.#options
    this.#outgoing = outgoing
    const bytes = await storage.records.claim(client.id, owner, !client.clean)
    const left = bytes === undefined ? await this.#withoutRecord() : decodeRecord(bytes)
    const queue = new StoredQueue(storage, client.id, failed)
    const resumed = left !== undefined && !cleanStart && left.expiresAt > now() ? left : undefined
    if (resumed === undefined && bytes !== undefined) {
      for (const { name } of left?.shared ?? []) await leaveGroup(name)
      // [MQTT-3.1.2-4] with its subscriptions, its queue and the packet ids of both directions
      // In this order: what is published meanwhile would be queued again, faster than it is dropped.
      await storage.persistence.cleanSubscriptions(client)
      await queue.drop()
      await storage.records.remove(client.id, owner)
      await storage.records.claim(client.id, owner, !client.clean)
    }
    // What was kept is kept as it was until this connection ends, whatever comes after it.
    if (resumed !== undefined) client.clean = false
    if (client.clean) return false
    this.#queue = queue
    this.received = new Set(resumed?.received)
    for (const each of resumed?.shared ?? []) this.shared.set(each.name, each)
    outgoing.resume(queue, resumed)
    await this.save()
    return resumed !== undefined
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
    const { client, storage, owner, now, leaveGroup } = this.#options
    if (this.#queue === undefined || client.sessionExpiryInterval === 0)
      for (const name of this.shared.keys()) await leaveGroup(name)
    if (this.#queue === undefined) return
    await this.#queue.idle()
    if (client.sessionExpiryInterval === 0) {
      await storage.persistence.cleanSubscriptions(client)
      await this.#queue.drop()
      await storage.records.remove(client.id, owner)
    } else {
      const { sessionExpiryInterval: expiry } = client
      await this.#write(false, expiry === NEVER ? Number.POSITIVE_INFINITY : now() + expiry * 1000)
    }
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
