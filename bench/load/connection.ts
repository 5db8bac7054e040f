/** One MQTT connection of the generator: a socket, and a parser that does no more than is needed. */
import { type Socket, connect as openSocket } from 'node:net'
import { eachFrame } from './frames.ts'
import { type Credentials, connectPacket, DISCONNECT, subscribePacket } from './packets.ts'

export const CONNACK = 2
export const PUBLISH = 3
export const PUBACK = 4
export const SUBACK = 9

const EMPTY = Buffer.alloc(0)
const ANSWER_MS = 60_000

interface Waiting {
  readonly type: number
  resolve(body: Buffer): void
  reject(error: Error): void
}

export abstract class MqttConnection {
  /** Called when the connection ends without having been asked to. */
  onLost: (error: Error) => void = () => undefined
  readonly #port: number
  #socket: Socket | undefined
  #rest: Buffer = EMPTY
  #waiting: Waiting | undefined

  constructor(port: number) {
    this.#port = port
  }

  /**
   * CONNECT; says whether the session was present.
   * @param socket that is open already; one to the port of this connection when not given
   */
  async connect(credentials: Credentials, clean: boolean, socket = this.#open()): Promise<boolean> {
    this.#socket = socket
    this.#rest = EMPTY
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('error', (error) => this.#ended(socket, error))
    socket.on('close', () => this.#ended(socket, new Error('the server closed a connection')))
    const connack = this.#answer(CONNACK)
    socket.write(connectPacket(credentials, clean))
    const body = await connack
    if (body[1] !== 0) throw new Error(`a CONNECT was refused with ${body[1]}`)
    return body[0] === 1
  }

  async subscribe(topics: readonly string[]): Promise<void> {
    const suback = this.#answer(SUBACK)
    this.write(subscribePacket(topics))
    const body = await suback
    if (body.subarray(2).some((code) => code > 2)) throw new Error(`a SUBSCRIBE to ${topics.join(', ')} was refused`)
  }

  write(bytes: Buffer): void {
    this.#socket?.write(bytes)
  }

  /** A connection that a carrier cuts: a TCP reset, without DISCONNECT. It also leaves no port in TIME_WAIT. */
  cut(): void {
    const socket = this.#socket
    this.#socket = undefined
    socket?.resetAndDestroy()
  }

  /** DISCONNECT, and awaits that the server ends the connection. */
  async end(): Promise<void> {
    const socket = this.#socket
    this.#socket = undefined
    if (socket === undefined || socket.destroyed) return
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve())
      socket.end(DISCONNECT)
    })
  }

  /** A packet that nobody waits for. */
  protected abstract packet(type: number, first: number, bytes: Buffer, start: number, end: number): void

  /** All packets of what was read at once have been handed on. */
  protected abstract turn(): void

  #open(): Socket {
    return openSocket({ port: this.#port, host: '127.0.0.1', noDelay: true })
  }

  #answer(type: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer of type ${type} in ${ANSWER_MS} ms`)), ANSWER_MS)
      const settle = (): void => {
        clearTimeout(timer)
        this.#waiting = undefined
      }
      this.#waiting = {
        type,
        resolve: (body) => (settle(), resolve(body)),
        reject: (error) => (settle(), reject(error)),
      }
    })
  }

  #ended(socket: Socket, error: Error): void {
    if (this.#socket !== socket) return
    this.#socket = undefined
    if (this.#waiting === undefined) this.onLost(error)
    else this.#waiting.reject(error)
  }

  #read(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    this.#rest = eachFrame(bytes, (at, start, end) => this.#handle(bytes, at, start, end))
    this.turn()
  }

  #handle(bytes: Buffer, at: number, start: number, end: number): void {
    const first = bytes[at] ?? 0
    const type = first >> 4
    if (this.#waiting?.type === type) this.#waiting.resolve(bytes.subarray(start, end))
    else this.packet(type, first, bytes, start, end)
  }
}
