/**
 * Moves one connected device along its private and its broadcast log: read after what was sent, keep at most a window
 * unacknowledged, advance the cursors on acknowledgement. A wake only starts it; so do an acknowledgement, a socket
 * that can be written again, and the sweep.
 */
import type { BroadcastEntry, Cursors, LogEntry, LogSlice, OpenedSession, ReadLimit } from '../../store/contract.ts'
import { broadcastTopic, parseTopic } from '../../topics/index.ts'
import type { ConnectPacket } from '../codec/packets.ts'
import { withPacketId } from '../codec/encoder.ts'
import type { BroadcastReader, PacketCache } from './broadcast-reader.ts'
import { TopicAliases } from '../gate/topic-aliases.ts'
import { encodeDelivery } from './deliver.ts'
import { LogDrain } from './log-drain.ts'
import { broadcastPacketId, freeRetainedPacketId, privatePacketId, rangeOf } from './packet-ids.ts'
import type { DeviceSession } from './session.ts'
import type { SessionState, Subscription } from './session-state.ts'

/** Acknowledgements out of turn keep entries in memory; beyond this many windows the drain waits for the oldest. */
const SPAN_FACTOR = 4
/** Section 3.1.2.11.4: without a Maximum Packet Size there is no limit beyond the protocol's. */
const LARGEST_PACKET = 268_435_460

export class Drain {
  readonly #session: DeviceSession
  readonly #private: LogDrain
  readonly #broadcast: LogDrain
  readonly #quota: number
  readonly #maximumPacketSize: number
  readonly #aliases: TopicAliases
  #privateSubscription: Subscription | undefined
  /** Version to subscription, in the order they were made. */
  #versions: Map<string, Subscription> | undefined
  #reader: BroadcastReader | undefined
  /** Everything the reader handed out was handed here too, so that the next entry may come straight from it. */
  #broadcastCaughtUp = false
  /** Retained messages sent on subscribing: packet id to the subscription they are for. */
  #retained: Map<number, Subscription> | undefined
  /** Acknowledged over HTTP while under way: the client's Receive Maximum still counts them. */
  #orphans: Set<number> | undefined
  /** New subscriptions whose retained message is to be sent. */
  #due: Set<Subscription> | undefined
  /** The private log is to be read whatever is known of its end. */
  #lookPrivate = false
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
    this.#maximumPacketSize = connect.properties.maximumPacketSize ?? LARGEST_PACKET
    this.#aliases = new TopicAliases(connect.properties.topicAliasMaximum, topicAliases)
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
      this.#retainedAcknowledged(packetId)
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

  broadcastArrived(entry: BroadcastEntry, version: string, packets: PacketCache): void {
    const log = this.#broadcast
    const subscription = this.#versions?.get(version)
    if (!this.#broadcastCaughtUp || entry.offset <= log.sent || subscription === undefined) return
    if (this.#running || !this.#hasRoom() || log.isInFlight(broadcastPacketId(entry.offset))) {
      log.pass(entry.offset - 1)
      this.#broadcastCaughtUp = false
      this.run()
      return
    }
    log.pass(entry.offset - 1)
    this.#sendBroadcast(entry, version, subscription, packets)
    this.#observe(entry)
  }

  /** Reads both logs, whatever is known of their ends. */
  look(): void {
    this.#lookPrivate = true
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
    this.#due ??= new Set()
    this.#due.add(subscription)
  }

  #offerRetained(subscription: Subscription, log: LogDrain, entry: LogEntry | undefined): void {
    const { node } = this.#session
    // It stays due in the session that is kept.
    if (!this.#session.live) return
    if (entry === undefined || entry.expiresAt <= node.now()) {
      subscription.retainedDue = false
    } else if (this.#session.subscriptions.get(subscription.filter) !== subscription) {
      subscription.retainedDue = false
    } else if (entry.offset > log.sent) {
      // It waits in the log: sent twice it would be a duplicate, so the log's copy carries the flag [MQTT-3.3.1-8].
      log.retainedOffset = entry.offset
      subscription.retainedDue = false
    } else {
      this.#sendRetainedNow(subscription, entry)
    }
  }

  #sendRetainedNow(subscription: Subscription, entry: LogEntry): void {
    const used = this.#retained ?? new Map<number, Subscription>()
    const earlier = subscription.retainedSent
    const again = earlier?.offset === entry.offset && !used.has(earlier.packetId) ? earlier.packetId : undefined
    const packetId = subscription.qos === 0 ? undefined : (again ?? freeRetainedPacketId(used))
    if (subscription.qos > 0 && packetId === undefined) return
    const packet = encodeDelivery(entry, {
      ...this.#envelope(subscription.filter, subscription),
      retain: true,
      // [MQTT-3.3.1-1], [MQTT-3.3.1-2]
      dup: packetId !== undefined && packetId === again,
      ...(packetId === undefined ? {} : { packetId }),
    })
    if (packet === undefined || packetId === undefined) subscription.retainedDue = false
    if (packet === undefined) return
    this.#write(packet, subscription.filter)
    if (packetId === undefined) return
    subscription.retainedSent = { packetId, offset: entry.offset }
    used.set(packetId, subscription)
    this.#retained = used
  }

