/**
 * One connection of a bridge, to either broker, as an MQTT client: CONNECT and CONNACK, requests and their responses,
 * keep alive. It neither stores nor acknowledges messages: it passes them on in order (`direction.ts`).
 */
import type { Duplex } from 'node:stream'
import { generate, parser, type IConnackPacket, type IConnectPacket, type Packet } from 'mqtt-packet'
import { Framer, type Frame, type LongPublish } from './framing.ts'
import { ConnectRefused, type Level, NoAnswer, reasonText } from './refusals.ts'

export interface LinkOptions {
  readonly connect: IConnectPacket
  readonly level: Level
  /** Only before MQTT 5: it says that it is a bridge. */
  readonly bridgeBit?: boolean
  /** Bytes of a packet that is taken. */
  readonly longest: number
  /** To the CONNACK, ms. */
  readonly timeoutMs: number
  /** Nobody waits for the CONNACK any more. */
  readonly signal?: AbortSignal
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number
}

export interface LinkReceiver {
  packet(packet: Packet): void
  long(publish: LongPublish): void
  /** There is room again. */
  drained(): void
}

interface Request {
  readonly answer: Packet['cmd']
  readonly resolve: (packet: Packet) => void
  readonly reject: (error: Error) => void
}

export type RequestPacket = Extract<Packet, { cmd: 'subscribe' | 'unsubscribe' | 'publish' }>

const ANSWERS = { subscribe: 'suback', unsubscribe: 'unsuback', publish: 'puback' } as const
const CONNACK = 2
/** First bytes. */
const ACKNOWLEDGEMENTS = { puback: 0x40, pubrec: 0x50, pubrel: 0x62, pubcomp: 0x70 } as const
/** Reason of a DISCONNECT. */
const WITH_WILL = 0x04

export type Acknowledgement = keyof typeof ACKNOWLEDGEMENTS

export class Link {
  readonly level: Level
  connack: IConnackPacket = { cmd: 'connack', sessionPresent: false }
  /** Resolves with why, when it is over. */
  readonly closed: Promise<Error>
  readonly #stream: Duplex
  readonly #options: LinkOptions
  readonly #framer: Framer
  readonly #parse: (bytes: Buffer) => Packet
  readonly #requests = new Map<number, Request>()
  #waiting: Frame[] = []
  #receiver: LinkReceiver | undefined
  #greeting: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined
  #isPaused = false
  #isOver = false
  #isCorked = false
  #over: (error: Error) => void = () => undefined
  #timer: NodeJS.Timeout | undefined
  #sentAt = 0
  #heardAt = 0

