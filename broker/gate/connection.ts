/**
 * One network connection: turns bytes into well-formed packets, one after the other, and writes bytes back, batched per
 * turn of the event loop. The handler gives the packets their meaning: a session of ours, or Aedes.
 */
import type { Duplex } from 'node:stream'
import { PushError, type ErrorCode } from '../../errors.ts'
import { Decoder, type DecoderLimits, ProtocolViolation } from '../codec/decoder.ts'
import { encodeConnack, encodeDisconnect } from '../codec/encoder.ts'
import { LARGEST_PACKET } from '../codec/limits.ts'
import type { ConnectPacket, Packet, ProtocolLevel } from '../codec/packets.ts'
import { connackReason, disconnectReason } from '../codec/reasons.ts'
import { encodeViolationReply } from '../codec/violation-reply.ts'
import { reportUnexpected } from '../../common/unexpected.ts'
import type { GateContext } from './context.ts'
import { endWith } from './last-bytes.ts'
import { Outbox, type OutboxOwner } from './outbox.ts'
import { returnCodeOf, toPushError } from './refusals.ts'
import { SLICE } from '../../common/turns.ts'
import { ending, own } from './owned.ts'
import type { PacketHandler } from './packet-handler.ts'
import type { Timed } from './timer-wheel.ts'
import { workOf } from './work.ts'

/** One that is silent for too long, but whose packet is being handled, is checked again after this time, ms. */
const BUSY_MS = 1000

export class Connection implements Timed, OutboxOwner {
  readonly stream: Duplex
  /** For logs. */
  readonly id: string
  readonly context: GateContext<Connection>
  readonly remoteAddress: string
  handler: PacketHandler | undefined
  level: ProtocolLevel | undefined
  slot: number | undefined
  /** Called when the stream has closed; one function for all connections. */
  released: ((connection: Connection) => void) | undefined
  /** Close by this time unless the handler moves it: the time to CONNECT, later the keep alive. */
  #keepAliveMs: number
  #lastPacketAt: number
  /** Close at this date whatever arrives (a token expires), ms since the epoch; 0 for never. */
  #closeAt = 0
  /** What it is called when nothing arrives for too long. */
  #silence: ErrorCode = 'CONNECT_TIMEOUT'
  readonly #decoder: Decoder
  readonly #outbox: Outbox
  #busy = false
  #held = false
  /** Work since it last rested, units. */
  #spent = 0
  /** When the peer last took something, while something waits for it. */
  #stalledSince: number | undefined
  #state: 'open' | 'ending' | 'closed' = 'open'
  /** The peer has closed, and what it sent before is still being handled. */
  #isParting = false
  #over: (() => void)[] | undefined
  /** That the client accepts. */
  maximumPacketSize = LARGEST_PACKET
  /** Reasons go out in words too. */
  tellsReasons = true
  /** Something was sent, which begins with the CONNACK. */
  #greeted = false

  // One function for all connections: five closures for each would be a twentieth of what an idle one weighs.
  static readonly #onData = ending((connection: Connection, chunk: Buffer) => connection.#received(chunk))
  static readonly #onDrain = ending((connection: Connection) => connection.#drained())
  static readonly #onEnd = ending((connection: Connection) => connection.#parted())
  static readonly #onError = ending((connection: Connection, error: Error) => connection.#broken(error))
  static readonly #onClose = ending((connection: Connection) => connection.#closed())

