/**
 * The queue in memory of one connected user: everything for a session that is not kept, and QoS 0 for one that is. QoS
 * 0 messages that do not fit are dropped; if QoS 1 or 2 does not fit, the client does not acknowledge, and is
 * disconnected.
 */
import { PushError } from '../../errors.ts'
import { OFFSET_CYCLE } from '../../store/contract.ts'
import { Crowding } from './crowding.ts'
import type { GeneralDelivery } from './general.ts'
import type { Outbound } from './general-packet.ts'
import { type Holder, OVERHEAD } from './memory-budget.ts'
import type { UserOutgoingContext } from './user-outgoing-context.ts'
import type { UserSender } from './user-sender.ts'
import type { UserWindow } from './user-window.ts'

/** A message as it comes here. */
type Incoming = Outbound & { readonly uid?: string; readonly from?: string }

interface Waiting {
  readonly message: Outbound
  readonly delivery: GeneralDelivery
  readonly bytes: number
}

/** QoS 2 messages that came last: their publisher may send them again, from another node. */
const RECENT = 1_000

export class UserQueue implements Holder {
  readonly #session: UserOutgoingContext
  readonly #sender: UserSender
  readonly #window: UserWindow
  readonly #firstId: number
  #lastId: number
  #waiting: Waiting[] = []
  /** Of those, gone. */
  #gone = 0
  #payloadBytes = 0
  #closed = false
  #recent: Set<string> | undefined
  /** Absent until the first time. */
  #crowding: Crowding | undefined

  constructor(session: UserOutgoingContext, sender: UserSender, window: UserWindow) {
    this.#session = session
    this.#sender = sender
    this.#window = window
    // What comes from a log has the ids below.
    this.#firstId = session.isKept ? OFFSET_CYCLE + 1 : 1
    this.#lastId = this.#firstId - 1
  }

  get length(): number {
    return this.#waiting.length - this.#gone
  }

  get bytes(): number {
    return this.#payloadBytes + this.length * OVERHEAD
  }

  push(message: Incoming, delivery: GeneralDelivery): void {
    if (this.#closed || (delivery.qos === 2 && this.#hasHad(message.uid))) return
    if (this.length === 0 && this.#maySend(delivery)) return this.#send(message, delivery)
    const bytes = message.payload.byteLength + (message.properties?.byteLength ?? 0)
    if (this.#isFull(bytes)) return this.#overflow(delivery)
    this.#waiting.push({ message, delivery, bytes })
    this.#payloadBytes += bytes
    this.#session.node.sessions.budget.add(this, bytes + OVERHEAD)
    if (this.#fills(1 / 2)) this.#crowded(message.from)
  }

  run(): void {
    for (let next = this.#waiting[this.#gone]; next !== undefined; next = this.#waiting[this.#gone]) {
      if (!this.#maySend(next.delivery)) return
      this.#take(next)
      this.#send(next.message, next.delivery)
    }
  }

  /** The process holds too much: QoS 0 first. */
  shed(): void {
    const kept: Waiting[] = []
    let dropped = 0
    for (const each of this.#waiting.slice(this.#gone)) {
      if (each.delivery.qos > 0) kept.push(each)
      else dropped += 1
    }
    this.#dropped(dropped)
    if (dropped === 0) return this.#session.end(new PushError('QUEUE_FULL'))
    this.#replace(kept)
  }

  close(): void {
    this.#closed = true
    this.#replace([])
    this.#crowding?.relieve()
    this.#recent = undefined
  }

  #dropped(count: number): void {
    const { node, connection } = this.#session
    node.metrics.queueDropped.inc(count)
    connection.context.traffic.publishesDropped += count
  }

  #isFull(bytes: number): boolean {
    const { queuedMessages, queuedBytes } = this.#session.node.terms
    return this.length >= queuedMessages || (this.length > 0 && this.#payloadBytes + bytes > queuedBytes)
  }

  #fills(share: number): boolean {
    const { queuedMessages, queuedBytes } = this.#session.node.terms
    return this.length > queuedMessages * share || this.#payloadBytes > queuedBytes * share
  }

  #crowded(from: string | undefined): void {
    this.#crowding ??= new Crowding()
    this.#crowding.begin()
    if (from !== undefined && this.#crowding.holds) this.#session.node.sessions.live.get(from)?.crowds(this.#crowding)
  }

  #overflow({ qos }: GeneralDelivery): void {
    if (qos === 0) this.#dropped(1)
    else this.#session.end(new PushError('QUEUE_FULL'))
  }

  #maySend({ qos }: GeneralDelivery): boolean {
    return this.#session.live && this.#session.connection.writable && (qos === 0 || this.#window.room > 0)
  }

  #send(message: Outbound, { qos, retain, identifiers }: GeneralDelivery): void {
    const packetId = qos === 0 ? undefined : this.#window.free(this.#lastId + 1, this.#firstId)
    const sent = this.#sender.send(message, { qos, retain, identifiers, dup: false, packetId })
    if (!sent || packetId === undefined || qos === 0) return
    this.#lastId = packetId
    this.#window.track(packetId, qos, 0)
  }

  #take({ bytes }: Waiting): void {
    this.#gone += 1
    this.#payloadBytes -= bytes
    // Not one by one: each would move all that wait behind it.
    if (this.#gone === this.#waiting.length) {
      this.#waiting = []
      this.#gone = 0
    } else if (this.#gone > this.#waiting.length / 2) {
      this.#waiting = this.#waiting.slice(this.#gone)
      this.#gone = 0
    }
    this.#session.node.sessions.budget.remove(this, bytes + OVERHEAD)
    if (this.#crowding?.isFree === false && !this.#fills(1 / 4)) this.#crowding.relieve()
  }

  #replace(kept: Waiting[]): void {
    const before = this.bytes
    this.#waiting = kept
    this.#gone = 0
    this.#payloadBytes = kept.reduce((sum, { bytes }) => sum + bytes, 0)
    this.#session.node.sessions.budget.remove(this, before - this.bytes)
  }

  /** [MQTT-4.3.3-10] once only, also where its publisher does not know that it came. */
  #hasHad(uid: string | undefined): boolean {
    if (uid === undefined) return false
    this.#recent ??= new Set()
    if (this.#recent.has(uid)) return true
    this.#recent.add(uid)
    if (this.#recent.size <= RECENT) return false
    const [oldest] = this.#recent
    if (oldest !== undefined) this.#recent.delete(oldest)
    return false
  }
}
