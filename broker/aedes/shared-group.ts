/** One group of a shared subscription, as one node sees it: its members that are connected here, and what they are given. */
import type { Aedes } from 'aedes'
import type { Logger } from 'pino'
import { filterMatches } from '../codec/topic-syntax.ts'
import type { Outgoing } from './outgoing.ts'
import type { GroupStore, SharedSubscription, StoredPacket } from './contract.ts'
import type { StoredQueue } from './stored-queue.ts'

export interface SharedMember {
  readonly clientId: string
  /** How the group store knows it. */
  readonly name: string
  readonly subscription: SharedSubscription
  readonly outgoing: Outgoing
  /** Its session outlives the connection. */
  readonly kept: boolean
}

interface SharedGroupOptions {
  readonly id: string
  readonly filter: string
  readonly broker: Aedes
  readonly store: GroupStore
  readonly queue: StoredQueue
  readonly logger: Logger
  /** Other nodes may have a member with room. */
  readonly wakeOthers: () => void
}

type Listener = (packet: StoredPacket, done: () => void) => void
interface Topics {
  subscribe(topic: string, listener: Listener, done: () => void): void
  unsubscribe(topic: string, listener: Listener, done: () => void): void
}

/** Messages that are remembered after they were acknowledged: they may still be read from the queue. */
const RECENT = 2000

export class SharedGroup {
  readonly #options: SharedGroupOptions
  #members: SharedMember[] = []
  /** Claimed by this node, or being claimed. */
  readonly #claimed = new Set<string>()
  readonly #recent = new Set<string>()
  #behind = true
  #reading = false

  constructor(options: SharedGroupOptions) {
    this.#options = options
  }

  get members(): readonly SharedMember[] {
    return this.#members
  }

  start(): Promise<void> {
    return new Promise((resolve) => this.#topics.subscribe(this.#options.filter, this.#listener, () => resolve()))
  }

  stop(): void {
    this.#topics.unsubscribe(this.#options.filter, this.#listener, () => undefined)
  }

  add(member: SharedMember): void {
    this.#members = [...this.#members.filter(({ clientId }) => clientId !== member.clientId), member]
    this.wake()
  }

  /** True when no member is left here. */
  remove(clientId: string): boolean {
    this.#members = this.#members.filter((each) => each.clientId !== clientId)
    return this.#members.length === 0
  }

  /** There may be something in the queue. */
  wake(): void {
    this.#behind = true
    this.roomMade()
  }

  /** A member can be given something. */
  roomMade(): void {
    if (!this.#behind || this.#reading || !this.#hasRoom()) return
    this.#reading = true
    this.#behind = false
    this.#read()
      .catch((error: unknown) => {
        this.#behind = true
        this.#options.logger.warn({ err: error }, 'could not read the queue of a shared subscription, trying again')
      })
      .finally(() => {
        this.#reading = false
      })
  }

  /** Claims of what is under way are kept, and the queue is looked at. */
  async sweep(): Promise<void> {
    const { store, id } = this.#options
    for (const message of this.#claimed) await store.renew(id, message)
    this.wake()
  }

  /** Every node with members hears of a message: the one that claims it gives it to a member. */
  readonly #listener: Listener = (packet, done) => {
    done()
    if (!filterMatches(this.#options.filter, packet.topic.split('/'))) return
    if (!this.#hasRoom()) this.#behind ||= packet.qos > 0
    else if (!this.#isKnown(packet))
      this.#claim(packet).catch((error: unknown) => {
        this.#behind = true
        this.#options.logger.warn({ err: error }, 'could not claim a shared message, trying again')
      })
  }

  async #read(): Promise<void> {
    const { queue, filter } = this.#options
    for await (const packet of queue.read()) {
      if (!this.#hasRoom()) {
        this.#behind = true
        return
      }
      if (this.#isKnown(packet)) continue
      if (filterMatches(filter, packet.topic.split('/'))) await this.#claim(packet)
      else queue.take(packet)
    }
  }

  async #claim(packet: StoredPacket): Promise<void> {
    const { store, id } = this.#options
    const message = nameOf(packet)
    this.#claimed.add(message)
    const isOurs = await store.claim(id, message).catch((error: unknown) => {
      this.#claimed.delete(message)
      throw error
    })
    if (!isOurs) this.#claimed.delete(message)
    else if (!this.#give(packet, message)) await this.#release(message, packet)
  }

  /** To the next member with room; members are served in turn. */
  #give(packet: StoredPacket, message: string): boolean {
    const at = this.#members.findIndex(({ outgoing }) => outgoing.hasRoom)
    const member = this.#members[at]
    if (member === undefined) return false
    this.#members = [...this.#members.slice(at + 1), ...this.#members.slice(0, at + 1)]
    member.outgoing.offerShared(packet, {
      ...member.subscription,
      key: `${this.#options.id}:${message}`,
      settle: () => this.#settle(message, packet),
      release: () => void this.#release(message, packet),
    })
    return true
  }

  #settle(message: string, packet: StoredPacket): void {
    if (!this.#claimed.delete(message)) return
    // Its claim stays until it ends by itself: whoever has read it from the queue before must not send it again.
    this.#recent.add(message)
    if (packet.qos > 0) this.#options.queue.take(packet)
    if (this.#recent.size <= RECENT) return
    const [oldest] = this.#recent
    if (oldest !== undefined) this.#recent.delete(oldest)
  }

  /** The member left, or had no room after all. */
  async #release(message: string, packet: StoredPacket): Promise<void> {
    const { store, id, logger, wakeOthers } = this.#options
    this.#claimed.delete(message)
    try {
      await store.release(id, message)
    } catch (error) {
      logger.warn({ err: error }, 'could not release the claim on a shared message, which expires by itself')
    }
    if (packet.qos === 0) return
    this.wake()
    if (!this.#hasRoom()) wakeOthers()
  }

  #isKnown(packet: StoredPacket): boolean {
    const message = nameOf(packet)
    return this.#claimed.has(message) || this.#recent.has(message)
  }

  #hasRoom(): boolean {
    return this.#members.some(({ outgoing }) => outgoing.hasRoom)
  }

  get #topics(): Topics {
    return this.#options.broker as unknown as Topics
  }
}

function nameOf({ brokerId, brokerCounter }: StoredPacket): string {
  return `${brokerId ?? ''}:${brokerCounter}`
}
