/**
 * Moves messages from one broker to the other. A message keeps its packet id, and each acknowledgement is passed back
 * when the receiver has sent it. So no message is acknowledged before it is accepted, none is stored here, and the four
 * steps of QoS 2 are those of the two brokers, whichever connection or process is lost in between.
 */
import type { IPublishPacket, Packet } from 'mqtt-packet'
import type { LongPublish } from './framing.ts'
import type { Link } from './link.ts'
import { PacketIds } from './packet-ids.ts'
import { reasonText } from './refusals.ts'
import { isTopicName } from './topic-names.ts'

type Qos = 0 | 1 | 2

export interface DirectionOptions {
  readonly from: Link
  readonly to: Link
  readonly ids: PacketIds
  /** What a topic is called at the other end; undefined: it does not go there. */
  readonly rename: (topic: string) => string | undefined
  /** What the receiver takes. */
  readonly maximumQos: Qos
  readonly retains: boolean
  /** Bytes of a packet; 0: no limit. */
  readonly maximumPacketSize: number
  /** Unacknowledged at one time. */
  readonly receiveMaximum: number
  /**
   * The receiver goes on with a session in which the sender had another one: it may know packet ids of messages of QoS 2 that
   * the sender gives to new ones.
   */
  readonly isStale: boolean
  /** A message does not go, for good. */
  dropped(topic: string, why: string): void
  /** The receiver refused one that it may take later; true: it has done so too often. */
  givesUp(packetId: number): boolean
  /** A message, either way. */
  moved(): void
}

interface UnderWay {
  readonly topic: string
  /** As it came. */
  readonly qos: 1 | 2
  /** As it went; 0 where nothing is to come for it any more. */
  readonly sent: Qos
  /** Its PUBLISH went over an earlier connection: here it takes none of the receiver's room (MQTT 5 section 4.9). */
  readonly isResumed?: boolean
}

/** Messages of a sender that has more under way than the receiver takes, and their bytes. */
const MOST_HELD = 1_000
const MOST_BYTES = 64 * 1024 * 1024

/** The receiver says no for now. */
const FOR_NOW: ReadonlySet<number> = new Set([0x80, 0x83, 0x89, 0x97])

export class Direction {
  readonly #options: DirectionOptions
  /** By packet id of the sender. */
  readonly #underWay = new Map<number, UnderWay>()
  /** Of those, the ones that take no room of the receiver. */
  #roomless = 0
  readonly #aliases = new Map<number, string>()
  /** Packet ids that are new to the receiver since it connected. */
  readonly #fresh = new Set<number>()
  /** Of those that were freed with a PUBREL, whose PUBCOMP is nobody's. */
  readonly #freed = new Set<number>()
  /** They wait for room, or for a packet id. What acknowledges others goes past them. */
  readonly #held: IPublishPacket[] = []
  #heldBytes = 0
  #isWaiting = false

  constructor(options: DirectionOptions) {
    this.#options = options
  }

  // What the sender sends

  publish(packet: IPublishPacket): void {
    const topic = this.#topicOf(packet)
    // [MQTT-3.3.2-2]
    if (!isTopicName(topic)) throw new Error(`it sent a message to ${JSON.stringify(topic)}, which is not a topic`)
    this.#held.push({ ...packet, topic })
    this.#heldBytes += packet.payload.length
    this.update()
  }

  /** One that was too long to be read. */
  long({ topic, qos, packetId, bytes }: LongPublish): void {
    this.#drop({ topic, qos, id: packetId }, `it has ${bytes} bytes, which is more than is taken`)
  }

  pubrel(id: number): void {
    const { from, to, ids, maximumQos } = this.#options
    const under = this.#underWay.get(id)
    if (under === undefined ? maximumQos === 2 : under.sent === 2) {
      // One of an earlier connection has its PUBCOMP from the receiver.
      if (under === undefined) this.#note(id, { topic: '', qos: 2, sent: 2, isResumed: true })
      return to.acknowledge('pubrel', ids.there(id))
    }
    this.#forget(id)
    from.acknowledge('pubcomp', id)
    this.update()
  }

  /** A message of this packet id, as the receiver knows it. */
  isUnderWay(there: number): boolean {
    return this.#underWay.has(this.#options.ids.here(there))
  }

  // What the receiver answers

