/**
 * PUBLISH and PUBREL of a user: to general topics. Acknowledged after the router has accepted it, in the order of the
 * packets.
 */
import { PushError } from '../../errors.ts'
import { encodePuback, encodePubcomp, encodePubrec } from '../codec/encoder.ts'
import { type ProtocolLevel, type PublishPacket, Reason } from '../codec/packets.ts'
import { pubackReason } from '../codec/reasons.ts'
import type { RetainedSource } from '../../store/contract.ts'
import type { Connection } from '../gate/connection.ts'
import { isBridgeState } from './bridge-state.ts'
import type { Crowding } from './crowding.ts'
import type { GeneralMessage, User } from './general.ts'
import { generalMessageOf } from './general-message.ts'
import { PublishTurns, type Turn } from './publish-turns.ts'
import { decodeReceived, encodeReceived } from './received-message.ts'
import type { UserArrival } from './user-arrival.ts'
import type { UserNode } from './user-node.ts'
import { CONTROL, maximumQosOf, type UserTerms } from './user-terms.ts'

interface PublisherContext {
  readonly node: UserNode
  readonly connection: Connection
  readonly user: User
  readonly arrival: UserArrival
  readonly mountPoint: string
  /** Of what is retained of it. */
  readonly source: RetainedSource | undefined
  readonly name: string
  readonly epoch: number
  readonly level: ProtocolLevel
  readonly isKept: boolean
  readonly wantsReasons: boolean
}

type Encode = typeof encodePuback

/** Undefined: it may be published to, as far as the topic says. */
export function topicRefusal(terms: UserTerms, topic: string): PushError | undefined {
  if (terms.isReserved(topic)) return new PushError('TOPIC_FORBIDDEN', 'this first level is reserved for an app')
  // Section 4.7.2; what goes to `$share/` could be subscribed to by nobody.
  const taken = ['$SYS/', '$share/', CONTROL].find((prefix) => topic.startsWith(prefix))
  return taken === undefined || isBridgeState(topic)
    ? undefined
    : new PushError('TOPIC_FORBIDDEN', `${taken} is reserved`)
}

export class UserPublisher {
  readonly #session: PublisherContext
  readonly #turns: PublishTurns
  /** Packet ids of QoS 2 messages that came on this connection, and whose PUBREL has not come. */
  readonly #received = new Set<number>()
  /** A message that is not with the router yet: what comes after it waits. */
  #before: Promise<void> | undefined
  /** A queue that it fills. */
  #crowded: Crowding | undefined

  constructor(session: PublisherContext) {
    this.#session = session
    const { connection, node } = session
    this.#turns = new PublishTurns({ connection, receiveMaximum: node.limits.receiveMaximum })
  }

  handle(packet: PublishPacket): void | Promise<void> {
    const { qos, packetId = 0, retain } = packet
    const { user, node, level, arrival, mountPoint } = this.#session
    const { terms } = node
    // [MQTT-3.2.2-11]
    if (qos > maximumQosOf(arrival.rules)) throw new PushError('QOS_UNSUPPORTED')
    // [MQTT-3.2.2-14]
    if (retain && !terms.retainAvailable) throw new PushError('RETAIN_UNSUPPORTED')
    if (qos === 2 && !this.#received.has(packetId) && this.#received.size >= terms.mostReceived(level))
      throw new PushError('RECEIVE_MAXIMUM_EXCEEDED')
    if (packet.payload.byteLength > terms.payloadBytes) return this.#refused(packet, new PushError('PAYLOAD_TOO_LARGE'))
    const topic = mountPoint === '' ? packet.topic : `${mountPoint}${packet.topic}`
    const refusal = topicRefusal(terms, topic)
    if (refusal !== undefined) return this.#refused(packet, refusal)
    const may = allowed(() => user.mayPublish(topic, { qos, retain }))
    return may instanceof Promise
      ? may.then((each) => this.#decided(packet, topic, each))
      : this.#decided(packet, topic, may)
  }

  /** PUBREL: its answer has its turn among the others. */
  release(packetId: number): void | Promise<void> {
    const { level } = this.#session
    const turn = this.#turns.begin(0)
    const answer = (isKnown: boolean) =>
      this.#turns.end(turn, encodePubcomp(level, packetId, isKnown ? Reason.success : Reason.packetIdentifierNotFound))
    this.#forget(packetId).then(answer, (error: unknown) => this.#failed(error, turn))
    return this.#turns.room()
  }

  /** Everything that was published is answered: what comes next is in order. */
  settled(): Promise<void> {
    return this.#turns.settled()
  }

  crowds(queue: Crowding): void {
    this.#crowded = queue
  }

  close(): void {
    this.#turns.close()
  }

  #decided(packet: PublishPacket, topic: string, may: boolean | PushError): void | Promise<void> {
    if (may === true) return this.#publish(packet, topic)
    return this.#refused(packet, may === false ? new PushError('TOPIC_FORBIDDEN') : may)
  }

  #publish(packet: PublishPacket, topic: string): void | Promise<void> {
    const { qos, packetId = 0, payload } = packet
    const { node, name } = this.#session
    const turn = this.#turns.begin(payload.byteLength)
    const message = generalMessageOf(node, packet, topic, name, packet.retain ? this.#session.source : undefined)
    const published =
      qos === 2 ? this.#publishQos2(message, packetId) : this.#inOrder(() => node.router.publish(message))
    published.then(
      (isHeard) => this.#answer(turn, packet, isHeard || qos === 2 ? Reason.success : Reason.noMatchingSubscribers),
      (error: unknown) => this.#failed(error, turn, packet),
    )
    return this.#turns.room() ?? this.#relief()
  }

  /** Until a queue that it fills has room again; undefined if there is none. */
  #relief(): Promise<void> | undefined {
    const crowded = this.#crowded
    this.#crowded = undefined
    return crowded?.holds === true ? crowded.over() : undefined
  }

