/**
 * What one client of Aedes is sent: Aedes says what, this file when and how. Messages wait here in a queue with a limit,
 * at most a window of them is unacknowledged, and what a persistent session has too much of is read from its stored
 * queue when there is room again.
 */
import { PushError } from '../../errors.ts'
import type { Limits } from '../../common/limits.ts'
import type { Metrics } from '../../common/metrics.ts'
import { encodePubrel } from '../codec/encoder.ts'
import { Reason, type AcknowledgementPacket, type ConnectPacket, type ProtocolLevel } from '../codec/packets.ts'
import type { Connection } from '../gate/connection.ts'
import { TopicAliases } from '../gate/topic-aliases.ts'
import {
  encodeItem,
  giveBack,
  Items,
  keyOf,
  RETAINED,
  type Item,
  type ItemOptions,
  type Origin,
  type SharedDelivery,
} from './outgoing-item.ts'
import type { StoredPacket } from './contract.ts'
import type { MessageKey, SessionRecord } from './session-record.ts'
import type { StoredQueue } from './stored-queue.ts'

export type OutgoingLimits = Pick<Limits, 'queuedMessages' | 'queuedBytes' | 'storedMessages' | 'topicAliases'>

interface OutgoingOptions extends ItemOptions {
  readonly connection: Connection
  readonly connect: ConnectPacket
  readonly limits: OutgoingLimits
  readonly metrics: Metrics
  readonly randomId: () => string
  /** Writes down what a resumption needs. */
  readonly save: () => Promise<void>
  /** A message was acknowledged. */
  readonly acknowledged: (packet: StoredPacket) => void
  /** It has room for a message of a shared subscription. */
  readonly roomMade: () => void
}

/** Some persistences hand out no more of a queue at a time. */
const FIRST_PART = 1000
const LARGEST_PACKET = 268_435_460
const LARGEST_ID = 65_535
/** Unacknowledged messages of a client that allows any number. */
const WINDOW = 500

export class Outgoing {
  readonly #options: OutgoingOptions
  readonly #items: Items
  readonly #level: ProtocolLevel
  readonly #window: number
  readonly #maximumPacketSize: number
  readonly #aliases: TopicAliases
  #queue: Item[] = []
  #bytes = 0
  /** Sent and not acknowledged, by packet id. */
  readonly #inFlight = new Map<number, Item>()
  /** Of all that wait or are under way. */
  readonly #held = new Set<MessageKey>()
  /** Taken out of the stored queue a short time ago: it may still be read there, or come from Aedes. */
  readonly #recent = new Set<MessageKey>()
  /** Packet ids of what an earlier connection sent. */
  #sent = new Map<MessageKey, number>()
  #released = new Map<MessageKey, number>()
  #reserved = new Set<number>()
  /** So many of the next messages an earlier connection may have sent, when nobody wrote down how far it came. */
  #resendAtMost = 0
  /** Where it is kept beyond the connection, or was. */
  #stored: StoredQueue | undefined
  /** There is more in the stored queue than is held here. */
  #behind = false
  #reading = false
  #started = false
  #closed = false
  /** Nothing new was found in the stored queue: it is read again after an acknowledgement. */
  #exhausted = false
  /** Names the retained messages that are kept for this client. */
  #retainedBy: string | undefined
  #retainedCount = 0
  /** What came in this turn: the same message once for each subscription that matches. */
  #turn = new Map<MessageKey, Item | undefined>()

  constructor(options: OutgoingOptions) {
    const { properties, level } = options.connect
    this.#options = options
    this.#items = new Items(options)
    this.#level = level
    // [MQTT-3.3.4-7], [MQTT-3.3.4-9]
    this.#window = Math.min(properties.receiveMaximum ?? LARGEST_ID, WINDOW)
    this.#maximumPacketSize = properties.maximumPacketSize ?? LARGEST_PACKET
    this.#aliases = new TopicAliases(properties.topicAliasMaximum, options.limits.topicAliases)
  }

  /** After the CONNACK. */
  start(): void {
    this.#started = true
    this.#pump()
  }

  /** The session has, or resumes, a stored queue. */
  resume(stored: StoredQueue, record: SessionRecord | undefined): void {
    this.#stored = stored
    if (record === undefined) return
    this.#sent = new Map(record.sent)
    this.#released = new Map(record.released)
    this.#reserved = new Set([...record.sent.values(), ...record.released.values()])
    if (record.open) this.#resendAtMost = this.#window
    this.#behind = true
  }

