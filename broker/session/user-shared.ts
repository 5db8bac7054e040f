/**
 * Messages from shared subscriptions for one connected user: as many as fit into the window, settled when it
 * acknowledges them.
 */
import { PushError } from '../../errors.ts'
import type { Store, UpstreamEntry } from '../../store/contract.ts'
import type { GeneralSubscription } from './general.ts'
import { fromGroupSubject } from './group-message.ts'
import { type Holder, OVERHEAD } from './memory-budget.ts'
import type { SharedMessage, SharedReceiver } from './shared-message.ts'
import type { UserOutgoingContext } from './user-outgoing-context.ts'
import type { UserSender } from './user-sender.ts'
import type { UserWindow } from './user-window.ts'

interface How {
  readonly retain: boolean
  readonly identifiers: readonly number[]
}

type Shared = SharedMessage<GeneralSubscription>

/** Far above those that a log and the queue begin with. */
const FIRST_ID = 49_153

export class UserShared implements SharedReceiver<GeneralSubscription>, Holder {
  readonly #session: UserOutgoingContext
  readonly #sender: UserSender
  readonly #window: UserWindow
  #waiting: Shared[] = []
  readonly #underWay = new Map<number, Shared>()
  /** Of what waits and has no place in the log: QoS 0. The rest was claimed for the room that there is. */
  #bytes = 0
  #count = 0

  constructor(session: UserOutgoingContext, sender: UserSender, window: UserWindow) {
    this.#session = session
    this.#sender = sender
    this.#window = window
  }

  get bytes(): number {
    return this.#bytes
  }

  get room(): number {
    return this.#session.live && this.#session.connection.writable ? this.#window.room - this.#waiting.length : 0
  }

  give(message: Shared): void {
    const { sessions } = this.#session.node
    const bytes = bytesOf(message)
    if (bytes > 0 && this.#isFull(bytes)) return this.#dropped(1)
    this.#waiting.push(message)
    if (bytes > 0) {
      this.#count += 1
      this.#bytes += bytes
      sessions.budget.add(this, bytes)
    }
    this.run()
  }

  run(): void {
    while (this.#session.live && this.#session.connection.writable && this.#window.room > 0) {
      const message = this.#waiting.shift()
      if (message === undefined) return
      this.#letGo([message])
      this.#send(message)
    }
  }

  /** It is acknowledged. */
  finished(packetId: number): void {
    const message = this.#underWay.get(packetId)
    this.#underWay.delete(packetId)
    message?.settle()
  }

  /** The process holds too much. */
  shed(): void {
    const dropped = this.#waiting.filter((each) => bytesOf(each) > 0)
    this.#waiting = this.#waiting.filter((each) => bytesOf(each) === 0)
    this.#dropped(dropped.length)
    this.#letGo(dropped)
  }

  /** What it has goes to others. */
  close(): void {
    this.#letGo(this.#waiting)
    this.#waiting = []
    this.#underWay.clear()
  }

  #dropped(count: number): void {
    const { node, connection } = this.#session
    node.metrics.queueDropped.inc(count)
    connection.context.traffic.publishesDropped += count
  }

  #isFull(bytes: number): boolean {
    const { queuedMessages, queuedBytes } = this.#session.node.terms
    return this.#count >= queuedMessages || (this.#count > 0 && this.#bytes + bytes > queuedBytes)
  }

  #letGo(messages: readonly Shared[]): void {
    for (const each of messages) {
      const bytes = bytesOf(each)
      if (bytes === 0) continue
      this.#count -= 1
      this.#bytes -= bytes
      this.#session.node.sessions.budget.remove(this, bytes)
    }
  }

  #send(shared: Shared): void {
    const { entry, subscription } = shared
    const found = fromGroupSubject(entry)
    if (found === undefined) return shared.settle()
    const { topic } = found
    const { upgradesQos } = this.#session.node.terms
    const isLower = found.qos < subscription.qos && !(upgradesQos && found.qos > 0)
    const qos = isLower ? found.qos : subscription.qos
    const retain = subscription.retainAsPublished && entry.retain
    const identifiers = subscription.identifier === 0 ? [] : [subscription.identifier]
    // From there any connection of the session completes it.
    if (qos === 2 && this.#session.isKept) return this.#handOver(shared, topic, { retain, identifiers })
    const packetId = qos === 0 ? undefined : this.#window.free(FIRST_ID, FIRST_ID)
    const message = { ...entry, topic, ...(found.qos === 0 ? { expiresAt: Infinity } : {}) }
    const sent = this.#sender.send(message, { qos, retain, identifiers, dup: false, packetId })
    if (!sent || packetId === undefined || qos === 0) return shared.settle()
    this.#window.track(packetId, qos, 0)
    this.#underWay.set(packetId, shared)
  }

  #handOver(shared: Shared, topic: string, how: How): void {
    const { node, connection } = this.#session
    this.#giveToOne(shared, topic, how).then(
      (name) => {
        if (name === undefined) return
        const forget = forgetting(node.store, shared.entry, name)
        shared.settle(() => node.sessions.forgotten.add(forget))
      },
      (error: unknown) => {
        node.logger.warn(
          { connection: connection.id, err: error },
          'could not claim from a shared subscription, trying again',
        )
        node.sessions.later(() => {
          if (this.#session.live) this.#handOver(shared, topic, how)
        })
      },
    )
  }

  /**
   * A member that had it, and could not settle it before its node died, keeps it [MQTT-4.8.2-4]. Undefined: it was claimed for
   * too long, and is for others.
   */
  async #giveToOne({ entry, assign }: Shared, topic: string, how: How): Promise<string | undefined> {
    const { store } = this.#session.node
    const name = await assign(this.#session.name)
    if (name === undefined) return undefined
    const to = [{ name, qos: 2 as const, ...how }]
    const [outcome] = await store.appendSessions({ topic, message: entry, to, uid: uidOf(entry) })
    // What is acknowledged makes room.
    if (outcome === 'full') throw new PushError('QUEUE_FULL', 'the log of the session')
    return name
  }
}

/** 0: it has a place in the log. */
function bytesOf({ entry: { offset, payload, properties } }: Shared): number {
  return offset > 0 ? 0 : OVERHEAD + payload.byteLength + (properties?.byteLength ?? 0)
}

/** Made here, so that the entry with its payload is not held for as long. */
function forgetting(store: Store, { tokenId, offset }: UpstreamEntry, name: string): () => void {
  const uid = uidOf({ tokenId, offset })
  return () => {
    // The store forgets both by itself, in a day.
    store.forgetAssigned(tokenId, offset).catch(() => undefined)
    store.forgetUid(uid, [name]).catch(() => undefined)
  }
}

/** What it is known by, should it be handed over again. */
function uidOf({ tokenId, offset }: Pick<UpstreamEntry, 'tokenId' | 'offset'>): string {
  return `g/${tokenId}/${offset}`
}
