/**
 * Moves one connected provider along the upstream logs of its apps, like a device along its own logs, but through many
 * parts and with messages from shared subscriptions. At most one window of messages is unacknowledged.
 */
import type { ReaderMove, ReaderPart, UpstreamEntry } from '../../store/contract.ts'
import { upstreamPrefix } from '../../topics/index.ts'
import type { ConnectPacket } from '../codec/packets.ts'
import type { Connection } from '../gate/connection.ts'
import { LogDrain } from './log-drain.ts'
import type { ProviderNode } from './provider-node.ts'
import type { SentMark } from './provider-state.ts'
import type { Match, ProviderSubscription, ProviderSubscriptions } from './provider-subscriptions.ts'
import { Sender } from './sender.ts'
import type { SharedMessage, SharedReceiver } from './shared-message.ts'

export interface UpstreamDrainContext {
  readonly node: ProviderNode
  readonly connection: Connection
  readonly subscriptions: ProviderSubscriptions
  readonly live: boolean
  /** A cursor has moved. */
  moved(): void
  /** The window has room again. */
  roomMade(): void
}

interface PartLog {
  readonly app: string
  readonly part: number
  readonly log: LogDrain
  committed: number
}

interface RetainedMessage {
  readonly entry: UpstreamEntry
  readonly subscription: ProviderSubscription
}

/** What a packet id stands for. */
type UnderWay = PartLog | SharedMessage<ProviderSubscription> | RetainedMessage

/** Acknowledgements out of turn keep entries in memory; beyond this many windows the drain waits for the oldest. */
const SPAN_FACTOR = 4
const PACKET_IDS = 65_535
/** Neighbouring parts whose offsets are alike have ids that are far apart. */
const PART_STEP = 251
/** Messages of QoS 0 that wait for a socket. */
const TOLD = 1_000

/**
 * Computed, so that whichever node sends a message again does so under its packet id [MQTT-4.4.0-1]. One that is in use
 * for another message is waited for.
 */
function packetIdOf(part: number, offset: number): number {
  return 1 + ((offset + part * PART_STEP) % PACKET_IDS)
}

export class UpstreamDrain implements SharedReceiver<ProviderSubscription> {
  readonly #session: UpstreamDrainContext
  readonly #sender: Sender
  readonly #quota: number
  readonly #parts = new Map<string, PartLog[]>()
  /** Those with something to read. */
  readonly #ready = new Set<PartLog>()
  readonly #underWay = new Map<number, UnderWay>()
  readonly #shared: SharedMessage<ProviderSubscription>[] = []
  readonly #retained: RetainedMessage[] = []
  readonly #told: UpstreamEntry[] = []
  readonly #marks: Map<string, number>
  /** So many of the next messages an earlier connection may have sent, when nobody noted how far it came. */
  #resendAtMost: number
  #running = false
  #again = false

  /** `sent`: how far an earlier connection came; undefined if nobody could note it. */
  constructor(session: UpstreamDrainContext, connect: ConnectPacket, sent: readonly SentMark[] | undefined) {
    const { providerWindow: window, topicAliases } = session.node.limits
    this.#session = session
    // [MQTT-3.3.4-7], [MQTT-3.3.4-9]
    this.#quota = Math.min(window, connect.properties.receiveMaximum ?? PACKET_IDS)
    this.#sender = new Sender(session.connection, connect, topicAliases)
    this.#marks = new Map((sent ?? []).map(([app, part, offset]) => [`${app}/${part}`, offset]))
    this.#resendAtMost = sent === undefined ? window : 0
  }

