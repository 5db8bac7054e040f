/**
 * Hearing what other nodes did: one connection, subscribed to the channel of this node and to the one of all nodes.
 *
 * Redis gives no promise that a message arrives, so two things are told as a gap, after which the owner looks again:
 * the connection was lost and made again, or a probe to the own channel did not come back (a subscriber that Redis or
 * something in between forgot: it answers, but delivers nothing). A gap is found at the latest after `probeMs` and one
 * deadline.
 */
import type { Redis } from 'ioredis'
import { unavailable } from './script.ts'

interface WakeOptions {
  readonly connect: () => Redis
  readonly channels: readonly string[]
  readonly heard: (message: Buffer) => void
  /** Messages may have been lost. */
  readonly gap: () => void
  /** Publishes to the own channel; `probeReturned` is to be called when it is heard. */
  readonly probe: (count: number) => Promise<unknown>
  readonly probeMs: number
  readonly deadlineMs: number
}

const RETRY_MS = 100

export class Wakes {
  readonly #options: WakeOptions
  #connection: Redis | undefined
  /** The one that was given up; it may take a while to close. */
  #left: Redis | undefined
  #stopped = false
  #probes = 0
  #returned = 0
  #timer: NodeJS.Timeout | undefined
  #deadline: NodeJS.Timeout | undefined

  constructor(options: WakeOptions) {
    this.#options = options
  }

  /** Resolves when it listens. */
  async start(): Promise<void> {
    try {
      await this.#listen()
    } catch (error) {
      throw unavailable('Redis takes no subscription', error)
    }
    this.#timer = setInterval(() => this.#probe(), this.#options.probeMs)
    this.#timer.unref()
  }

  stop(): void {
    this.#stopped = true
    clearInterval(this.#timer)
    clearTimeout(this.#deadline)
    this.#connection?.disconnect()
  }

  probeReturned(count: number): void {
    if (count > this.#returned) this.#returned = count
  }

  async #listen(): Promise<void> {
    const connection = this.#options.connect()
    this.#connection = connection
    connection.on('messageBuffer', (_channel: Buffer, message: Buffer) => this.#options.heard(message))
    try {
      await connection.connect()
      await connection.subscribe(...this.#options.channels)
    } catch (error) {
      connection.disconnect()
      throw error
    }
    if (this.#stopped) return connection.disconnect()
    connection.once('end', () => this.#listenAgain())
    // Lost between the answer to SUBSCRIBE and this line.
    if (connection.status === 'end') this.#listenAgain()
  }

  /** Redis is unavailable: publishers are told so by their own calls. Here only coming back matters. */
  #listenAgain(): void {
    if (this.#stopped) return
    this.#listen().then(
      () => this.#options.gap(),
      () => setTimeout(() => this.#listenAgain(), RETRY_MS).unref(),
    )
  }

  #probe(): void {
    const connection = this.#connection
    if (connection?.status !== 'ready' || this.#deadline !== undefined) return
    const count = (this.#probes += 1)
    this.#deadline = setTimeout(() => {
      this.#deadline = undefined
      // `end` leads to a new connection.
      if (!published || this.#returned >= count || this.#left === connection) return
      this.#left = connection
      connection.disconnect()
    }, this.#options.deadlineMs)
    this.#deadline.unref()
    let published = false
    this.#options.probe(count).then(
      () => (published = true),
      // Not the subscriber's fault: the other connection is the one that fails.
      () => undefined,
    )
  }
}
