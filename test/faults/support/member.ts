/** One client of a cell: whoever it is, it keeps its session, and knows all that ever reached it. */
import { connect, type ConnectOptions, type Device, type Scope, type Server } from '../../support/index.ts'
import { orClosed } from './outcome.ts'

export interface Credentials {
  readonly username: string
  readonly password: string
}

export class Member {
  credentials: Credentials
  readonly filter: string | undefined
  readonly #t: Scope
  readonly #server: Server
  readonly #clientId: string
  readonly #connections: Device[] = []

  constructor(t: Scope, server: Server, clientId: string, credentials: Credentials, filter?: string) {
    this.#t = t
    this.#server = server
    this.#clientId = clientId
    this.credentials = credentials
    this.filter = filter
  }

  get #current(): Device {
    const current = this.#connections.at(-1)
    if (current === undefined) throw new Error(`${this.#clientId} never connected`)
    return current
  }

  get isConnected(): boolean {
    return this.#connections.at(-1)?.client.connected === true
  }

  get texts(): string[] {
    return this.#connections.flatMap(({ received }) => received.map(({ text }) => text))
  }

  async connect(options: ConnectOptions = {}): Promise<void> {
    const kept = { clean: false, clientId: this.#clientId, properties: { sessionExpiryInterval: 3600 } }
    this.#connections.push(await connect(this.#t, this.#server, this.credentials, { ...kept, ...options }))
  }

  /** @throws the code of a refusal */
  async subscribe(): Promise<void> {
    if (this.filter === undefined) return
    const [code = 0x80] = await orClosed(this.#current, grantsOf(this.#current, this.filter))
    if (code >= 0x80) throw Object.assign(new Error(`SUBACK ${code}`), { code })
  }

  async start(options?: ConnectOptions): Promise<void> {
    await this.connect(options)
    await this.subscribe()
  }

  /** Connected, as a client is that connects again when it was closed. */
  async back(): Promise<void> {
    if (!this.isConnected) await this.start()
  }

  async publish(topic: string, text: string): Promise<void> {
    await orClosed(this.#current, this.#current.client.publishAsync(topic, text, { qos: 1 }))
  }

  async leave(): Promise<void> {
    await this.#current.end()
  }
}

/** The codes of the SUBACK; without the deadline of its own that `Device.subscribe` has, which would outlive the test. */
function grantsOf({ client }: Device, filter: string): Promise<number[]> {
  return new Promise((resolve, reject) => {
    client.subscribe(filter, { qos: 1 }, (error, _granted, packet) => {
      if (packet !== undefined) resolve(packet.granted as number[])
      else reject(error ?? new Error('no SUBACK'))
    })
  })
}