  #retainedAcknowledged(packetId: number): void {
    const subscription = this.#retained?.get(packetId)
    if (subscription === undefined || this.#retained === undefined) return
    this.#retained.delete(packetId)
    if (this.#retained.size === 0) this.#retained = undefined
    subscription.retainedDue = false
    subscription.retainedSent = undefined
    this.#session
      .save()
      .catch((error: unknown) => this.#session.node.logger.warn({ err: error }, 'a session could not be saved'))
  }

  async #work(): Promise<void> {
    while (this.#session.live && this.#hasRoom()) {
      if (this.#due !== undefined) await this.#sendDue(this.#due)
      else if (this.#hasPrivateWork()) {
        if (!(await this.#readPrivate())) return
      } else if (this.#reader !== undefined && !this.#broadcastCaughtUp) {
        if (!(await this.#readBroadcast(this.#reader))) return
      } else return
    }
  }

  async #sendDue(due: Set<Subscription>): Promise<void> {
    const [subscription] = due
    if (subscription === undefined) {
      this.#due = undefined
      return
    }
    const topic = parseTopic(subscription.filter)
    const { store } = this.#session.node
    if (topic?.kind === 'private') {
      this.#offerRetained(subscription, this.#private, await store.retainedPrivate(topic.tokenId))
    } else if (topic?.kind === 'broadcast') {
      const entry = await store.retainedBroadcast(topic.app, topic.version)
      this.#settleBroadcast()
      this.#offerRetained(subscription, this.#broadcast, entry)
    }
    due.delete(subscription)
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
    const complete = this.#sendEach(slice, log, (entry) => {
      const [version, subscription] = this.#match(reader, entry)
      if (entry.offset <= log.sent) return true
      if (version === undefined || subscription === undefined) log.pass(entry.offset)
      else if (log.isInFlight(broadcastPacketId(entry.offset))) return false
      else this.#sendBroadcast(entry, version, subscription, undefined)
      return true
    })
    if (!complete || this.#reader !== reader) return false
    this.#pass(log, slice.readTo)
    this.#broadcastCaughtUp = reader.hasCaughtUp(log.sent)
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

  #sendBroadcast(
    entry: BroadcastEntry,
    version: string,
    subscription: Subscription,
    packets: PacketCache | undefined,
  ): void {
    const topic = broadcastTopic(this.#session.device.app, version)
    this.#send('broadcast', this.#broadcast, entry, subscription, topic, broadcastPacketId(entry.offset), packets)
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
    const retain = log.retainedOffset === entry.offset || (subscription.retainAsPublished && entry.retain)
    const dup = subscription.qos > 0 && log.takeResent(entry.offset)
    const envelope = { ...this.#envelope(topic, subscription), retain, dup }
    const packet =
      entry.expiresAt <= envelope.now
        ? undefined
        : this.#encode(entry, subscription.qos === 0 ? envelope : { ...envelope, packetId }, dup ? undefined : packets)
    if (packet === undefined) {
      if (entry.expiresAt > envelope.now) node.metrics.skipped.inc({ destination })
      this.#pass(log, entry.offset)
      return
    }
    this.#write(packet, topic)
    node.metrics.delivered.inc({ destination })
    if (dup) node.metrics.redelivered.inc({ destination })
    if (subscription.qos === 0) this.#pass(log, entry.offset)
    else log.track(entry.offset, packetId)
  }

  #write(packet: Buffer, topic: string): void {
    this.#session.connection.write(this.#aliases.apply(packet, topic, this.#maximumPacketSize))
  }

  /** A packet that goes to many devices is encoded once; only the packet id is this device's. */
  #encode(
    entry: LogEntry,
    delivery: Parameters<typeof encodeDelivery>[1],
    packets: PacketCache | undefined,
  ): Buffer | undefined {
    if (packets === undefined) return encodeDelivery(entry, delivery)
    const { level, subscription, retain, packetId } = delivery
    const key = `${delivery.topic}\n${level === 5 ? subscription.identifier : 'v3'}\n${packetId === undefined}\n${retain}`
    const known = packets.get(key)
    if (known !== undefined && known.byteLength <= delivery.maximumPacketSize) {
      return packetId === undefined ? known : withPacketId(known, packetId)
    }
    const packet = encodeDelivery(entry, delivery)
    // One that was cut to fit a small Maximum Packet Size is not for the others.
    if (packet !== undefined && delivery.maximumPacketSize === LARGEST_PACKET) packets.set(key, packet)
    return packet
  }

  #envelope(topic: string, subscription: Subscription) {
    const { level, node } = this.#session
    return { topic, subscription, level, maximumPacketSize: this.#maximumPacketSize, now: node.now() }
  }

  #match(reader: BroadcastReader, entry: BroadcastEntry): [string, Subscription] | [undefined, undefined] {
    for (const [version, subscription] of this.#versions ?? []) {
      if (reader.selects(entry, version)) return [version, subscription]
    }
    return [undefined, undefined]
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
    return this.#due !== undefined || this.#hasPrivateWork() || (this.#reader !== undefined && !this.#broadcastCaughtUp)
  }

  #hasPrivateWork(): boolean {
    return this.#privateSubscription !== undefined && (this.#lookPrivate || this.#private.sent < this.#private.end)
  }

  #hasRoom(): boolean {
    return this.#room() > 0 && this.#session.connection.writable
  }

  #room(): number {
    const unacknowledged =
      this.#private.unacknowledged +
      this.#broadcast.unacknowledged +
      (this.#retained?.size ?? 0) +
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
