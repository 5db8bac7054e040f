/** The live connection of one token id: which packet goes to which handler, and what the session remembers. */
import type { ErrorCode } from '../../errors.ts'
import { PushError } from '../../errors.ts'
import type { Commit, Cursors, LogEntry, OpenedSession } from '../../store/contract.ts'
import type { Device } from '../../topics/index.ts'
import { PINGRESP } from '../codec/encoder.ts'
import type { ConnectPacket, DisconnectPacket, Packet, ProtocolLevel, Will } from '../codec/packets.ts'
import type { Connection } from '../gate/connection.ts'
import type { PacketHandler } from '../gate/packet-handler.ts'
import { Drain } from './drain.ts'
import { Expiry } from './expiry.ts'
import { handlePublish, handlePubrel } from './handle-publish.ts'
import { handleSubscribe, handleUnsubscribe } from './handle-subscribe.ts'
import type { DeviceNode } from './node.ts'
import { PublishTurns } from './publish-turns.ts'
import { encodeState, type SessionState } from './session-state.ts'
import { Subscriptions } from './subscriptions.ts'
import type { Arrival } from './broadcast-fanout.ts'
import type { DrainContext } from './drain-context.ts'
import type { HandlerContext } from './handler-context.ts'
import { tokenEnded } from './token-end.ts'
import { encodeDeviceWill, publishWill } from './will.ts'

/** Shared by all that have none, as most. */
const NO_TAGS: readonly string[] = []

interface DelayedWill {
  readonly will: Will
  readonly publishAt: number
}

export interface SessionStart {
  readonly node: DeviceNode
  readonly connection: Connection
  readonly device: Device
  readonly connect: ConnectPacket
  readonly opened: OpenedSession
  readonly resumed: SessionState | undefined
  readonly will: Will | undefined
}

export class DeviceSession implements PacketHandler, DrainContext, HandlerContext {
  readonly principal = 'device'
  readonly node: DeviceNode
  readonly connection: Connection
  readonly device: Device
  tags: readonly string[]
  readonly level: ProtocolLevel
  readonly epoch: number
  /** Reason strings are welcome in acknowledgements. */
  readonly wantsReasons: boolean
  readonly drain: Drain
  readonly subscriptions = new Subscriptions()
  /** Packet ids of QoS 2 messages of this connection that wait for PUBREL. */
  #turns: PublishTurns | undefined
  #received: Set<number> | undefined
  readonly expiry: Expiry
  #will: Will | undefined
  readonly #willDelay: number
  /** What the store has, as far as is known; undefined: it may have lost some. */
  #stored: Pick<Cursors, 'private' | 'broadcast'> | undefined
  #closed = false

  constructor({ node, connection, device, connect, opened, resumed, will }: SessionStart) {
    this.node = node
    this.connection = connection
    this.device = device
    this.tags = opened.tags ?? NO_TAGS
    this.level = connect.level
    this.epoch = opened.epoch
    this.wantsReasons = connect.properties.requestProblemInformation !== 0
    this.expiry = new Expiry(connect, node.limits)
    this.#will = will
    this.#willDelay = connect.will?.properties?.willDelayInterval ?? 0
    this.#stored = opened.cursors
    this.drain = new Drain(this, opened, connect, resumed)
  }

  /** Made when it publishes: most devices never do. */
  get turns(): PublishTurns {
    const { connection, node } = this
    this.#turns ??= new PublishTurns({ connection, receiveMaximum: node.limits.receiveMaximum })
    return this.#turns
  }

  get received(): Set<number> {
    this.#received ??= new Set()
    return this.#received
  }

  get sessionName(): string {
    return this.device.tokenId
  }

  get tokenId(): string {
    return this.device.tokenId
  }

  /** The session outlives the connection. */
  get persistent(): boolean {
    return this.expiry.seconds > 0
  }

  /** There is somebody to send to. */
  get live(): boolean {
    return !this.#closed && this.connection.open && !this.connection.isParting
  }

  handle(packet: Packet): void | Promise<void> {
    switch (packet.type) {
      case 'puback':
        return this.drain.acknowledged(packet.packetId)
      case 'pingreq':
        return this.connection.write(PINGRESP)
      case 'publish':
        return handlePublish(this, packet)
      case 'pubrel':
        return handlePubrel(this, packet.packetId)
      case 'subscribe':
        return handleSubscribe(this, packet)
      case 'unsubscribe':
        return handleUnsubscribe(this, packet)
      case 'disconnect':
        return this.#disconnected(packet)
      case 'pubrec':
      case 'pubcomp':
        // The server never sends QoS 2 to a device.
        throw new PushError('PROTOCOL_ERROR', `${packet.type.toUpperCase()} for a message that was not sent`)
      case 'connect':
      case 'auth':
        throw new PushError('PROTOCOL_ERROR', `${packet.type.toUpperCase()} is not expected here`)
    }
  }

  drained(): void {
    this.drain.run()
  }

