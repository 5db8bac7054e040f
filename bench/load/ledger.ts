/** Counts what arrives, and believes nothing: every message once, at the device it was for, and no other. */
import { FOR_ALL, type Numbers, PAYLOAD_BYTES, readNumbers } from './packets.ts'

/** When nothing arrives for this long, the rest is lost. */
const STALLED_MS = 30_000

interface LedgerOptions {
  readonly messages: number
  readonly devices: number
  /** Every message goes to every device. */
  readonly toAll: boolean
  /** Arrivals begin later, with `watch`. */
  readonly later?: boolean
  /** Collects the time from `sent` to arrival. */
  readonly timed?: boolean
}

let runs = 0

export class Ledger {
  readonly run: number
  readonly toAll: boolean
  readonly messages: number
  readonly expected: number
  /** Everything arrived; rejects when something arrives that must not, or too late. */
  readonly done: Promise<void>
  /** ms of each delivery, in order of arrival; empty unless `timed`. */
  readonly latencies: Float64Array
  delivered = 0
  /** Called after each batch of arrivals. */
  onProgress: () => void = () => undefined
  readonly #devices: number
  readonly #seen: Uint8Array
  readonly #sentAt: Float64Array
  readonly #timed: boolean
  #finish: () => void = () => undefined
  #fail: (error: Error) => void = () => undefined
  #failure: Error | undefined

  constructor({ messages, devices, toAll, timed = false, later = false }: LedgerOptions) {
    runs += 1
    this.run = runs
    this.toAll = toAll
    this.messages = messages
    this.#devices = devices
    this.expected = toAll ? messages * devices : messages
    this.#seen = new Uint8Array(this.expected)
    this.#timed = timed
    this.#sentAt = new Float64Array(timed ? messages : 0)
    this.latencies = new Float64Array(timed ? this.expected : 0)
    this.done = new Promise((resolve, reject) => {
      this.#finish = resolve
      this.#fail = reject
    })
    this.done.catch(() => undefined)
    if (!later) this.watch()
  }

  fail(error: Error): void {
    this.#failure ??= error
    this.#fail(this.#failure)
  }

  sent(message: number, at: number): void {
    if (this.#timed) this.#sentAt[message] = at
  }

  arrived(device: number, bytes: Buffer, at: number, end: number): void {
    if (end - at !== PAYLOAD_BYTES) return this.fail(new Error(`a payload of ${end - at} bytes arrived`))
    this.took(device, readNumbers(bytes, at))
  }

  /** The same, of what somebody else read. */
  took(device: number, { run, message, device: receiver }: Numbers): void {
    if (run !== this.run) return this.fail(new Error('a message of an earlier run arrived again'))
    if (receiver !== (this.toAll ? FOR_ALL : device)) {
      return this.fail(new Error(`device ${device} got a message for ${receiver}`))
    }
    const place = this.toAll ? message * this.#devices + device : message
    if (this.#seen[place] !== 0) return this.fail(new Error(`message ${message} reached device ${device} twice`))
    this.#seen[place] = 1
    if (this.#timed) this.latencies[this.delivered] = performance.now() - (this.#sentAt[message] ?? 0)
    this.delivered += 1
    if (this.delivered === this.expected) this.#finish()
  }

  /** After `done`, and a pause for what should not come: rejects when it came. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  /** From now on messages must arrive. */
  watch(): void {
    let before = 0
    const timer = setInterval(() => {
      if (this.delivered === before) {
        this.fail(new Error(`only ${this.delivered} of ${this.expected} messages arrived`))
      }
      before = this.delivered
    }, STALLED_MS)
    timer.unref()
    this.done.then(
      () => clearInterval(timer),
      () => clearInterval(timer),
    )
  }
}
