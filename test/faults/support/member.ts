/** One client of a cell: whoever it is, it connects as it did the first time, and knows all that ever reached it. */
import { type IClientPublishOptions, Store } from 'mqtt'
import { connect, type ConnectOptions, type Device, type Scope, type Server } from '../../support/index.ts'
import { orClosed } from './outcome.ts'

export interface Credentials {
  readonly username: string
  readonly password: string
}

/** What is under way outlives its connections: a message of QoS 2 is sent again under its packet id, and taken once. */
function withMemory(): ConnectOptions {
  return { more: { outgoingStore: new Store({ clean: false }), incomingStore: new Store({ clean: false }) } }
}

export class Member {
  credentials: Credentials
  readonly filter: string | undefined
  readonly #t: Scope
  readonly #server: Server
  readonly #clientId: string
  readonly #connections: Device[] = []
  readonly #kept: ConnectOptions

  constructor(t: Scope, server: Server, clientId: string, credentials: Credentials, filter?: string) {
    this.#t = t
    this.#server = server
    this.#clientId = clientId
    this.credentials = credentials
    this.filter = filter
    this.#kept = { clean: false, clientId, properties: { sessionExpiryInterval: 3600 } }
  }

  /** From now on it finishes what an earlier connection began. */
  remember(): void {
    Object.assign(this.#kept, withMemory())
  }

  get #current(): Device {
    const current = this.#connections.at(-1)
    if (current === undefined) throw new Error(`${this.#clientId} never connected`)
    return current
  }

  get isConnected(): boolean {
    return this.#connections.at(-1)?.client.connected === true
  }

  /** It has never lost its connection. */
  get hasStayed(): boolean {
    return this.#connections.length === 1 && this.isConnected
  }

  get texts(): string[] {
    return this.#connections.flatMap(({ received }) => received.map(({ text }) => text))
  }

  async connect(options: ConnectOptions = {}): Promise<void> {
    this.#connections.push(await connect(this.#t, this.#server, this.credentials, { ...this.#kept, ...options }))
  }

  /** Not kept. */
  connectClean(): Promise<void> {
    return this.connect({ clean: true, properties: {} })
  }

  /** @throws the code of a refusal */
  async subscribe(filter = this.filter, qos: 0 | 1 | 2 = 1): Promise<void> {
    if (filter === undefined) return
    const [code = 0x80] = await orClosed(this.#current, grantsOf(this.#current, filter, qos))
    if (code >= 0x80) throw Object.assign(new Error(`SUBACK ${code}`), { code })
  }

  /** @throws the code of a refusal */
  async unsubscribe(): Promise<void> {
    const { client } = this.#current
    const unsuback = await orClosed(this.#current, client.unsubscribeAsync(this.filter ?? ''))
    const [code = 0] = unsuback?.cmd === 'unsuback' ? (unsuback.granted as number[]) : []
    if (code >= 0x80) throw Object.assign(new Error(`UNSUBACK ${code}`), { code })
  }

  async start(options?: ConnectOptions): Promise<void> {
    await this.connect(options)
    await this.subscribe()
  }

  /** Connected, as a client is that connects again when it was closed. */
  async back(): Promise<void> {
    if (!this.isConnected) await this.start()
  }

  async publish(topic: string, text: string, options: IClientPublishOptions = {}): Promise<void> {
    await orClosed(this.#current, this.#current.client.publishAsync(topic, text, { qos: 1, ...options }))
  }

  /** Without a word. */
  async cut(): Promise<void> {
    await this.#current.reset()
  }

  async leave(): Promise<void> {
    await this.#current.end()
  }
}

/** The codes of the SUBACK; without the deadline of its own that `Device.subscribe` has, which would outlive the test. */
function grantsOf({ client }: Device, filter: string, qos: 0 | 1 | 2): Promise<number[]> {
  return new Promise((resolve, reject) => {
    client.subscribe(filter, { qos }, (error, _granted, packet) => {
      if (packet !== undefined) resolve(packet.granted as number[])
      else reject(error ?? new Error('no SUBACK'))
    })
  })
}