  constructor(stream: Duplex, context: GateContext<Connection>, id: string, remoteAddress: string) {
    this.stream = stream
    this.context = context
    this.id = id
    this.remoteAddress = remoteAddress
    this.#decoder = new Decoder(context.limits, context.framers)
    this.#outbox = new Outbox(stream, context.flusher, this, context.limits.outputHighWater)
    this.#keepAliveMs = context.limits.connectTimeoutMs
    this.#lastPacketAt = context.monotonic()
    context.wheel.set(this, this.#lastPacketAt + this.#keepAliveMs)
    const owned = own(stream, this)
    owned.on('data', Connection.#onData)
    owned.on('drain', Connection.#onDrain)
    owned.on('end', Connection.#onEnd)
    owned.on('error', Connection.#onError)
    owned.on('close', Connection.#onClose)
  }

  get open(): boolean {
    return this.#state === 'open'
  }

  /** The peer has closed: its last packets are handled, and nothing that is written reaches it. */
  get isParting(): boolean {
    return this.#isParting
  }

  /** False while the peer reads slower than it is sent to: wait for the handler's `drained`. */
  get writable(): boolean {
    return this.#isParting || this.#outbox.pending < this.context.limits.outputHighWater
  }

  /** Written, and not taken by the system yet. */
  get waiting(): { readonly packets: number; readonly bytes: number } {
    return { packets: this.#outbox.packets, bytes: this.#outbox.pending }
  }

  /** Calls back when the connection is over, at once when it is. */
  onceOver(callback: () => void): void {
    if (this.#state !== 'open') return callback()
    this.#over ??= []
    this.#over.push(callback)
  }

  /** One packet. The connection ends when the client takes none of this size [MQTT-3.1.2-24]: it waits for an answer. */
  write(packet: Uint8Array): void {
    if (this.#state !== 'open' || this.#isParting) return
    if (packet.byteLength > this.maximumPacketSize) return this.end(new PushError('MAXIMUM_PACKET_SIZE_TOO_SMALL'))
    this.#greeted = true
    this.context.traffic.sent(packet, this.level)
    this.#outbox.write(packet)
  }

  /** Packets of somebody else, who minds the size. */
  pass(packets: Uint8Array): void {
    if (this.#state !== 'open' || this.#isParting) return
    this.#greeted = true
    this.context.traffic.bytesSent += packets.byteLength
    this.#outbox.write(packets)
  }

  /** With the reason in words, where they fit [MQTT-3.2.2-19], [MQTT-3.4.2-2], [MQTT-3.5.2-2], [MQTT-3.14.2-3] */
  worded(encode: (text: string | undefined) => Buffer, text: string | undefined): Buffer {
    const packet = encode(this.tellsReasons ? text : undefined)
    return packet.byteLength <= this.maximumPacketSize ? packet : encode(undefined)
  }

  /**
   * Only here, after the writes of the turn, is it known whether the peer keeps up. An owner that stopped writing at
   * the high-water mark waits for `drained`, which no event announces if the socket took everything.
   */
  flushed(bytes: number): void {
    if (this.#state !== 'open') return
    if (this.stream.writableNeedDrain) this.#stalled()
    else if (bytes >= this.context.limits.outputHighWater) this.#goOn()
  }

  took(): void {
    if (this.#state === 'open' && !this.stream.writableNeedDrain) this.#drained()
  }

  /** From CONNECT: seconds of the keep alive, 0 for none, and the date when the credentials end (0: never). */
  admit(handler: PacketHandler, keepAlive: number, credentialsEnd: number): void {
    this.handler = handler
    // [MQTT-3.1.2-22] one and a half times the keep alive
    this.#keepAliveMs = keepAlive === 0 ? this.context.limits.idleTimeoutMs : keepAlive * 1500
    this.#silence = keepAlive === 0 ? 'IDLE_TIMEOUT' : 'KEEP_ALIVE_TIMEOUT'
    this.#closeAt = credentialsEnd
    this.context.metrics.connections.inc({ principal: handler.principal })
    this.context.traffic.connected += 1
    this.#arm(this.context.monotonic())
  }

  /** Of packets from the client, from the next one on. */
  adopt(limits: Partial<DecoderLimits>): void {
    this.#decoder.adopt({ ...this.context.limits, ...limits })
  }

  /** The credentials are good until this date, ms since the epoch. */
  extend(credentialsEnd: number): void {
    if (this.#state !== 'open') return
    this.#closeAt = credentialsEnd
    this.#arm(this.context.monotonic())
  }

  /** Refuses a CONNECT and says why. */
  refuse(connect: Pick<ConnectPacket, 'level'>, error: PushError): void {
    const { context } = this
    context.metrics.refusedConnects.inc({ code: error.code })
    context.logger.info(this.#described(error), 'CONNECT refused')
    const { level } = connect
    const { reason, message } = error
    const answer = { sessionPresent: false, reason: connackReason(reason), returnCode: returnCodeOf(error) }
    this.#last(
      this.worded((reasonString) => encodeConnack(level, { ...answer, properties: { reasonString } }), message),
      error.code,
    )
  }

  /** Closes from the server's side; MQTT 5 clients are told the reason. */
  end(error: PushError): void {
    if (this.#state !== 'open') return
    const { context } = this
    context.metrics.disconnects.inc({ code: error.code })
    context.logger.info(this.#described(error), 'connection closed')
    const { reason, message } = error
    // [MQTT-3.14.0-1] not before the CONNACK
    const isDue = this.level === 5 && this.handler !== undefined && this.#greeted
    const bytes = isDue ? this.worded((text) => encodeDisconnect(disconnectReason(reason), text), message) : undefined
    this.#last(bytes, error.code)
  }

  /** What is at fault is this connection's own: it ends, and nothing else does. */
  failed(error: unknown): void {
    reportUnexpected(this.context, error, 'a connection failed')
    this.stream.destroy()
  }

  /** Closes without a word: after the client's DISCONNECT, or when nothing can be said. */
  destroy(): void {
    this.#last(undefined, undefined)
  }

  /** More input waits until `proceed`: answers are due first. */
  hold(): void {
    this.#held = true
  }

  proceed(): void {
    if (!this.#held) return
    this.#held = false
    this.#work()
  }

  due(now: number): number {
    try {
      return this.#due(now)
    } catch (error) {
      this.failed(error)
      return 0
    }
  }

  #due(now: number): number {
    if (this.#state !== 'open') return 0
    const { limits } = this.context
    if (this.#stalledSince !== undefined && now - this.#stalledSince >= limits.stallTimeoutMs) {
      this.end(new PushError('SLOW_READER'))
      this.stream.destroy()
    } else if (this.#closeAt > 0 && this.context.now() >= this.#closeAt) {
      if (this.handler?.credentialsEnded === undefined) this.end(new PushError('TOKEN_EXPIRED'))
      else {
        this.#closeAt = 0
        this.handler.credentialsEnded()
        return this.#state === 'open' ? this.#nextDue(now) : 0
      }
    } else if (this.#keepAliveMs > 0 && now - this.#lastPacketAt >= this.#keepAliveMs && !this.#busy && !this.#held) {
      this.end(new PushError(this.#silence))
    } else {
      return this.#nextDue(now)
    }
    return 0
  }

  #nextDue(now: number): number {
    let next = Number.POSITIVE_INFINITY
    if (this.#keepAliveMs > 0) {
      const silent = this.#lastPacketAt + this.#keepAliveMs
      next = silent > now ? silent : now + BUSY_MS
    }
    // A date: where the wall clock is set, the wheel finds out within one turn.
    if (this.#closeAt > 0) next = Math.min(next, now + this.#closeAt - this.context.now())
    if (this.#stalledSince !== undefined) next = Math.min(next, this.#stalledSince + this.context.limits.stallTimeoutMs)
    return Number.isFinite(next) ? next : 0
  }

  #arm(now: number): void {
    const next = this.#nextDue(now)
    if (next === 0) this.context.wheel.clear(this)
    else this.context.wheel.set(this, next)
  }

  #received(chunk: Buffer): void {
    if (this.#state !== 'open') return
    this.context.traffic.bytesReceived += chunk.byteLength
    this.#decoder.push(chunk)
    this.#work()
  }

  /** Hands packets to the handler until one must be waited for. */
  #work(): void {
    try {
      while (this.#state === 'open' && !this.#busy && !this.#held && this.#mayRead()) {
        const packet = this.#decoder.next()
        if (packet === undefined) return this.#isParting ? this.#depart() : this.#resume()
        this.#lastPacketAt = this.context.monotonic()
        this.#spent += workOf(packet)
        this.context.traffic.received(packet)
        const waiting = this.handler === undefined ? this.#first(packet) : this.handler.handle(packet)
        if (waiting !== undefined) this.#wait(waiting)
        else if (this.#spent >= SLICE) this.#rest()
      }
      if (this.#state === 'open') this.stream.pause()
    } catch (error) {
      this.#failed(error)
    }
  }

  /** A peer that does not read its answers is not read from either, so that answers cannot pile up. */
  #mayRead(): boolean {
    return this.#isParting || this.#outbox.pending < this.context.limits.outputHighWater * 4
  }

  #resume(): void {
    if (this.stream.isPaused()) this.stream.resume()
  }

  #first(packet: Packet): Promise<void> | undefined {
    if (packet.type !== 'connect') throw new PushError('PROTOCOL_ERROR', 'the first packet must be CONNECT')
    this.level = packet.level
    this.maximumPacketSize = packet.properties.maximumPacketSize ?? LARGEST_PACKET
    return this.context.route(this, packet)
  }

  /** Whatever a client sends, the others have their turn after a slice; who has used up its budget waits for more. */
  #rest(): void {
    const spent = this.#spent
    this.#spent = 0
    this.#wait(this.context.budgets.rest(this.handler?.sessionName ?? this.id, spent))
  }

  #wait(waiting: Promise<void>): void {
    this.#busy = true
    waiting.then(
      () => {
        this.#busy = false
        if (this.#spent >= SLICE) this.#rest()
        else this.#work()
      },
      (error: unknown) => {
        this.#busy = false
        this.#failed(error)
      },
    )
  }

  #failed(error: unknown): void {
    if (this.#state !== 'open') return
    const known = toPushError(error)
    if (known.code === 'INTERNAL')
      this.context.logger.error(
        { connection: this.id, err: error },
        'could not handle a packet; closing the connection',
      )
    if (error instanceof ProtocolViolation) this.#violated(error, known)
    else if (this.handler === undefined && this.level !== undefined) this.refuse({ level: this.level }, known)
    else this.end(known)
  }

  /** The decoder knows what the peer can be told (section 4.13). */
  #violated(violation: ProtocolViolation, known: PushError): void {
    const { context } = this
    const counter = violation.reply === 'connack' ? context.metrics.refusedConnects : context.metrics.disconnects
    counter.inc({ code: known.code })
    context.logger.info(this.#described(known), 'malformed packet')
    const options = { maximumPacketSize: this.maximumPacketSize, reasonString: this.tellsReasons }
    this.#last(encodeViolationReply(violation, options), known.code)
  }

  #described({ code, detail }: PushError): object {
    return { connection: this.id, address: this.remoteAddress, code, detail }
  }

  /** The peer took what the stream had; a slow one is given the next slice, and has the whole time for that again. */
  #drained(): void {
    if (this.#state !== 'open') return
    this.#stalledSince = undefined
    this.#outbox.flush()
    this.#goOn()
  }

  /** There is room: for what the peer sends, whose answers had none, and for what the handler has for it. */
  #goOn(): void {
    this.#work()
    if (this.writable) this.handler?.drained()
  }

  #stalled(): void {
    if (this.#stalledSince !== undefined) return
    this.#stalledSince = this.context.monotonic()
    this.#arm(this.#stalledSince)
  }

  #broken(error: Error): void {
    this.context.logger.debug({ connection: this.id, err: error.message }, 'socket error')
    this.stream.destroy()
  }

  /** The peer has closed. What it sent before that counts, and is handled before its connection is. */
  #parted(): void {
    if (this.#state !== 'open') return
    if (!this.#isParting) this.#outbox.finish()
    this.#isParting = true
    this.#work()
  }

  #depart(): void {
    if (!this.stream.destroyed) return this.destroy()
    this.#state = 'closed'
    this.#leave(undefined)
  }

  #last(bytes: Uint8Array | undefined, code: ErrorCode | undefined): void {
    if (this.#state !== 'open') return
    this.#state = 'ending'
    this.#outbox.finish()
    // [MQTT-3.1.2-24]
    const fits = bytes !== undefined && bytes.byteLength <= this.maximumPacketSize
    if (fits) this.context.traffic.sent(bytes, this.level)
    endWith(this.stream, fits ? bytes : undefined)
    this.#leave(code)
  }

  #closed(): void {
    // Any stream may be given to an embedding program's broker, also one that tells twice that it has closed.
    this.released?.(this)
    this.released = undefined
    if (this.#state !== 'open') {
      this.#state = 'closed'
      return
    }
    // While a packet was handled, the stream kept what came behind it, and hands it out no more by itself.
    for (let rest: unknown = this.stream.read(); rest instanceof Buffer; rest = this.stream.read()) {
      this.context.traffic.bytesReceived += rest.byteLength
      this.#decoder.push(rest)
    }
    this.#parted()
  }

  #leave(code: ErrorCode | undefined): void {
    this.context.wheel.clear(this)
    this.context.connections.delete(this)
    if (this.handler !== undefined) {
      this.context.metrics.connections.dec({ principal: this.handler.principal })
      this.context.traffic.connected -= 1
      this.context.budgets.spend(this.handler.sessionName, this.#spent)
      this.handler.closed(code)
    }
    for (const callback of this.#over?.splice(0) ?? []) callback()
  }
}
