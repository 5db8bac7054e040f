/**
 * Deliveries to one user: from the log of a kept session, from memory for everything else, and retained messages of new
 * subscriptions. At most one window is unacknowledged.
 */
import { PushError } from '../../errors.ts'
import type { SessionEntry } from '../../store/contract.ts'
import { encodePubrel } from '../codec/encoder.ts'
import { type AcknowledgementPacket, type ConnectPacket, Reason } from '../codec/packets.ts'
import type { GeneralDelivery, GeneralMessage, GeneralSubscription } from './general.ts'
import { UserLog } from './user-log.ts'
import type { UserOutgoingContext } from './user-outgoing-context.ts'
import { UserQueue } from './user-queue.ts'
import { UserRetained } from './user-retained.ts'
import { UserShared } from './user-shared.ts'
import { UserSender } from './user-sender.ts'
import type { UserState } from './user-state.ts'
import { type UnderWay, UserWindow } from './user-window.ts'

/** What an earlier connection left of a session that is kept. */
export interface Left {
  readonly state: UserState
  /** It was not closed: how far it came, nobody could note. */
  readonly unclean: boolean
}

export class UserOutgoing {
  readonly #session: UserOutgoingContext
  readonly #window: UserWindow
  /** Of a session that is kept. */
  readonly #log: UserLog | undefined
  readonly #queue: UserQueue
  readonly #retained: UserRetained
  /** Of shared subscriptions. */
  readonly shared: UserShared

  constructor(session: UserOutgoingContext, connect: ConnectPacket, left: Left | undefined) {
    const { limits, terms } = session.node
    const { outgoingTopicAliases = limits.topicAliases } = session.arrival.rules
    this.#session = session
    this.#window = new UserWindow(terms.window, connect)
    const sender = new UserSender(session, connect, outgoingTopicAliases)
    const rested = (): void => this.#retained.run()
    if (left !== undefined) this.#log = new UserLog(session, sender, this.#window, { ...left, rested })
    this.#queue = new UserQueue(session, sender, this.#window)
    this.shared = new UserShared(session, sender, this.#window)
    this.#retained = new UserRetained(session, { window: this.#window, queue: this.#queue, log: this.#log })
  }

  /** Nothing goes before the CONNACK. */
  begin(): void {
    this.#log?.look().catch(() => undefined)
    this.run()
  }

  arrived(message: GeneralMessage, delivery: GeneralDelivery): void {
    this.#retained.passed(message.topic)
    this.#queue.push(message, delivery)
  }

  logArrived(offset: number, entry: SessionEntry | undefined): void {
    if (entry !== undefined) this.#retained.passed(entry.topic)
    this.#log?.arrived(offset, entry)
  }

  async look(): Promise<void> {
    await this.#log?.look()
  }

  drained(): void {
    this.run()
  }

  run(): void {
    this.#log?.run()
    this.#queue.run()
    this.shared.run()
    this.#retained.run()
    this.#session.roomMade()
  }

  addRetained(subscription: GeneralSubscription): void {
    this.#retained.add(subscription)
  }

  removeRetained(name: string): void {
    this.#retained.remove(name)
  }

  state(): UserState {
    const { sent = 0, resendAtMost = 0 } = this.#log ?? {}
    return { sent, ...(resendAtMost === 0 ? {} : { resendAtMost }), retainedDue: this.#retained.due() }
  }

  async commit(): Promise<void> {
    await this.#log?.commit()
  }

  close(): void {
    this.#queue.close()
    this.shared.close()
    this.#retained.close()
  }

  /** PUBACK, PUBREC or PUBCOMP. */
  handle(packet: AcknowledgementPacket): void {
    const { type, packetId } = packet
    const under = this.#window.get(packetId)
    if (type === 'pubrec') return this.#received(packet, under)
    // As after a takeover.
    if (under === undefined) return
    if (type !== (under.qos === 1 ? 'puback' : 'pubcomp'))
      throw new PushError('PROTOCOL_ERROR', `${type.toUpperCase()} for a message of QoS ${under.qos}`)
    // Section 4.3.3: it answers a PUBREL
    if (under.qos === 2 && !under.released) throw new PushError('PROTOCOL_ERROR', 'PUBCOMP before PUBREC')
    this.#finish(packetId, under)
  }

  #received({ packetId, reason }: AcknowledgementPacket, under: UnderWay | undefined): void {
    const { connection, level } = this.#session
    if (under === undefined) {
      // [MQTT-4.3.3-4] with an error nothing follows
      if (reason < 0x80) connection.write(encodePubrel(level, packetId, Reason.packetIdentifierNotFound))
      return
    }
    if (under.qos !== 2) throw new PushError('PROTOCOL_ERROR', 'PUBREC for a message of QoS 1')
    // [MQTT-4.3.3-4] with an error the message is over
    if (reason >= 0x80) return this.#finish(packetId, under)
    if (this.#log !== undefined && under.offset > 0 && !under.released) return this.#log.release(packetId, under)
    under.released = true
    connection.write(encodePubrel(level, packetId))
  }

  #finish(packetId: number, under: UnderWay): void {
    this.#window.delete(packetId)
    if (under.offset > 0) this.#log?.done(under.offset)
    else this.shared.finished(packetId)
    this.run()
  }
}
