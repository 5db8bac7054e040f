/** A device: it takes what comes, writes it into the ledger, and acknowledges all that one read brought in one write. */
import type { Socket } from 'node:net'
import { MqttConnection, PUBLISH } from './connection.ts'
import type { Credentials } from './packets.ts'

export interface Identity extends Credentials {
  readonly privateTopic: string
  readonly broadcastTopic: string
  /** What names it over HTTP. */
  readonly tokenId?: string
  /** One topic a SUBSCRIBE: aedes with a Redis emitter never answers one with two. */
  readonly oneByOne?: boolean
}

/** Where a device writes what it gets: a ledger, or the way to one. */
export interface Receiver {
  arrived(device: number, bytes: Buffer, at: number, end: number): void
  fail(error: Error): void
  onProgress(): void
}

export class Device extends MqttConnection {
  readonly index: number
  readonly identity: Identity
  ledger: Receiver | undefined
  #acknowledge: number[] = []

  constructor(port: number, index: number, identity: Identity) {
    super(port)
    this.index = index
    this.identity = identity
    this.onLost = (error) => this.ledger?.fail(error)
  }

  /** Connects, on a socket that is open where one is given, with a session that survives the connection; says whether there was one. */
  board(socket?: Socket): Promise<boolean> {
    return this.connect(this.identity, false, socket)
  }

  async subscribeOwn(): Promise<void> {
    const { privateTopic, broadcastTopic, oneByOne } = this.identity
    if (oneByOne !== true) return this.subscribe([privateTopic, broadcastTopic])
    await this.subscribe([privateTopic])
    await this.subscribe([broadcastTopic])
  }

  protected override packet(type: number, first: number, bytes: Buffer, start: number, end: number): void {
    if (type !== PUBLISH) return
    let payload = start + 2 + bytes.readUInt16BE(start)
    if ((first & 0x06) !== 0) {
      this.#acknowledge.push(0x40, 2, bytes[payload] ?? 0, bytes[payload + 1] ?? 0)
      payload += 2
    } else {
      this.ledger?.fail(new Error('a message arrived with QoS 0'))
    }
    this.ledger?.arrived(this.index, bytes, payload, end)
  }

  protected override turn(): void {
    if (this.#acknowledge.length === 0) return
    this.write(Buffer.from(this.#acknowledge))
    this.#acknowledge = []
    this.ledger?.onProgress()
  }
}