  answered(packet: Packet): void {
    const { from, ids } = this.#options
    const there = packet.messageId ?? 0
    const id = ids.here(there)
    const under = this.#underWay.get(id)
    const { cmd } = packet
    if (cmd === 'pubcomp' && this.#freed.delete(there)) return
    if (under === undefined) {
      // The sender knows whether it was its message.
      if (cmd === 'pubrec') from.acknowledge(cmd, id)
      return
    }
    if (under.sent === 0 || (cmd === 'puback') !== (under.sent === 1))
      throw new Error(`it answered a message of QoS ${under.sent} with ${cmd.toUpperCase()}`)
    const reason = 'reasonCode' in packet ? (packet.reasonCode ?? 0) : 0
    if (reason >= 0x80 && cmd !== 'pubcomp') this.#refused(id, under, reason)
    else if (cmd === 'puback') this.#taken(id, under)
    else if (cmd === 'pubrec') from.acknowledge(cmd, id)
    else this.#over(id, 'pubcomp')
    this.#options.moved()
    this.update()
  }

  /** There may be more room than before: for packets, or in the stream. */
  update(): void {
    const { from, to } = this.#options
    for (let next = this.#held[0]; next !== undefined && this.#hasRoom(next); next = this.#held[0]) {
      this.#held.shift()
      this.#heldBytes -= next.payload.length
      this.#publish(next, next.messageId ?? 0)
    }
    const waits = to.isFull || this.#held.length > MOST_HELD || this.#heldBytes > MOST_BYTES
    if (waits === this.#isWaiting) return
    this.#isWaiting = waits
    if (waits) from.pause()
    else from.resume()
  }

  #hasRoom({ qos, messageId = 0 }: IPublishPacket): boolean {
    const { to, ids, receiveMaximum } = this.#options
    if (to.isFull) return false
    // A packet id that a SUBSCRIBE has is free after its SUBACK.
    return qos === 0 || (this.#sentCount < receiveMaximum && !to.isAsking(ids.there(messageId)))
  }

  /** Unacknowledged by the receiver. */
  get #sentCount(): number {
    return this.#underWay.size - this.#roomless
  }

  #note(id: number, under: UnderWay): void {
    this.#forget(id)
    this.#underWay.set(id, under)
    if (takesNoRoom(under)) this.#roomless++
  }

  #forget(id: number): void {
    const under = this.#underWay.get(id)
    if (under !== undefined && takesNoRoom(under)) this.#roomless--
    this.#underWay.delete(id)
  }

  #publish(packet: IPublishPacket, id: number): void {
    const { to, ids, rename, maximumQos, retains, maximumPacketSize, moved } = this.#options
    const { topic, dup } = packet
    const name = rename(topic)
    const message = { topic, qos: packet.qos, id }
    if (name === undefined) return this.#drop(message, undefined)
    const qos = packet.qos > maximumQos ? maximumQos : packet.qos
    const there = ids.there(id)
    const bytes = to.encode({
      cmd: 'publish',
      topic: name,
      payload: packet.payload,
      qos,
      dup: qos > 0 && dup,
      retain: packet.retain && retains,
      ...(qos > 0 ? { messageId: there } : {}),
      ...(to.level === 5 ? { properties: contentOf(packet) } : {}),
    })
    if (maximumPacketSize > 0 && bytes.byteLength > maximumPacketSize)
      return this.#drop(message, `it has ${bytes.byteLength} bytes, and ${maximumPacketSize} are taken`)
    if (qos === 2) this.#free(there, dup)
    to.write(bytes)
    moved()
    if (packet.qos === 0) return
    if (qos === 0) return this.#taken(id, { topic, qos: packet.qos, sent: 0 })
    this.#note(id, { topic, qos: packet.qos, sent: qos })
    ids.used(there)
  }

  /** So that the receiver takes it for no message that it has had. */
  #free(there: number, dup: boolean): void {
    const { to, isStale } = this.#options
    if (!isStale || this.#fresh.has(there)) return
    this.#fresh.add(there)
    if (dup) return
    this.#freed.add(there)
    to.acknowledge('pubrel', there)
  }

  /** It does not go: the sender is told that it is done. */
  #drop({ topic, qos, id }: { readonly topic: string; readonly qos: Qos; readonly id: number }, why?: string): void {
    if (why !== undefined) this.#options.dropped(topic, why)
    if (qos > 0) this.#taken(id, { topic, qos: qos === 1 ? 1 : 2, sent: 0 })
  }

  /** What was sent as QoS 0 or 1, or nowhere. */
  #taken(id: number, under: UnderWay): void {
    if (under.qos === 1) return this.#over(id, 'puback')
    // PUBREL is answered here.
    this.#note(id, { ...under, sent: 0 })
    this.#options.from.acknowledge('pubrec', id)
  }

  #over(id: number, cmd: 'puback' | 'pubcomp'): void {
    this.#forget(id)
    this.#options.from.acknowledge(cmd, id)
  }

  #refused(id: number, under: UnderWay, reason: number): void {
    const { dropped, givesUp } = this.#options
    if (FOR_NOW.has(reason) && !givesUp(id))
      throw new Error(`it does not take ${JSON.stringify(under.topic)} now: ${reasonText(reason)}`)
    dropped(under.topic, reasonText(reason))
    this.#taken(id, under)
  }

  /** [MQTT-3.3.2-12] */
  #topicOf({ topic, properties }: IPublishPacket): string {
    const alias = properties?.topicAlias
    if (alias === undefined) return topic
    if (topic !== '') this.#aliases.set(alias, topic)
    const known = this.#aliases.get(alias)
    if (known === undefined) throw new Error(`it sent topic alias ${alias}, which stands for nothing`)
    return known
  }
}

function takesNoRoom({ sent, isResumed }: UnderWay): boolean {
  return sent === 0 || isResumed === true
}

/** Of a message, not of its connection. */
function contentOf({ properties = {} }: IPublishPacket): NonNullable<IPublishPacket['properties']> {
  const { payloadFormatIndicator, messageExpiryInterval, contentType, responseTopic, correlationData, userProperties } =
    properties
  return {
    ...(payloadFormatIndicator === undefined ? {} : { payloadFormatIndicator }),
    ...(messageExpiryInterval === undefined ? {} : { messageExpiryInterval }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(responseTopic === undefined ? {} : { responseTopic }),
    ...(correlationData === undefined ? {} : { correlationData }),
    ...(userProperties === undefined ? {} : { userProperties }),
  }
}