  /** What a next connection must know. */
  marks(): Pick<SessionRecord, 'sent' | 'released'> {
    const sent = new Map(this.#sent)
    const released = new Map(this.#released)
    for (const { key, packetId, released: isReleased, stored } of this.#inFlight.values())
      if (stored) (isReleased ? released : sent).set(key, packetId)
    return { sent, released }
  }

  close(): void {
    this.#closed = true
    for (const item of [...this.#queue, ...this.#inFlight.values()]) giveBack(item)
    this.#queue = []
  }

  /** What it held is written down. The client may stay known for as long as its session does. */
  release(): void {
    this.#inFlight.clear()
    this.#held.clear()
    this.#recent.clear()
    this.#sent.clear()
    this.#released.clear()
  }

  /** Whether a message of a shared subscription may be given to this client and not to another. */
  get hasRoom(): boolean {
    return this.#started && this.#queue.length === 0 && !this.#reading && this.#mayWrite()
  }

  offerShared(packet: StoredPacket, shared: SharedDelivery): void {
    const item = this.#items.ofGroup(packet, shared)
    if (item === undefined) return shared.settle()
    this.#push(item)
    if (item.qos === 2 && this.#stored !== undefined) this.#adopt(item, this.#stored)
    else this.#pump()
  }

  /** [MQTT-4.8.2-4] With QoS 2 it is this client who completes it, also after it was away: it moves to its own queue. */
  #adopt(item: Item, stored: StoredQueue): void {
    const key = keyOf(item.source)
    if (this.#held.has(key)) return this.#pump()
    this.#held.add(key)
    this.#keep(item, stored, () => {
      item.shared?.settle()
      Object.assign(item, { shared: undefined, key })
    })
  }

  /** It is sent when it is in the client's own queue. */
  #keep(item: Item, stored: StoredQueue, kept: () => void): void {
    const { connection } = this.#options
    item.held = true
    stored.add(item.source).then(
      () => {
        kept()
        Object.assign(item, { held: false, stored: true })
        this.#pump()
      },
      (error: unknown) => {
        connection.context.logger.warn({ err: error }, 'could not store a message')
        connection.end(new PushError('STORE_UNAVAILABLE', 'MQTT state'))
      },
    )
  }

  /** Aedes has a message for this client; it comes once for each subscription that matches. */
  deliver(packet: StoredPacket): void {
    if (this.#closed) return
    const key = keyOf(packet)
    if (this.#turn.has(key)) {
      // Aedes has cleared RETAIN for the subscriptions that did not ask for it.
      const same = this.#turn.get(key)
      if (same !== undefined && packet.retain) same.retain = true
      return
    }
    if (this.#turn.size === 0) setImmediate(() => this.#turnEnded())
    const item =
      this.#held.has(key) || this.#recent.has(key)
        ? undefined
        : this.#itemOf(packet, packet.brokerId === null ? 'retained' : 'live')
    this.#turn.set(key, item)
    if (item === undefined) return
    if (packet.brokerId === null && item.qos > 0 && this.#stored !== undefined) this.#keepRetained(item, this.#stored)
    this.#offer(item)
  }

  /** [MQTT-4.4.0-1] Nobody has queued it: it is queued for this client, under a name of its own. */
  #keepRetained(item: Item, stored: StoredQueue): void {
    this.#retainedBy ??= this.#options.randomId()
    this.#retainedCount++
    const source = {
      ...item.source,
      brokerId: this.#retainedBy,
      brokerCounter: this.#retainedCount,
      clientId: RETAINED,
    }
    Object.assign(item, { source, key: keyOf(source) })
    this.#keep(item, stored, () => undefined)
  }

  drained(): void {
    this.#pump()
  }

  /** PUBACK, PUBREC or PUBCOMP. */
  handle(packet: AcknowledgementPacket): void | Promise<void> {
    const item = this.#inFlight.get(packet.packetId)
    if (packet.type === 'pubrec') return this.#received(packet, item)
    if (item === undefined) return
    const expected = item.qos === 1 ? 'puback' : 'pubcomp'
    if (packet.type !== expected)
      throw new PushError('PROTOCOL_ERROR', `${packet.type.toUpperCase()} for a message of QoS ${item.qos}`)
    // Section 4.3.3: it answers a PUBREL
    if (item.qos === 2 && !item.released) throw new PushError('PROTOCOL_ERROR', 'PUBCOMP before PUBREC')
    this.#finish(item)
  }

  async #received({ packetId, reason }: AcknowledgementPacket, item: Item | undefined): Promise<void> {
    const { connection, save } = this.#options
    if (item === undefined) {
      // [MQTT-4.3.3-4] with an error nothing follows
      if (reason < 0x80) connection.write(encodePubrel(this.#level, packetId, Reason.packetIdentifierNotFound))
      return
    }
    if (item.qos !== 2) throw new PushError('PROTOCOL_ERROR', 'PUBREC for a message of QoS 1')
    // [MQTT-4.3.3-4] with an error the message is over
    if (reason >= 0x80) return this.#finish(item)
    const known = item.released
    item.released = true
    if (!known && item.stored) await save()
    connection.write(encodePubrel(this.#level, packetId))
  }

  #finish(item: Item): void {
    this.#inFlight.delete(item.packetId)
    this.#exhausted = false
    this.#forget(item)
    this.#options.acknowledged({ ...item.source, messageId: item.packetId })
    this.#pump()
  }

  /** It needs no more sending. */
  #forget({ key, source, stored, shared }: Item): void {
    this.#held.delete(key)
    this.#sent.delete(key)
    shared?.settle()
    if (!stored) return
    this.#stored?.take(source)
    this.#recent.add(key)
    if (this.#recent.size <= this.#options.limits.queuedMessages * 2) return
    const [oldest] = this.#recent
    if (oldest !== undefined) this.#recent.delete(oldest)
  }

  #turnEnded(): void {
    this.#turn = new Map()
    this.#pump()
  }

  #itemOf(packet: StoredPacket, from: Origin): Item | undefined {
    const item = this.#items.of(packet, from, this.#stored !== undefined)
    if (item === 'refused' && packet.qos > 0 && from !== 'retained') this.#stored?.take(packet)
    return typeof item === 'object' ? item : undefined
  }

  /** Into the queue, if it has room. */
  #offer(item: Item): void {
    const { limits, metrics, connection } = this.#options
    // What is stored comes in its turn from there.
    if (item.stored && (this.#behind || this.#reading)) {
      this.#behind = true
      return
    }
    const full =
      this.#queue.length >= limits.queuedMessages ||
      (this.#queue.length > 0 && this.#bytes + item.payload.byteLength > limits.queuedBytes)
    if (!full) return this.#push(item)
    if (item.stored) this.#behind = true
    else if (item.qos === 0) metrics.queueDropped.inc()
    else connection.end(new PushError('QUEUE_FULL'))
  }

  #push(item: Item): void {
    this.#held.add(item.key)
    this.#queue.push(item)
    this.#bytes += item.payload.byteLength
  }

  #pump(): void {
    if (!this.#started) return
    // The rest of this turn may still say RETAIN.
    while (this.#mayWrite() && this.#turn.size === 0 && this.#queue[0]?.held !== true) {
      const item = this.#queue.shift()
      if (item === undefined) break
      this.#bytes -= item.payload.byteLength
      this.#send(item)
    }
    if (this.#behind && !this.#reading && !this.#exhausted && this.#queue.length === 0 && this.#mayWrite()) {
      // Half a window must be free before the stored queue is read again, or each acknowledgement would read it.
      if (this.#inFlight.size <= this.#window / 2) this.#read()
    }
    if (this.hasRoom) this.#options.roomMade()
  }

  #mayWrite(): boolean {
    return !this.#closed && this.#inFlight.size < this.#window && this.#options.connection.writable
  }

  #read(): void {
    this.#reading = true
    this.#behind = false
    this.#readThrough()
      .catch((error: unknown) => {
        this.#options.connection.context.logger.warn({ err: error }, 'could not read a queue')
        this.#options.connection.end(new PushError('STORE_UNAVAILABLE', 'MQTT state'))
      })
      .finally(() => {
        this.#reading = false
        this.#pump()
      })
  }

  /** Sends what is new in the stored queue, while there is room. */
  async #readThrough(): Promise<void> {
    let seen = 0
    let isNew = false
    for await (const packet of this.#stored?.read() ?? []) {
      seen++
      const key = keyOf(packet)
      if (this.#held.has(key) || this.#recent.has(key)) continue
      if (!this.#mayWrite()) {
        this.#behind = true
        return
      }
      const item = this.#itemOf(packet, 'stored')
      if (item === undefined) continue
      isNew = true
      this.#held.add(key)
      this.#again(item)
    }
    if (isNew) {
      this.#behind = true
      return
    }
    this.#sent.clear()
    this.#released.clear()
    this.#reserved.clear()
    this.#resendAtMost = 0
    if (seen < FIRST_PART) return
    this.#behind = true
    this.#exhausted = true
  }

  /** From the stored queue: what was sent before goes out with DUP and its packet id [MQTT-3.3.1-1], [MQTT-4.4.0-1] */
  #again(item: Item): void {
    const released = this.#released.get(item.key)
    if (released !== undefined) {
      this.#released.delete(item.key)
      Object.assign(item, { packetId: released, released: true })
      this.#inFlight.set(released, item)
      this.#options.connection.write(encodePubrel(this.#level, released))
      return
    }
    const packetId = this.#sent.get(item.key)
    this.#sent.delete(item.key)
    if (packetId !== undefined) item.packetId = packetId
    item.dup = packetId !== undefined || this.#resendAtMost > 0
    if (this.#resendAtMost > 0) this.#resendAtMost--
    this.#send(item)
  }

  #send(item: Item): void {
    const { now, connection, metrics } = this.#options
    if (item.expiresAt <= now()) return this.#forget(item)
    if (item.qos > 0 && item.packetId === 0) item.packetId = this.#freeId(item.source.brokerCounter)
    const packet = encodeItem(item, this.#level, now())
    // [MQTT-3.1.2-24], [MQTT-3.1.2-25]
    if (packet.byteLength > this.#maximumPacketSize) {
      metrics.skipped.inc({ destination: 'other' })
      return this.#forget(item)
    }
    connection.write(this.#aliases.apply(packet, item.source.topic, this.#maximumPacketSize))
    if (item.qos === 0) this.#forget(item)
    else this.#inFlight.set(item.packetId, item)
  }

  /** Made from the message's number, so that it is the same again after a crash where that is possible. */
  #freeId(counter: number): number {
    let id = (Number(counter) % LARGEST_ID) + 1
    while (this.#inFlight.has(id) || this.#reserved.has(id)) id = (id % LARGEST_ID) + 1
    return id
  }
}
