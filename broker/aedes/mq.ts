/** The emitter of Aedes: general messages go to the router, its own messages to listeners in this process. */
import type { AedesPublishPacket } from 'aedes'
import type { Publication } from './publication.ts'
import { RoutingTable, Subscriber } from './routing-table.ts'

type Listener = (packet: AedesPublishPacket, done: () => void) => void
type Done = (error?: Error | null) => void

interface MqOptions {
  readonly publicationOf: (packet: AedesPublishPacket) => Publication | undefined
  /** Calls back when it has left. */
  readonly emit: (publication: Publication, left: () => void) => void
}

class Listening extends Subscriber {
  readonly listener: Listener

  constructor(listener: Listener) {
    super('')
    this.listener = listener
  }
}

/** Of `mqemitter`, what Aedes calls. */
export class RouterMq {
  readonly #options: MqOptions
  readonly #routes = new RoutingTable<Listening>()
  readonly #listening = new Map<Listener, Listening>()
  #isClosed = false

  constructor(options: MqOptions) {
    this.#options = options
  }

  on(filter: string, listener: Listener, done?: () => void): this {
    const listening = this.#listening.get(listener) ?? new Listening(listener)
    this.#listening.set(listener, listening)
    this.#routes.set(listening, filter, 0)
    if (done !== undefined) setImmediate(done)
    return this
  }

  removeListener(filter: string, listener: Listener, done?: () => void): this {
    const listening = this.#listening.get(listener)
    if (listening !== undefined) {
      this.#routes.delete(listening, filter)
      if (listening.filters.size === 0) this.#listening.delete(listener)
    }
    if (done !== undefined) setImmediate(done)
    return this
  }

  emit(packet: AedesPublishPacket, done: Done = () => undefined): this {
    if (this.#isClosed) {
      done(new Error('the broker is closed'))
      return this
    }
    const told = (): void => this.#tell(packet, done)
    const publication = this.#options.publicationOf(packet)
    if (publication === undefined) told()
    else this.#options.emit(publication, told)
    return this
  }

  #tell(packet: AedesPublishPacket, done: Done): void {
    const { matches } = this.#routes.match(packet.topic, '')
    let left = matches.length
    if (left === 0) return done()
    for (const { subscriber } of matches) subscriber.listener(packet, () => (--left === 0 ? done() : undefined))
  }

  close(done: () => void = () => undefined): this {
    this.#isClosed = true
    setImmediate(done)
    return this
  }
}
