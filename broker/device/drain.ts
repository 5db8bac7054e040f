/**
 * Moves one connected device along its private and its broadcast log: read after what was sent, keep at most a window
 * unacknowledged, advance the cursors on acknowledgement. A wake only starts it; so do an acknowledgement, a socket
 * that can be written again, and the sweep.
 */
import type { BroadcastEntry, Cursors, LogEntry, LogSlice, OpenedSession, ReadLimit } from '../../store/contract.ts'
import { broadcastTopic, parseTopic } from '../../topics/index.ts'
import type { ConnectPacket } from '../codec/packets.ts'
import type { Arrival, BroadcastReader, PacketCache } from './broadcast-reader.ts'
import { LogDrain } from './log-drain.ts'
import { broadcastPacketId, privatePacketId, rangeOf } from './packet-ids.ts'
import { RetainedDeliveries } from './retained-deliveries.ts'
import { Sender } from './sender.ts'
import type { DeviceSession } from './session.ts'
import type { SessionState, Subscription } from './session-state.ts'

/** Acknowledgements out of turn keep entries in memory; beyond this many windows the drain waits for the oldest. */
const SPAN_FACTOR = 4
/** What it costs to look for a retained message among all selectors of an app, in units of `Turns`. */
const RETAINED = 500

export class Drain {
  readonly #session: DeviceSession
  readonly #private: LogDrain
  readonly #broadcast: LogDrain
  readonly #quota: number
  readonly #sender: Sender
  readonly #retained: RetainedDeliveries
  #privateSubscription: Subscription | undefined
  /** Version to subscription, in the order they were made. */
  #versions: Map<string, Subscription> | undefined
  #reader: BroadcastReader | undefined
  /** Everything the reader handed out was handed here too, so that the next entry may come straight from it. */
  #broadcastCaughtUp = false
  /** Acknowledged over HTTP while under way: the client's Receive Maximum still counts them. */
  #orphans: Set<number> | undefined
  /** The private log is to be read whatever is known of its end. */
  #lookPrivate = false
  /** Nothing is sent before `begin`. */
  #begun = false
  #running = false
  #again = false

  constructor(
    session: DeviceSession,
    opened: OpenedSession,
    connect: ConnectPacket,
    resumed: SessionState | undefined,
  ) {
    const { window, topicAliases } = session.node.limits
    this.#session = session
    this.#private = new LogDrain(opened.cursors.private, opened.privateEnd)
    this.#broadcast = new LogDrain(opened.cursors.broadcast, opened.cursors.broadcast)
    // [MQTT-3.3.4-7], [MQTT-3.3.4-9]
    this.#quota = Math.min(window, connect.properties.receiveMaximum ?? 65_535)
    this.#sender = new Sender(session.connection, connect, topicAliases)
    this.#retained = new RetainedDeliveries(session, this.#sender)
    if (resumed === undefined) return
    this.#private.resendThrough = resumed.sentPrivate
    this.#broadcast.resendThrough = resumed.sentBroadcast
    this.#private.retainedOffset = resumed.retainedPrivate
    this.#broadcast.retainedOffset = resumed.retainedBroadcast
    if (opened.unclean) {
      this.#private.resendAtMost = window
      this.#broadcast.resendAtMost = window
    }
  }

  setPrivate(subscription: Subscription | undefined): void {
    this.#privateSubscription = subscription
  }