  #publishQos2(message: GeneralMessage, packetId: number): Promise<boolean> {
    const { node, name, epoch, isKept } = this.#session
    const { store, router, sessions, randomId } = node
    // [MQTT-4.3.3-10] what comes again is acknowledged again, and goes to nobody a second time
    const isAgain = this.#received.has(packetId)
    this.#received.add(packetId)
    if (!isKept) return isAgain ? Promise.resolve(true) : this.#inOrder(() => router.publish(message))
    const received = { uid: randomId(), topic: message.topic }
    const remembered = this.#inOrder(() => store.rememberReceived(name, epoch, packetId, encodeReceived(received)))
    this.#waitFor(remembered)
    return remembered.then(async (known) => {
      const { uid } = known === undefined ? received : decodeReceived(known)
      const isHeard = sessions.wasPublished(uid) || (await router.publish({ ...message, uid }))
      sessions.published(uid)
      return isHeard
    })
  }

  async #forget(packetId: number): Promise<boolean> {
    const { node, name, epoch, isKept } = this.#session
    const isKnown = this.#received.delete(packetId)
    if (!isKept) return isKnown
    const known = await node.store.releaseReceived(name, epoch, packetId)
    if (known === undefined) return false
    const { uid, topic } = decodeReceived(known)
    // A former connection of the session may still be publishing it.
    node.sessions.forgotten.add(() => {
      node.sessions.forgetPublished(uid)
      if (topic !== undefined) node.router.forget(uid, { topic, from: name })
    })
    return true
  }

  /** In the order of the packets: what waits for the store lets nothing pass that came later. */
  #inOrder<R>(step: () => Promise<R>): Promise<R> {
    const before = this.#before
    if (before === undefined) return step()
    const result = before.then(step)
    this.#waitFor(before)
    return result
  }

  /** What is called then is called before what comes later. */
  #waitFor(waiting: Promise<unknown>): void {
    const over = () => {
      if (this.#before === passed) this.#before = undefined
    }
    const passed: Promise<void> = waiting.then(over, over)
    this.#before = passed
  }

  #answer(turn: Turn, { qos, packetId = 0 }: PublishPacket, reason: number, text?: string): void {
    if (qos === 0) return this.#turns.end(turn)
    const { connection, level } = this.#session
    const encode: Encode = qos === 1 ? encodePuback : encodePubrec
    this.#turns.end(
      turn,
      connection.worded((words) => encode(level, packetId, reason, words), text),
    )
  }

  /**
   * It went to nobody. MQTT 5 says so in the acknowledgement; before it, one acknowledges and drops it, as Mosquitto does, or
   * closes (section 3.3.5).
   */
  #refused(packet: PublishPacket, error: PushError): void | Promise<void> {
    this.#refuse(this.#turns.begin(0), packet, error)
    return this.#turns.room()
  }

  #refuse(turn: Turn, packet: PublishPacket, error: PushError): void {
    const { node, connection, level, wantsReasons } = this.#session
    const { code, detail, cause } = error
    const why = cause === undefined ? {} : { err: cause }
    node.logger.info({ connection: connection.id, code, detail, ...why }, 'PUBLISH refused')
    if (level !== 5) {
      const isDropped = code === 'PAYLOAD_TOO_LARGE' || (code === 'TOPIC_FORBIDDEN' && node.terms.dropsDenied)
      if (isDropped) return this.#answer(turn, packet, Reason.success)
      this.#turns.end(turn)
      return connection.end(error)
    }
    // Mosquitto says here what PUBACK has no word for.
    const reason = code === 'PAYLOAD_TOO_LARGE' ? Reason.packetTooLarge : pubackReason(error.reason)
    // [MQTT-3.1.2-29]
    this.#answer(turn, packet, reason, wantsReasons ? error.message : undefined)
  }

  /** The store does not have it, or not all of it. */
  #failed(error: unknown, turn: Turn, packet?: PublishPacket): void {
    const { connection, isKept } = this.#session
    if (!(error instanceof PushError)) {
      this.#turns.end(turn)
      return connection.failed(error)
    }
    const isUnderItsId = packet === undefined || (packet.qos === 2 && isKept)
    // What is kept under a packet id is still known by it: the client sends it again when it is back, and not another one.
    if (!isUnderItsId && error.code !== 'SESSION_TAKEN_OVER') {
      this.#received.delete(packet.packetId ?? 0)
      return this.#refuse(turn, packet, error)
    }
    this.#turns.end(turn)
    connection.end(error)
  }
}

/** Whatever an embedder's rule throws is a refusal. */
function allowed(ask: () => boolean | Promise<boolean>): boolean | PushError | Promise<boolean | PushError> {
  try {
    const answer = ask()
    return typeof answer === 'boolean' ? answer : answer.catch(asRefusal)
  } catch (error) {
    return asRefusal(error)
  }
}

function asRefusal(error: unknown): PushError {
  return error instanceof PushError ? error : new PushError('TOPIC_FORBIDDEN', undefined, { cause: error })
}
