/**
 * Moves one connected device along its private and its broadcast log: read after what was sent, keep at most a window
 * unacknowledged, advance the cursors on acknowledgement. A wake only starts it; so do an acknowledgement, a socket
 * that can be written again, and the sweep.
 */
import type { Commit, Cursors, LogEntry, LogSlice, OpenedSession, ReadLimit } from '../../store/contract.ts'
import { parseTopic } from '../../topics/index.ts'
import type { ConnectPacket } from '../codec/packets.ts'
import { BroadcastDrain } from './broadcast-drain.ts'
import type { Arrival } from './broadcast-fanout.ts'
import type { DrainContext } from './drain-context.ts'
import { type DeviceLog, LogDrain } from './log-drain.ts'
import type { DrainHost, Envelope } from './outgoing.ts'
import { broadcastPacketId, privatePacketId, rangeOf } from './packet-ids.ts'
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
  readonly #private: LogDrain
  readonly #broadcast: BroadcastDrain
  readonly #quota: number
  readonly #sender: Sender
  readonly #retained: RetainedDeliveries
  #privateSubscription: Subscription | undefined
  #skips: Skips | undefined
  /** Acknowledged over HTTP while under way: the client's Receive Maximum still counts them. */
  #orphans: Set<number> | undefined
  /** The private log is to be read whatever is known of its end. */
  #lookPrivate = false
  /** Nothing is sent before `begin`. */
  #begun = false
  #running = false
  #again = false

  constructor(session: DrainContext, opened: OpenedSession, connect: ConnectPacket, resumed: SessionState | undefined) {
    const { window, topicAliases } = session.node.limits
    this.#session = session
    this.#private = new LogDrain(opened.cursors.private, opened.privateEnd)
    this.#broadcast = new BroadcastDrain(session, this, opened.cursors)
    // [MQTT-3.3.4-7], [MQTT-3.3.4-9]
    this.#quota = Math.min(window, connect.properties.receiveMaximum ?? 65_535)
    this.#sender = new Sender(session.connection, connect, topicAliases)
    this.#retained = new RetainedDeliveries(session, this.#sender)
    if (opened.cursors.marks !== undefined) this.#skips = Skips.of(session, this.#sender, opened.cursors.marks)
    if (resumed === undefined) return
    this.#private.resendThrough = resumed.sentPrivate
    this.#broadcast.log.resendThrough = resumed.sentBroadcast
    this.#private.retainedOffset = resumed.retainedPrivate
    this.#broadcast.log.retainedOffset = resumed.retainedBroadcast
    if (opened.unclean) {
      this.#private.resendAtMost = window
      this.#broadcast.log.resendAtMost = window
    }
  }

  setPrivate(subscription: Subscription | undefined): void {
    this.#privateSubscription = subscription
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
      private: this.#private.cursor,
      broadcast: this.#broadcast.log.cursor,
      ...this.#broadcast.change(),
      ...this.#skips?.change(),
    }
  }

  committed(commit: Commit): void {
    this.#broadcast.committed(commit)
    this.#skips?.committed(commit)
  }

  cursorsLost(): void {
    this.#broadcast.cursorsLost()
  }

  sentMarks(): Pick<SessionState, 'sentPrivate' | 'sentBroadcast' | 'retainedPrivate' | 'retainedBroadcast'> {
    return {
      sentPrivate: this.#private.sent,
      sentBroadcast: this.#broadcast.log.sent,
      retainedPrivate: this.#private.retainedPending,
      retainedBroadcast: this.#broadcast.log.retainedPending,
    }
  }

  stop(): void {
    this.#broadcast.stop()
  }

  /** A PUBACK; one for a packet id that is not under way is ignored, as after a takeover. */
  acknowledged(packetId: number): void {
    const { metrics, sessions } = this.#session.node
    const range = rangeOf(packetId)
    if (this.#orphans?.delete(packetId) === true) {
      if (this.#orphans.size === 0) this.#orphans = undefined
    } else if (range === 'retained') {
      this.#retained.acknowledged(packetId)
    } else {
      if (!this.#acknowledged(range, packetId)) return
      metrics.acknowledged.inc({ destination: range })
      sessions.commits.mark(this.#session)
    }
    this.run()
  }

  #acknowledged(range: DeviceLog, packetId: number): boolean {
    if (this.#skips?.acknowledged(packetId) === true) return true
    return range === 'private' ? this.#private.acknowledge(packetId) : this.#broadcast.acknowledge(packetId)
  }

  acknowledgedElsewhere(cursors: Cursors): void {
    this.#skips?.movedElsewhere(cursors)
    const open = [
      ...this.#private.acknowledgeThrough(cursors.private),
      ...this.#broadcast.acknowledgedElsewhere(cursors),
    ]
    if (open.length > 0) this.#orphans = new Set([...(this.#orphans ?? []), ...open])
    this.run()
  }

  privateArrived(offset: number, entry: LogEntry | undefined): void {
    const log = this.#private
    if (offset <= log.end) return
    const next = log.sent === log.end && offset === log.sent + 1
    log.end = offset
    // Nothing lies between what was sent and this entry: it needs no read.
    if (next && entry !== undefined && !this.#running && this.#privateSubscription !== undefined && this.hasRoom()) {
      this.#sendPrivate(entry, this.#privateSubscription)
      this.#observe(entry)
    } else {
      this.run()
    }
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
    this.#lookPrivate = true
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
    this.#retained.add(subscription)
  }

  async #work(): Promise<void> {
    while (this.#session.live && this.hasRoom()) {
      const skip = this.#nextSkip()
      if (this.#retained.waiting) await this.#sendRetained()
      else if (skip !== undefined) {
        if (!(await this.#sendSkipped(skip))) return
      } else if (this.#hasPrivateWork()) {
        if (!(await this.#readPrivate())) return
      } else if (!this.#broadcast.hasWork || !(await this.#broadcast.read())) return
    }
  }

  async #sendRetained(): Promise<void> {
    const subscription = this.#retained.first()
    if (subscription === undefined) return
    const topic = parseTopic(subscription.filter)
    const { node, tags } = this.#session
    const { store } = node
    if (topic?.kind === 'private') {
      const entry = await store.retainedPrivate(topic.tokenId)
      this.#offerRetained('private', subscription, entry, this.#private)
    } else if (topic?.kind === 'broadcast') {
      const entry = await store.retainedBroadcast(topic.app, topic.version, tags)
      this.#offerRetained('broadcast', subscription, entry, this.#broadcast.logOf(topic.version, entry))
    }
    this.#retained.settle(subscription)
    await this.#broadcast.turn(RETAINED)
  }

  #offerRetained(destination: DeviceLog, subscription: Subscription, entry: LogEntry | undefined, log: LogDrain): void {
    if (entry !== undefined && this.#skips?.retain(destination, entry.offset) === true) subscription.retainedDue = false
    else this.#retained.offer(subscription, log, entry)
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

  /** False when something else has to happen first: an acknowledgement, or a socket that can be written. */
  async #readPrivate(): Promise<boolean> {
    const log = this.#private
    const { node, tokenId } = this.#session
    const known = log.end
    this.#lookPrivate = false
    const slice = await node.store.readPrivate(tokenId, log.sent, this.limit())
    // A wake that came while this was read names more than the slice can know.
    log.end = Math.max(slice.end, slice.readTo, log.end > known ? log.end : 0)
    const complete = this.#sendEach(slice, log, (entry) => {
      const subscription = this.#privateSubscription
      if (subscription === undefined) return false
      if (entry.offset > log.sent) this.#sendPrivate(entry, subscription)
      return true
    })
    if (complete) this.pass(log, slice.readTo)
    return complete
  }

  isInFlight(packetId: number): boolean {
    return this.#skips?.isInFlight(packetId) === true
  }

  #nextSkip(): Skip | undefined {
    return this.#skips?.next((destination) =>
      destination === 'private' ? this.#privateSubscription !== undefined : this.#broadcast.isSubscribed,
    )
  }

  /** What an earlier connection could not take. False when something else has to happen first. */
  async #sendSkipped(skip: Skip): Promise<boolean> {
    const { node, tokenId, privateTopic } = this.#session
    const { destination, offset } = skip
    const isPrivate = destination === 'private'
    const packetId = isPrivate ? privatePacketId(offset) : broadcastPacketId(offset)
    const { entry, subscription, topic } = isPrivate
      ? {
          entry: (await node.store.readPrivate(tokenId, offset - 1, { entries: 1, bytes: 1 })).entries[0],
          subscription: this.#privateSubscription,
          topic: privateTopic,
        }
      : await this.#broadcast.entryAt(offset)
    const isUnderWay = isPrivate ? this.#private.isInFlight(packetId) : this.#broadcast.isInFlight(packetId)
    if (!this.#session.live || !this.hasRoom() || isUnderWay) return false
    this.#skips?.offer(skip, { entry, subscription, topic, packetId })
    return true
  }

  /** False when the window or the socket was full before the slice was through. */
  #sendEach<E extends LogEntry>(slice: LogSlice<E>, log: LogDrain, send: (entry: E) => boolean): boolean {
    for (const entry of slice.entries) {
      if (!this.#session.live || !this.hasRoom() || !send(entry)) return false
      log.end = Math.max(log.end, entry.offset)
    }
    return this.#session.live
  }

  #sendPrivate(entry: LogEntry, subscription: Subscription): void {
    const topic = this.#session.privateTopic
    this.send(this.#private, entry, {
      destination: 'private',
      subscription,
      topic,
      packetId: privatePacketId(entry.offset),
    })
  }

  send(log: LogDrain, entry: LogEntry, { destination, subscription, topic, packetId, packets }: Envelope): void {
    const { node } = this.#session
    const { metrics } = node
    const now = node.now()
    const { qos, identifier } = subscription
    const dup = qos > 0 && log.takeResent(entry.offset)
    if (entry.expiresAt <= now) return this.pass(log, entry.offset)
    const retain = log.retainedOffset === entry.offset || (subscription.retainAsPublished && entry.retain)
    const sending = { topic, identifier, packetId: qos === 0 ? undefined : packetId, retain, dup, now }
    if (!this.#sender.send(entry, sending, packets)) {
      metrics.skipped.inc({ destination })
      this.#skips ??= new Skips(this.#session, this.#sender)
      this.#skips.add(destination, entry.offset, log)
      return this.pass(log, entry.offset)
    }
    metrics.delivered.inc({ destination })
    if (dup) metrics.redelivered.inc({ destination })
    if (qos === 0) this.pass(log, entry.offset)
    else log.track(entry.offset, packetId)
  }

  pass(log: LogDrain, offset: number): void {
    const before = log.cursor
    log.pass(offset)
    if (log.cursor > before) this.#session.node.sessions.commits.mark(this.#session)
  }

  #hasWork(): boolean {
    return this.#retained.waiting || this.#hasPrivateWork() || this.#broadcast.hasWork || this.#nextSkip() !== undefined
  }

  #hasPrivateWork(): boolean {
    return this.#privateSubscription !== undefined && (this.#lookPrivate || this.#private.sent < this.#private.end)
  }

  hasRoom(): boolean {
    return this.#begun && this.#room() > 0 && this.#session.connection.writable
  }

  #room(): number {
    const unacknowledged =
      this.#private.unacknowledged +
      this.#broadcast.unacknowledged +
      this.#retained.unacknowledged +
      (this.#skips?.unacknowledged ?? 0) +
      (this.#orphans?.size ?? 0)
    const span = Math.max(this.#private.span, this.#broadcast.span)
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