  private constructor(stream: Duplex, options: LinkOptions) {
    this.#stream = stream
    this.#options = options
    this.level = options.level
    this.#framer = new Framer(options.longest)
    this.#parse = packetParser(options.level)
    this.closed = new Promise((resolve) => {
      this.#over = resolve
    })
    stream.on('data', (chunk: Buffer) => this.#received(chunk))
    stream.on('drain', () => this.#drained())
    stream.on('error', (error) => this.fail('code' in error && error.code === 'ECONNRESET' ? closed() : error))
    stream.on('end', () => this.fail(closed()))
    stream.on('close', () => this.fail(closed()))
  }

  /**
   * Resolves after the CONNACK; nothing is read after it before `start`.
   * @throws ConnectRefused, NoAnswer, or what the stream fails with
   */
  static async open(stream: Duplex, options: LinkOptions): Promise<Link> {
    if (stream.destroyed) throw stream.errored ?? closed()
    const link = new Link(stream, options)
    const late = setTimeout(() => link.fail(new NoAnswer('it did not answer in time')), options.timeoutMs)
    const stopped = () => link.fail(new NoAnswer('the bridge was stopped'))
    options.signal?.addEventListener('abort', stopped)
    try {
      const greeted = new Promise<void>((resolve, reject) => {
        link.#greeting = { resolve, reject }
      })
      link.send({ ...options.connect, ...(options.bridgeBit === true ? { bridgeMode: true } : {}) })
      await greeted
    } catch (error) {
      stream.destroy()
      throw error
    } finally {
      clearTimeout(late)
      options.signal?.removeEventListener('abort', stopped)
      link.#greeting = undefined
    }
    link.#keepAlive(options.connect.keepalive ?? 0)
    return link
  }

  /** From here on, packets are handed over. */
  start(receiver: LinkReceiver): void {
    this.#receiver = receiver
    this.#handOver()
  }

  pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#stream.pause()
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#handOver()
  }

  get isFull(): boolean {
    return this.#stream.writableNeedDrain
  }

  /** A packet as it goes to this peer. */
  encode(packet: Packet): Buffer {
    return generate(packet, { protocolVersion: this.level })
  }

  send(packet: Packet): void {
    this.write(this.encode(packet))
  }

  /** Without a reason code: all is well. */
  acknowledge(cmd: Acknowledgement, packetId: number): void {
    const bytes = Buffer.from([ACKNOWLEDGEMENTS[cmd], 2, 0, 0])
    bytes.writeUInt16BE(packetId, 2)
    this.write(bytes)
  }

  write(bytes: Buffer): void {
    if (this.#isOver) return
    // What one turn of the event loop writes goes in one system call.
    if (!this.#isCorked) {
      this.#isCorked = true
      this.#stream.cork()
      setImmediate(() => {
        this.#isCorked = false
        this.#stream.uncork()
      })
    }
    this.#sentAt = this.#options.monotonic()
    this.#stream.write(bytes)
  }

  /** Resolves with what answers it. `publish` is one of QoS 1. */
  request(packet: RequestPacket & { readonly messageId: number }): Promise<Packet> {
    return new Promise((resolve, reject) => {
      if (this.#isOver) return reject(new NoAnswer('the connection was closed'))
      this.#requests.set(packet.messageId, { answer: ANSWERS[packet.cmd], resolve, reject })
      this.send(packet)
    })
  }

  /** Its packet id is that of a request without an answer. */
  isAsking(packetId: number): boolean {
    return this.#requests.has(packetId)
  }

  /** Resolves when it is closed. `withWill`: the peer publishes the will. */
  async end(withWill = false): Promise<void> {
    const stream = this.#stream
    if (!this.#isOver) {
      // Before MQTT 5, only a connection that ends without a word has its will published.
      if (this.level === 5) this.send({ cmd: 'disconnect', reasonCode: withWill ? WITH_WILL : 0 })
      else if (!withWill) this.send({ cmd: 'disconnect' })
      this.#isOver = true
      this.#settle(new NoAnswer('it was closed'))
      stream.resume()
      stream.end()
    }
    if (stream.closed) return
    await new Promise<void>((resolve) => {
      const late = setTimeout(() => stream.destroy(), END_MS)
      stream.once('close', () => {
        clearTimeout(late)
        resolve()
      })
    })
  }

  /** Without: it is over. */
  fail(error: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#settle(error)
    this.#stream.destroy()
  }

  #settle(error: Error): void {
    clearInterval(this.#timer)
    this.#waiting = []
    this.#greeting?.reject(error)
    for (const { reject } of this.#requests.values()) reject(error)
    this.#requests.clear()
    this.#over(error)
  }

  #drained(): void {
    try {
      this.#receiver?.drained()
    } catch (error) {
      this.fail(asError(error))
    }
  }

  #received(chunk: Buffer): void {
    this.#heardAt = this.#options.monotonic()
    if (this.#isOver) return
    try {
      for (const frame of this.#framer.push(chunk)) this.#waiting.push(frame)
      this.#handOver()
    } catch (error) {
      this.fail(asError(error))
    }
  }

  #handOver(): void {
    try {
      while (!this.#isPaused && !this.#isOver && this.#isOpen()) {
        const frame = this.#waiting.shift()
        if (frame === undefined) break
        if (frame.isWhole) this.#take(frame.bytes)
        else this.#receiver?.long(frame)
      }
    } catch (error) {
      return this.fail(asError(error))
    }
    if (this.#isPaused || this.#waiting.length > 0) this.#stream.pause()
    else this.#stream.resume()
  }

  /** Somebody takes what comes: the CONNACK is awaited, or there is a receiver. */
  #isOpen(): boolean {
    return this.#greeting !== undefined || this.#receiver !== undefined
  }

  #take(bytes: Buffer): void {
    if (this.#greeting !== undefined) return this.#greeted(bytes)
    const packet = this.#parse(bytes)
    switch (packet.cmd) {
      case 'pingresp':
        return
      // Mosquitto answers it, though only clients ask.
      case 'pingreq':
        return this.send({ cmd: 'pingresp' })
      case 'publish':
      case 'puback':
      case 'pubrec':
      case 'pubrel':
      case 'pubcomp':
      case 'suback':
      case 'unsuback':
        if (!this.#isAnswer(packet)) this.#receiver?.packet(packet)
        return
      case 'disconnect':
        throw new Error(`it closed the connection: ${reasonText(packet.reasonCode ?? 0x80)}`)
      default:
        throw new Error(`it sent ${packet.cmd.toUpperCase()}`)
    }
  }

  #isAnswer(packet: Packet): boolean {
    const id = packet.messageId ?? 0
    const request = this.#requests.get(id)
    if (request?.answer !== packet.cmd) return false
    this.#requests.delete(id)
    request.resolve(packet)
    return true
  }

  #greeted(bytes: Buffer): void {
    const greeting = this.#greeting
    this.#greeting = undefined
    if ((bytes[0] ?? 0) >> 4 !== CONNACK) return this.#refused(greeting, new Error('it did not answer with a CONNACK'))
    // Who does not know the version answers as it would have before MQTT 5.
    const [, remaining = 0, , code = 0] = bytes
    if (remaining === 2 && code !== 0) return this.#refused(greeting, new ConnectRefused(code, this.level))
    const packet = this.#parse(bytes)
    if (packet.cmd !== 'connack') return this.#refused(greeting, new Error('it did not answer with a CONNACK'))
    const refused = (this.level === 5 ? packet.reasonCode : packet.returnCode) ?? 0
    if (refused !== 0) return this.#refused(greeting, new ConnectRefused(refused, this.level))
    this.connack = packet
    greeting?.resolve()
  }

  #refused(greeting: { reject(error: Error): void } | undefined, error: Error): void {
    greeting?.reject(error)
    this.fail(error)
  }

  /** [MQTT-3.2.2-22] the server's word counts */
  #keepAlive(asked: number): void {
    const seconds = this.connack.properties?.serverKeepAlive ?? asked
    if (seconds === 0) return
    const { monotonic } = this.#options
    this.#timer = setInterval(
      () => {
        const now = monotonic()
        if (now - this.#heardAt > seconds * SILENT_MS) return this.fail(new NoAnswer('it did not answer PINGREQ'))
        if (now - Math.min(this.#sentAt, this.#heardAt) >= seconds * PING_MS) this.send({ cmd: 'pingreq' })
      },
      (seconds * 1000) / LOOKS,
    )
  }
}

/** Of a second of the keep alive, ms: when it asks, and when it gives up. */
const PING_MS = 750
const SILENT_MS = 1_500
const LOOKS = 4
/** For what was written to leave, ms. */
const END_MS = 1_000

function packetParser(level: Level): (bytes: Buffer) => Packet {
  const packets = parser({ protocolVersion: level })
  let parsed: Packet | undefined
  packets.on('packet', (packet) => {
    parsed = packet
  })
  packets.on('error', (error: unknown) => {
    throw new Error(`it sent something that is not MQTT: ${asError(error).message}`)
  })
  return (bytes) => {
    parsed = undefined
    packets.parse(bytes)
    if (parsed === undefined) throw new Error('it sent something that is not MQTT')
    return parsed
  }
}

function closed(): NoAnswer {
  return new NoAnswer('the connection was closed', true)
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