  /** Where the reader of the session is in the log of an app; called again, it looks for what went unheard. */
  opened(app: string, parts: readonly ReaderPart[]): void {
    const known = this.#parts.get(app)
    const all = parts.map(({ part, cursor, end }) => {
      const log = known?.[part]?.log ?? new LogDrain(cursor, end)
      log.end = Math.max(log.end, end)
      log.resendThrough = Math.max(log.resendThrough, this.#marks.get(`${app}/${part}`) ?? 0)
      return known?.[part] ?? { app, part, log, committed: cursor }
    })
    this.#parts.set(app, all)
    for (const each of all) if (each.log.sent < each.log.end) this.#ready.add(each)
    this.run()
  }

  closed(app: string): void {
    for (const each of this.#parts.get(app) ?? []) this.#ready.delete(each)
    this.#parts.delete(app)
  }

  /** Cursors of an app that were not committed yet. */
  moves(app: string): ReaderMove[] {
    const moves: ReaderMove[] = []
    for (const { part, log, committed } of this.#parts.get(app) ?? [])
      if (log.cursor > committed) moves.push({ part, cursor: log.cursor })
    return moves
  }

  committed(app: string, moves: readonly ReaderMove[]): void {
    const parts = this.#parts.get(app)
    for (const { part, cursor } of moves) {
      const each = parts?.[part]
      if (each !== undefined) each.committed = Math.max(each.committed, cursor)
    }
  }

  sentMarks(): SentMark[] {
    return [...this.#parts.values()].flat().flatMap(({ app, part, log }) => {
      return log.sent > log.cursor ? [[app, part, log.sent] as const] : []
    })
  }

  /** Offset 0: told once, with QoS 0. */
  arrived(app: string, part: number, offset: number, entry: UpstreamEntry | undefined): void {
    if (offset === 0) return entry === undefined ? undefined : this.#tell(app, entry)
    const each = this.#parts.get(app)?.[part]
    if (each === undefined || offset <= each.log.end) return
    const { log } = each
    const isNext = log.sent === log.end && offset === log.sent + 1
    log.end = offset
    // Nothing lies between what was sent and this entry: it needs no read.
    if (
      isNext &&
      entry !== undefined &&
      this.#session.live &&
      !this.#running &&
      this.#hasRoom(each) &&
      this.#offer(each, entry)
    )
      return
    this.#ready.add(each)
    this.run()
  }

  give(message: SharedMessage<ProviderSubscription>): void {
    this.#shared.push(message)
    this.run()
  }

  /** How many more messages of shared subscriptions it can take now. */
  get room(): number {
    return this.#session.live && this.#session.connection.writable
      ? this.#quota - this.#underWay.size - this.#shared.length
      : 0
  }

  addRetained(messages: readonly RetainedMessage[]): void {
    this.#retained.push(...messages)
    this.run()
  }

  /** A PUBACK; one for a packet id that is not under way is ignored, as after a takeover. */
  acknowledged(packetId: number): void {
    const under = this.#underWay.get(packetId)
    if (under === undefined) return
    this.#underWay.delete(packetId)
    const { metrics } = this.#session.node
    metrics.acknowledged.inc({ destination: 'upstream' })
    if ('log' in under) {
      under.log.acknowledge(packetId)
      this.#session.moved()
    } else if ('settle' in under) {
      under.settle()
    } else {
      this.#settleRetained(under.subscription)
    }
    this.#session.roomMade()
    this.run()
  }

  #settleRetained(subscription: ProviderSubscription): void {
    const isOf = (each: UnderWay): boolean => 'subscription' in each && each.subscription === subscription
    if ([...this.#underWay.values(), ...this.#retained].some(isOf)) return
    subscription.retainedDue = false
  }

  drained(): void {
    while (this.#told.length > 0 && this.#session.live && this.#session.connection.writable) {
      const entry = this.#told.shift()
      if (entry !== undefined) this.#sendTold(entry)
    }
    this.#session.roomMade()
    this.run()
  }

  run(): void {
    if (this.#running) {
      this.#again = true
      return
    }
    if (!this.#session.live || !this.#hasWork()) return
    this.#running = true
    this.#work().then(
      () => this.#done(),
      (error: unknown) => {
        this.#running = false
        this.#session.node.logger.warn({ err: error }, 'could not read an upstream log, trying again')
        this.#session.node.sessions.later(() => this.run())
      },
    )
  }

  #done(): void {
    this.#running = false
    if (!this.#again) return
    this.#again = false
    this.run()
  }

  #hasWork(): boolean {
    return this.#retained.length > 0 || this.#shared.length > 0 || this.#ready.size > 0
  }

  async #work(): Promise<void> {
    while (this.#session.live && this.#hasRoom()) {
      const [retained] = this.#retained
      const [shared] = this.#shared
      if (retained !== undefined) this.#sendRetained(retained)
      else if (shared !== undefined) this.#sendShared(shared)
      else if (!(await this.#readNext())) return
    }
  }

  /** One after the other, so that a long part keeps no other waiting. False if something else has to happen first. */
  async #readNext(): Promise<boolean> {
    // A copy: one that is put back is not for this round, or it would never end.
    for (const each of [...this.#ready]) {
      if (!this.#hasRoom(each)) continue
      this.#ready.delete(each)
      try {
        if (await this.#read(each)) return true
      } catch (error) {
        this.#ready.add(each)
        throw error
      }
      this.#ready.add(each)
    }
    return false
  }

  async #read(each: PartLog): Promise<boolean> {
    const { app, part, log } = each
    const { store, limits } = this.#session.node
    const known = log.end
    const limit = { entries: this.#quota - this.#underWay.size, bytes: limits.readBytes }
    const slice = await store.readUpstream(app, part, log.sent, limit)
    log.end = Math.max(slice.end, slice.readTo, log.end > known ? log.end : 0)
    for (const entry of slice.entries) {
      if (!this.#session.live || !this.#hasRoom(each) || !this.#offer(each, entry)) return false
    }
    this.#pass(each, slice.readTo)
    if (log.sent < log.end) this.#ready.add(each)
    return true
  }

  /** False if its packet id is in use. */
  #offer(each: PartLog, entry: UpstreamEntry): boolean {
    const { log, part } = each
    if (entry.offset <= log.sent) return true
    const topic = topicOf(each.app, entry)
    const match = this.#session.subscriptions.match(topic)
    if (match === undefined || entry.expiresAt <= this.#session.node.now()) {
      this.#pass(each, entry.offset)
      return true
    }
    const packetId = match.qos === 0 ? undefined : packetIdOf(part, entry.offset)
    if (packetId !== undefined && this.#underWay.has(packetId)) return false
    const dup = packetId !== undefined && this.#takeResent(log, entry.offset)
    const sent = this.#send(entry, topic, match, { packetId, dup, retain: match.retainAsPublished && entry.retain })
    if (!sent || packetId === undefined) {
      this.#pass(each, entry.offset)
      return true
    }
    log.track(entry.offset, packetId)
    this.#underWay.set(packetId, each)
    return true
  }

  #takeResent(log: LogDrain, offset: number): boolean {
    if (log.takeResent(offset)) return true
    if (this.#resendAtMost === 0) return false
    this.#resendAtMost -= 1
    return true
  }

  #sendShared(message: SharedMessage<ProviderSubscription>): void {
    const { entry, subscription } = message
    this.#shared.shift()
    const { qos, retainAsPublished, identifier } = subscription
    if (entry.expiresAt <= this.#session.node.now()) return message.settle()
    // It goes to any member when this one is gone, so that its packet id need not be known elsewhere.
    const packetId = qos === 0 ? undefined : this.#freePacketId()
    const match = { qos, retainAsPublished, identifiers: identifier === 0 ? [] : [identifier] }
    const options = { packetId, dup: false, retain: retainAsPublished && entry.retain }
    const sent = this.#send(entry, topicOf(subscription.app, entry), match, options)
    if (!sent || packetId === undefined) return message.settle()
    this.#underWay.set(packetId, message)
  }

  #sendRetained(message: RetainedMessage): void {
    const { entry, subscription } = message
    this.#retained.shift()
    const packetId = subscription.qos === 0 ? undefined : this.#freePacketId()
    const { qos, identifier } = subscription
    const match = { qos, retainAsPublished: true, identifiers: identifier === 0 ? [] : [identifier] }
    const isDue = this.#session.subscriptions.get(subscription.name) === subscription
    const sent = isDue && entry.expiresAt > this.#session.node.now()
    const topic = topicOf(subscription.app, entry)
    if (sent && this.#send(entry, topic, match, { packetId, dup: false, retain: true }) && packetId !== undefined)
      this.#underWay.set(packetId, message)
    else this.#settleRetained(subscription)
  }

  #freePacketId(): number {
    let packetId = PACKET_IDS
    while (this.#underWay.has(packetId)) packetId -= 1
    return packetId
  }

  #tell(app: string, entry: UpstreamEntry): void {
    if (this.#session.subscriptions.match(topicOf(app, entry)) === undefined) return
    if (this.#session.live && this.#session.connection.writable && this.#told.length === 0)
      return this.#sendTold(entry, app)
    this.#told.push(Object.assign({ app }, entry))
    if (this.#told.length <= TOLD) return
    this.#told.shift()
    this.#session.node.metrics.dropped.inc({ destination: 'upstream' })
  }

  #sendTold(entry: UpstreamEntry & { readonly app?: string }, app = entry.app ?? ''): void {
    const topic = topicOf(app, entry)
    const match = this.#session.subscriptions.match(topic)
    if (match !== undefined)
      this.#send(entry, topic, match, {
        packetId: undefined,
        dup: false,
        retain: match.retainAsPublished && entry.retain,
      })
  }

  /** False if it does not fit into the client's Maximum Packet Size [MQTT-3.1.2-25]. */
  #send(
    entry: UpstreamEntry,
    topic: string,
    { identifiers }: Match,
    options: { packetId: number | undefined; dup: boolean; retain: boolean },
  ): boolean {
    const { metrics, now } = this.#session.node
    const [identifier = 0] = identifiers
    const { packetId, dup, retain } = options
    // Written out: to spread it costs more than to encode the message.
    const sending = { packetId, dup, retain, topic, identifier, now: now() }
    const sent = this.#sender.send(
      entry,
      identifiers.length < 2 ? sending : { ...sending, moreIdentifiers: identifiers.slice(1) },
    )
    const counter = sent ? metrics.delivered : metrics.skipped
    counter.inc({ destination: 'upstream' })
    if (sent && dup) metrics.redelivered.inc({ destination: 'upstream' })
    return sent
  }

  #pass({ log }: PartLog, offset: number): void {
    const before = log.cursor
    log.pass(offset)
    if (log.cursor > before) this.#session.moved()
  }

  #hasRoom(each?: PartLog): boolean {
    if (!this.#session.connection.writable || this.#underWay.size >= this.#quota) return false
    return each === undefined || each.log.span < this.#quota * SPAN_FACTOR
  }
}

function topicOf(app: string, { tokenId, subject }: UpstreamEntry): string {
  return `${upstreamPrefix(app, tokenId)}${subject}`
}