  end(error: PushError): void {
    this.connection.end(error)
  }

  credentialsEnded(): void {
    tokenEnded(this, this.node.monotonic())
  }

  fenced(): void {
    this.end(new PushError('SESSION_TAKEN_OVER'))
  }

  privateArrived(offset: number, entry: LogEntry | undefined): void {
    this.drain.privateArrived(offset, entry)
  }

  privateRemoved(offset: number): void {
    this.drain.privateRemoved(offset)
  }

  broadcastTold(arrival: Arrival, version: string): void {
    this.drain.broadcastTold(arrival, version)
  }

  broadcastsArrived(arrivals: readonly Arrival[], version: string): void {
    this.drain.broadcastsArrived(arrivals, version)
  }

  broadcastGrew(): void {
    this.drain.broadcastGrew()
  }

  acknowledgedElsewhere(cursors: Cursors): void {
    this.drain.acknowledgedElsewhere(cursors)
  }

  cursorsLost(): void {
    this.#stored = undefined
    this.drain.cursorsLost()
    this.node.sessions.commits.mark(this)
  }

  /** Reads both logs again, in case a wake was lost. */
  look(): void {
    this.drain.look()
  }

  cursors(): Omit<Commit, 'tokenId' | 'epoch'> {
    return this.drain.cursors()
  }

  committed(commit: Commit): void {
    const { private: own = 0, broadcast = 0 } = commit
    if (this.#stored !== undefined) this.#stored = { private: own, broadcast }
    this.drain.committed(commit)
  }

  state(): SessionState {
    return {
      subscriptions: this.subscriptions.all(),
      ...this.drain.sentMarks(),
    }
  }

  /** Keeps the session in the store as it is now, when it outlives the connection. */
  async save(): Promise<void> {
    if (!this.persistent) return
    await this.node.store.saveSession(this.tokenId, this.epoch, encodeState(this.state()))
  }

  closed(code: ErrorCode | undefined): void {
    if (this.#closed) return
    this.#closed = true
    this.#turns?.close()
    this.drain.stop()
    this.node.sessions.commits.forget(this)
    const will = this.#will
    // The end of the session is the latest time for it (MQTT 5 section 3.1.3.2.2).
    const delay = Math.min(this.#willDelay, this.expiry.seconds)
    const isDelayed = will !== undefined && delay > 0
    const publishing = will === undefined || isDelayed || code === 'SHUTTING_DOWN' ? undefined : this.#publishWill(will)
    const leaving = this.#leave(code, isDelayed ? { will, publishAt: this.node.now() + delay * 1000 } : undefined)
    this.node.sessions.remove(this, publishing === undefined ? leaving : Promise.all([leaving, publishing]))
  }

  #disconnected(packet: DisconnectPacket): void {
    this.expiry.change(packet.properties.sessionExpiryInterval)
    // [MQTT-3.14.4-3] the will goes, unless reason code 0x04 asks for it
    if (packet.reason !== 0x04) this.#will = undefined
    this.connection.destroy()
  }

  /** Writes the last cursors and what a resumption needs. A failure costs duplicates; the epoch fences the rest. */
  async #leave(code: ErrorCode | undefined, delayed: DelayedWill | undefined): Promise<void> {
    const { tokenId, epoch, node, device } = this
    const { store, logger, wills } = node
    try {
      const cursors = this.cursors()
      const committed = this.#isStored(cursors) ? undefined : store.commit([{ tokenId, epoch, ...cursors }])
      const will = delayed && { publishAt: delayed.publishAt, value: encodeDeviceWill(device, delayed.will) }
      const closed = store.closeSession(tokenId, epoch, {
        ...(this.persistent ? { state: encodeState(this.state()) } : {}),
        stateExpiresAt: node.now() + this.expiry.seconds * 1000,
        ...(will === undefined ? {} : { will }),
      })
      // Cursors that are not written cost duplicates: the session is closed all the same.
      if (committed === undefined) await closed
      else await Promise.all([committed, closed])
      if (will !== undefined) wills.add({ tokenId }, epoch, will.publishAt)
    } catch (error) {
      logger.warn({ connection: this.connection.id, code, err: error }, 'could not save a closed session')
    }
  }

  /** Most devices that come and go have acknowledged nothing since the last commit. */
  #isStored(cursors: Omit<Commit, 'tokenId' | 'epoch'>): boolean {
    const { private: own = 0, broadcast = 0, versions, passed, skipped, taken, passedAs } = cursors
    if (versions ?? passed ?? skipped ?? taken ?? passedAs) return false
    const stored = this.#stored
    return stored !== undefined && own <= stored.private && broadcast <= stored.broadcast
  }

  /** [MQTT-3.1.2-8] after any end but a DISCONNECT. */
  async #publishWill(will: Will): Promise<void> {
    const { node, device } = this
    await node.wills.publish(will.payload.byteLength, () => publishWill(node, device, will))
  }
}
