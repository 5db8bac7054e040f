/**
 * Moves one connected device along its private and its broadcast log: read after what was sent, keep at most a window
 * unacknowledged, advance the cursors on acknowledgement. A wake only starts it; so do an acknowledgement, a socket
 * that can be written again, and the sweep.
 */
import type { Commit, Cursors, LogEntry, OpenedSession, PassedAs, ReadLimit } from '../../store/contract.ts'
import { parseTopic } from '../../topics/index.ts'
import type { ConnectPacket } from '../codec/packets.ts'
import { BroadcastDrain } from './broadcast-drain.ts'
import type { Arrival } from './broadcast-fanout.ts'
import type { DrainContext } from './drain-context.ts'
import { DeliveryTraces } from './delivery-traces.ts'
import type { DeviceLog, LogDrain } from './log-drain.ts'
import type { DrainHost, Envelope } from './outgoing.ts'
import { broadcastPacketId, privatePacketId, rangeOf } from './packet-ids.ts'
import { PrivateDrain } from './private-drain.ts'
import { RetainedDeliveries } from './retained-deliveries.ts'
import { Sender } from './sender.ts'
import type { SessionState, Subscription } from './session-state.ts'
import { type Skip, Skips } from './skips.ts'

/** Acknowledgements out of turn keep entries in memory; beyond this many windows the drain waits for the oldest. */
const SPAN_FACTOR = 4
/** What it costs to look for a retained message among all selectors of an app, in units of `Turns`. */
const RETAINED = 500

export class Drain implements DrainHost {
  readonly #session: DrainContext
  readonly #private: PrivateDrain
  readonly #broadcast: BroadcastDrain
  readonly #quota: number
  readonly #sender: Sender
  /** Absent when there are none. */
  #retained: RetainedDeliveries | undefined
  /** Absent where nothing is traced. */
  readonly #traces: DeliveryTraces | undefined
  #skips: Skips | undefined
  /** Acknowledged over HTTP while under way: the client's Receive Maximum still counts them. */
  #orphans: Set<number> | undefined
  /** Nothing is sent before `begin`. */
  #begun = false
  #running = false
  #again = false

  constructor(session: DrainContext, opened: OpenedSession, connect: ConnectPacket, resumed: SessionState | undefined) {
    const { window, topicAliases } = session.node.limits
    this.#session = session
    const { tracing } = session.node
    this.#traces = tracing && new DeliveryTraces(tracing, session.device.app)
    this.#private = new PrivateDrain(session, this, opened)
    this.#broadcast = new BroadcastDrain(session, this, opened.cursors)
    // [MQTT-3.3.4-7], [MQTT-3.3.4-9]
    this.#quota = Math.min(window, connect.properties.receiveMaximum ?? 65_535)
    this.#sender = new Sender(session.connection, connect, topicAliases)
    if (opened.cursors.marks !== undefined) this.#skips = Skips.of(session, this.#sender, this, opened.cursors.marks)
    if (resumed === undefined) return
    this.#private.log.resendThrough = resumed.sentPrivate
    this.#broadcast.log.resendThrough = resumed.sentBroadcast
    this.#private.log.retainedOffset = resumed.retainedPrivate
    this.#broadcast.log.retainedOffset = resumed.retainedBroadcast
    if (opened.unclean) {
      this.#private.log.resendAtMost = window
      this.#broadcast.log.resendAtMost = window
    }
  }

  setPrivate(subscription: Subscription | undefined): void {
    this.#private.subscription = subscription
  }

  /** `restored`: with the session, not by a SUBSCRIBE. */
  setVersion(version: string, subscription: Subscription | undefined, restored = false): void {
    if (subscription === undefined) this.#broadcast.remove(version)
    else this.#broadcast.set(version, subscription, restored)
  }

  /** What is to be committed as things stand. */
  cursors(): Omit<Commit, 'tokenId' | 'epoch'> {
    this.#broadcast.settle()
    return {
      private: this.#private.log.cursor,
      broadcast: this.#broadcast.log.cursor,
      ...this.#private.change(),
      ...this.#broadcast.change(),
      ...this.#skips?.change(),
    }
  }

  committed(commit: Commit): void {
    this.#private.committed(commit)
    this.#broadcast.committed(commit)
    this.#skips?.committed(commit)
  }

  cursorsLost(): void {
    this.#broadcast.cursorsLost()
  }

  sentMarks(): Pick<SessionState, 'sentPrivate' | 'sentBroadcast' | 'retainedPrivate' | 'retainedBroadcast'> {
    return {
      sentPrivate: this.#private.log.sent,
      sentBroadcast: this.#broadcast.log.sent,
      retainedPrivate: this.#private.log.retainedPending,
      retainedBroadcast: this.#broadcast.log.retainedPending,
    }
  }

  stop(): void {
    this.#traces?.stop()
    this.#broadcast.stop()
  }