  setVersion(version: string, subscription: Subscription | undefined): void {
    const { sessions } = this.#session.node
    this.#versions ??= new Map()
    this.#reader ??= sessions.reader(this.#session.device.app)
    if (subscription !== undefined) {
      this.#versions.set(version, subscription)
      this.#reader.add(version, this.#session)
      return
    }
    this.#settleBroadcast()
    this.#versions.delete(version)
    this.#reader.remove(version, this.#session)
    if (this.#versions.size > 0) return
    sessions.releaseReader(this.#reader)
    this.#reader = undefined
    this.#versions = undefined
    this.#broadcastCaughtUp = false
  }

  cursors(): Cursors {
    this.#settleBroadcast()
    return { private: this.#private.cursor, broadcast: this.#broadcast.cursor }
  }

  sentMarks(): Pick<SessionState, 'sentPrivate' | 'sentBroadcast' | 'retainedPrivate' | 'retainedBroadcast'> {
    return {
      sentPrivate: this.#private.sent,
      sentBroadcast: this.#broadcast.sent,
      retainedPrivate: this.#private.retainedPending,
      retainedBroadcast: this.#broadcast.retainedPending,
    }
  }

  stop(): void {
    this.#settleBroadcast()
    for (const version of [...(this.#versions?.keys() ?? [])]) this.setVersion(version, undefined)
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
      const log = range === 'private' ? this.#private : this.#broadcast
      if (!log.acknowledge(packetId)) return
      metrics.acknowledged.inc({ destination: range })
      sessions.commits.mark(this.#session)
    }
    this.run()
  }

  acknowledgedElsewhere(cursors: Cursors): void {
    this.#settleBroadcast()
    const open = [
      ...this.#private.acknowledgeThrough(cursors.private),
      ...this.#broadcast.acknowledgeThrough(cursors.broadcast),
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
    if (next && entry !== undefined && !this.#running && this.#privateSubscription !== undefined && this.#hasRoom()) {
      this.#sendPrivate(entry, this.#privateSubscription)
      this.#observe(entry)
    } else {
      this.run()
    }
  }

  broadcastsArrived(arrivals: readonly Arrival[], version: string): void {
    const subscription = this.#versions?.get(version)
    if (!this.#broadcastCaughtUp || subscription === undefined) return
    const topic = broadcastTopic(this.#session.device.app, version)
    // With several versions these are not all, and what is between them comes first.
    const isAll = this.#versions?.size === 1
    const log = this.#broadcast
    for (const { entry, packets } of arrivals) {
      if (entry.offset <= log.sent) continue
      const packetId = broadcastPacketId(entry.offset)
      if (!isAll || this.#running || !this.#hasRoom() || log.isInFlight(packetId)) {
        this.#broadcastCaughtUp = false
        this.run()
        return
      }
      log.pass(entry.offset - 1)
      this.#send('broadcast', log, entry, subscription, topic, packetId, packets)
      this.#observe(entry)
    }
  }

  /** There is more than has arrived here. */
  broadcastGrew(): void {
    this.#broadcastCaughtUp = false
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
    if (!this.#session.live || !this.#hasRoom() || !this.#hasWork()) return
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
    while (this.#session.live && this.#hasRoom()) {
      if (this.#retained.waiting) await this.#sendRetained()
      else if (this.#hasPrivateWork()) {
        if (!(await this.#readPrivate())) return
      } else if (this.#reader !== undefined && !this.#broadcastCaughtUp) {
        if (!(await this.#readBroadcast(this.#reader))) return
      } else return
    }
  }

  async #sendRetained(): Promise<void> {
    const subscription = this.#retained.first()
    if (subscription === undefined) return
    const topic = parseTopic(subscription.filter)
    const { store } = this.#session.node
    if (topic?.kind === 'private') {
      this.#retained.offer(subscription, this.#private, await store.retainedPrivate(topic.tokenId))
    } else if (topic?.kind === 'broadcast') {
      const entry = await store.retainedBroadcast(topic.app, topic.version)
      this.#settleBroadcast()
      this.#retained.offer(subscription, this.#broadcast, entry)
    }
    this.#retained.settle(subscription)
    await this.#reader?.turn(RETAINED)
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
    node.logger.warn({ connection: connection.id, err: error }, 'a log could not be read, trying again')
    if (this.#session.live) node.sessions.later(this.#session)
  }

  /** False when something else has to happen first: an acknowledgement, or a socket that can be written. */
  async #readPrivate(): Promise<boolean> {
    const log = this.#private
    const { node, tokenId } = this.#session
    const known = log.end
    this.#lookPrivate = false
    const slice = await node.store.readPrivate(tokenId, log.sent, this.#limit())
    // A wake that came while this was read names more than the slice can know.
    log.end = Math.max(slice.end, slice.readTo, log.end > known ? log.end : 0)
    const complete = this.#sendEach(slice, log, (entry) => {
      const subscription = this.#privateSubscription
      if (subscription === undefined) return false
      if (entry.offset > log.sent) this.#sendPrivate(entry, subscription)
      return true
    })
    if (complete) this.#pass(log, slice.readTo)
    return complete
  }

  async #readBroadcast(reader: BroadcastReader): Promise<boolean> {
    const log = this.#broadcast
    const slice = await reader.read(log.sent, this.#limit())
    for (const entry of slice.entries) {
      if (!this.#session.live || this.#reader !== reader || !this.#hasRoom()) return false
      if (!this.#offerBroadcast(reader, entry)) return false
      log.end = Math.max(log.end, entry.offset)
      const waiting = reader.turn()
      if (waiting !== undefined) await waiting
    }
    if (!this.#session.live || this.#reader !== reader) return false
    this.#pass(log, slice.readTo)
    this.#broadcastCaughtUp = reader.hasCaughtUp(log.sent)
    return true
  }

  /** False when its packet id is still under way for another message. */
  #offerBroadcast(reader: BroadcastReader, entry: BroadcastEntry): boolean {
    const log = this.#broadcast
    if (entry.offset <= log.sent) return true
    const version = reader.match(entry, this.#versions?.keys() ?? [])
    const subscription = version === undefined ? undefined : this.#versions?.get(version)
    if (version === undefined || subscription === undefined) log.pass(entry.offset)
    else if (log.isInFlight(broadcastPacketId(entry.offset))) return false
    else this.#sendBroadcast(entry, version, subscription)
    return true
  }

  /** False when the window or the socket was full before the slice was through. */
  #sendEach<E extends LogEntry>(slice: LogSlice<E>, log: LogDrain, send: (entry: E) => boolean): boolean {
    for (const entry of slice.entries) {
      if (!this.#session.live || !this.#hasRoom() || !send(entry)) return false
      log.end = Math.max(log.end, entry.offset)
    }
    return this.#session.live
  }

  #sendPrivate(entry: LogEntry, subscription: Subscription): void {
    this.#send(
      'private',
      this.#private,
      entry,
      subscription,
      this.#session.privateTopic,
      privatePacketId(entry.offset),
      undefined,
    )
  }

  #sendBroadcast(entry: BroadcastEntry, version: string, subscription: Subscription): void {
    const topic = broadcastTopic(this.#session.device.app, version)
    this.#send('broadcast', this.#broadcast, entry, subscription, topic, broadcastPacketId(entry.offset), undefined)
  }

  #send(
    destination: 'private' | 'broadcast',
    log: LogDrain,
    entry: LogEntry,
    subscription: Subscription,
    topic: string,
    packetId: number,
    packets: PacketCache | undefined,
  ): void {
    const { node } = this.#session
    const { metrics } = node
    const now = node.now()
    const { qos, identifier } = subscription
    const dup = qos > 0 && log.takeResent(entry.offset)
    if (entry.expiresAt <= now) return this.#pass(log, entry.offset)
    const retain = log.retainedOffset === entry.offset || (subscription.retainAsPublished && entry.retain)
    const sending = { topic, identifier, packetId: qos === 0 ? undefined : packetId, retain, dup, now }
    if (!this.#sender.send(entry, sending, packets)) {
      metrics.skipped.inc({ destination })
      this.#pass(log, entry.offset)
      return
    }
    metrics.delivered.inc({ destination })
    if (dup) metrics.redelivered.inc({ destination })
    if (qos === 0) this.#pass(log, entry.offset)
    else log.track(entry.offset, packetId)
  }

  /** Passing may move the cursor: messages for nobody, expired, too large, or QoS 0. */
  #pass(log: LogDrain, offset: number): void {
    const before = log.cursor
    log.pass(offset)
    if (log.cursor > before) this.#session.node.sessions.commits.mark(this.#session)
  }

  /** While it has caught up, entries that are not for this device pass without a call for each. */
  #settleBroadcast(): void {
    if (this.#broadcastCaughtUp && this.#reader !== undefined) this.#broadcast.pass(this.#reader.handed)
  }

  #hasWork(): boolean {
    return this.#retained.waiting || this.#hasPrivateWork() || (this.#reader !== undefined && !this.#broadcastCaughtUp)
  }

  #hasPrivateWork(): boolean {
    return this.#privateSubscription !== undefined && (this.#lookPrivate || this.#private.sent < this.#private.end)
  }

  #hasRoom(): boolean {
    return this.#begun && this.#room() > 0 && this.#session.connection.writable
  }

  #room(): number {
    const unacknowledged =
      this.#private.unacknowledged +
      this.#broadcast.unacknowledged +
      this.#retained.unacknowledged +
      (this.#orphans?.size ?? 0)
    const span = Math.max(this.#private.span, this.#broadcast.span)
    return Math.min(this.#quota - unacknowledged, this.#quota * SPAN_FACTOR - span)
  }

  #limit(): ReadLimit {
    return { entries: this.#room(), bytes: this.#session.node.limits.readBytes }
  }

  #observe(entry: LogEntry): void {
    const { metrics, now } = this.#session.node
    metrics.drainLatency.observe(Math.max(0, now() - entry.storedAt) / 1000)
  }
}