  /** A PUBACK; one for a packet id that is not under way is ignored, as after a takeover. */
  acknowledged(packetId: number): void {
    this.#traces?.acknowledged(packetId)
    const { metrics, sessions } = this.#session.node
    const range = rangeOf(packetId)
    if (this.#orphans?.delete(packetId) === true) {
      if (this.#orphans.size === 0) this.#orphans = undefined
    } else if (range === 'retained') {
      this.#retained?.acknowledged(packetId)
      this.#letRetainedGo()
    } else {
      const soon = this.#acknowledged(range, packetId)
      if (soon === undefined) return
      metrics.acknowledged.inc({ destination: range })
      sessions.commits.mark(this.#session, soon)
    }
    this.run()
  }

  /** Undefined if it is not under way; otherwise whether somebody may wait to hear of it. */
  #acknowledged(range: DeviceLog, packetId: number): boolean | undefined {
    if (this.#skips?.acknowledged(packetId) === true) return true
    if (range === 'private') return this.#private.log.acknowledge(packetId)?.isFollowed
    return this.#broadcast.acknowledge(packetId) ? false : undefined
  }

  acknowledgedElsewhere(cursors: Cursors): void {
    this.#skips?.movedElsewhere(cursors)
    const open = [
      ...this.#private.log.acknowledgeThrough(cursors.private),
      ...this.#broadcast.acknowledgedElsewhere(cursors),
    ]
    if (open.length > 0) this.#orphans = new Set([...(this.#orphans ?? []), ...open])
    this.run()
  }

  privateArrived(offset: number, entry: LogEntry | undefined): void {
    if (offset > this.#private.log.end) {
      const isSent = this.#private.arrived(offset, entry, this.#running)
      if (isSent && entry !== undefined) this.#observe(entry)
      else this.run()
    } else if (offset === 0 && entry !== undefined) {
      this.#private.told(entry)
    }
  }

  privateRemoved(offset: number): void {
    this.#private.removed(offset)
  }

  broadcastTold(arrival: Arrival, version: string): void {
    this.#broadcast.told(arrival, version)
  }

  broadcastsArrived(arrivals: readonly Arrival[], version: string): void {
    for (const entry of this.#broadcast.arrived(arrivals, version, this.#running)) this.#observe(entry)
    if (this.#broadcast.hasWork) this.run()
  }

  /** There is more than has arrived here. */
  broadcastGrew(): void {
    this.#broadcast.grew()
    this.run()
  }

  /** Reads both logs, whatever is known of their ends. */
  look(): void {
    this.#private.look()
    this.run()
  }

  begin(): void {
    this.#begun = true
    this.run()
  }

  run(): void {
    if (this.#running) {
      this.#again = true
      return
    }
    if (!this.#session.live || !this.hasRoom() || !this.#hasWork()) return
    this.#running = true
    this.#work().then(
      () => this.#done(),
      (error: unknown) => this.#failed(error),
    )
  }

  /** The last retained message of the topic goes to this new subscription, as soon as the window has room. */
  addRetained(subscription: Subscription): void {
    this.#retained ??= new RetainedDeliveries(this.#session, this.#sender)
    this.#retained.add(subscription)
  }

  async #work(): Promise<void> {
    while (this.#session.live && this.hasRoom()) {
      const skip = this.#nextSkip()
      if (this.#retained?.waiting === true) await this.#sendRetained()
      else if (skip !== undefined) {
        if (!(await this.#sendSkipped(skip))) return
      } else if (this.#private.hasWork) {
        if (!(await this.#private.read())) return
      } else if (!this.#broadcast.hasWork || !(await this.#broadcast.read())) return
    }
  }

  async #sendRetained(): Promise<void> {
    const subscription = this.#retained?.first()
    if (subscription === undefined) return
    const topic = parseTopic(subscription.filter)
    const { node, tags } = this.#session
    const { store } = node
    if (topic?.kind === 'private') {
      this.#offerRetained('private', subscription, await this.#private.retained(), this.#private.log)
    } else if (topic?.kind === 'broadcast') {
      const entry = await store.retainedBroadcast(topic.app, topic.version, tags)
      this.#offerRetained('broadcast', subscription, entry, this.#broadcast.logOf(topic.version, entry))
    }
    this.#retained?.settle(subscription)
    this.#letRetainedGo()
    await this.#broadcast.turn(RETAINED)
  }

  #offerRetained(destination: DeviceLog, subscription: Subscription, entry: LogEntry | undefined, log: LogDrain): void {
    if (entry !== undefined && this.#skips?.retain(destination, entry.offset) === true) subscription.retainedDue = false
    else this.#retained?.offer(subscription, log, entry)
  }

  #letRetainedGo(): void {
    if (this.#retained?.isDone === true) this.#retained = undefined
  }

  #done(): void {
    this.#running = false
    if (!this.#again) return
    this.#again = false
    this.run()
  }

  #failed(error: unknown): void {
    this.#running = false
    const { node, connection } = this.#session
    node.logger.warn({ connection: connection.id, err: error }, 'could not read a log, trying again')
    if (this.#session.live) node.sessions.later(this.#session)
  }

  isInFlight(packetId: number): boolean {
    return this.#skips?.isInFlight(packetId) === true
  }

  #nextSkip(): Skip | undefined {
    return this.#skips?.next((destination) =>
      destination === 'private' ? this.#private.subscription !== undefined : this.#broadcast.isSubscribed,
    )
  }

  /** What an earlier connection could not take. False if something else has to happen first. */
  async #sendSkipped(skip: Skip): Promise<boolean> {
    const { destination, offset } = skip
    const isPrivate = destination === 'private'
    const packetId = isPrivate ? privatePacketId(offset) : broadcastPacketId(offset)
    const { entry, subscription } = isPrivate
      ? { entry: await this.#private.entryAt(offset), subscription: this.#private.subscription }
      : await this.#broadcast.entryAt(offset)
    const isUnderWay = isPrivate ? this.#private.log.isInFlight(packetId) : this.#broadcast.isInFlight(packetId)
    if (!this.#session.live || !this.hasRoom() || isUnderWay) return false
    this.#skips?.offer(skip, { entry, subscription, packetId })
    return true
  }

  send(log: LogDrain, entry: LogEntry, envelope: Envelope): void {
    const { destination, subscription, packetId, packets, missed } = envelope
    const { node } = this.#session
    const { metrics } = node
    const now = node.now()
    const { filter: topic, qos, identifier } = subscription
    const dup = qos > 0 && log.takeResent(entry.offset)
    if (entry.expiresAt <= now) {
      this.ended(destination, entry, 'expired')
      return this.pass(log, entry.offset)
    }
    const retain = log.retainedOffset === entry.offset || (subscription.retainAsPublished && entry.retain)
    const sending = { topic, identifier, packetId: qos === 0 ? undefined : packetId, retain, dup, now, missed }
    if (!this.#sender.send(entry, sending, packets)) {
      metrics.skipped.inc({ destination })
      this.#skips ??= new Skips(this.#session, this.#sender, this)
      this.#skips.add(destination, entry.offset, log)
      return this.pass(log, entry.offset)
    }
    metrics.delivered.inc({ destination })
    if (dup) metrics.redelivered.inc({ destination })
    this.#traces?.sent(destination, entry, sending.packetId, dup)
    if (qos > 0) return log.track(entry.offset, packetId, entry.isFollowed)
    this.ended(destination, entry, 'sent')
    this.pass(log, entry.offset)
  }

  ended(destination: DeviceLog, { offset, isFollowed }: LogEntry, as: PassedAs): void {
    const { node, device } = this.#session
    if (as === 'sent') node.metrics.ended.inc({ destination, state: as })
    if (isFollowed !== true) return
    if (destination === 'private') this.#private.passed(offset, as)
    else if (as === 'sent') node.counts.sent(device.app, offset)
  }

  tell(entry: LogEntry, { destination, subscription, packets }: Omit<Envelope, 'packetId'>): void {
    const { node, live, connection } = this.#session
    const { metrics } = node
    if (!live) return
    if (!connection.writable) return metrics.queueDropped.inc()
    const { filter: topic, identifier } = subscription
    const sending = { topic, identifier, packetId: undefined, retain: false, dup: false, now: node.now() }
    const isSent = this.#sender.send(entry, sending, packets)
    if (isSent) metrics.delivered.inc({ destination })
    else metrics.skipped.inc({ destination })
  }

  pass(log: LogDrain, offset: number): void {
    const before = log.cursor
    log.pass(offset)
    if (log.cursor > before) this.#session.node.sessions.commits.mark(this.#session)
  }

  #hasWork(): boolean {
    return (
      this.#retained?.waiting === true ||
      this.#private.hasWork ||
      this.#broadcast.hasWork ||
      this.#nextSkip() !== undefined
    )
  }

  hasRoom(): boolean {
    return this.#begun && this.#room() > 0 && this.#session.connection.writable
  }

  #room(): number {
    const unacknowledged =
      this.#private.log.unacknowledged +
      this.#broadcast.unacknowledged +
      (this.#retained?.unacknowledged ?? 0) +
      (this.#skips?.unacknowledged ?? 0) +
      (this.#orphans?.size ?? 0)
    const span = Math.max(this.#private.log.span, this.#broadcast.span)
    return Math.min(this.#quota - unacknowledged, this.#quota * SPAN_FACTOR - span)
  }

  limit(): ReadLimit {
    return { entries: this.#room(), bytes: this.#session.node.limits.readBytes }
  }

  #observe(entry: LogEntry): void {
    const { metrics, now } = this.#session.node
    metrics.drainLatency.observe(Math.max(0, now() - entry.storedAt) / 1000)
  }
}
