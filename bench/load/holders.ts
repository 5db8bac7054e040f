/** The processes that hold connections (holder.ts), as their parent sees them. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Identity } from './device.ts'
import type { Ledger } from './ledger.ts'

const SOURCES = 4
const HOLDER = fileURLToPath(new URL('./holder.js', import.meta.url))

/** Of each message that arrived four numbers: the device, and the run, message and receiver in its payload. */
export type Arrivals = Uint32Array

/** To a holder. Devices take ports and sources in turn; who returns goes where `afterReturns` says. */
export type Order = { readonly number: number } & (
  | {
      readonly do: 'hold'
      readonly first: number
      readonly identities: readonly Identity[]
      readonly ports: readonly number[]
      readonly sources: readonly string[]
    }
  | { readonly do: 'cut' }
  | {
      readonly do: 'return'
      /** How often they have, this one included. */
      readonly returns: number
      readonly ports: readonly number[]
      readonly sources: readonly string[]
      readonly together: number
    }
)

/** From a holder. */
export type Report =
  | { readonly is: 'done'; readonly order: number }
  | { readonly is: 'refused'; readonly order: number; readonly reason: string }
  | { readonly is: 'failed'; readonly reason: string }
  | { readonly is: 'arrivals'; readonly numbers: Arrivals }

type Unnumbered<T> = T extends unknown ? Omit<T, 'number'> : never

interface Asked {
  resolve(): void
  reject(error: Error): void
}

export class Holder {
  readonly #process: ChildProcess
  /** Of its own: loopback has about 28,000 ports for a source and a destination, and free ones are slow to find when few are. */
  readonly #sources: readonly string[]
  readonly #ledgers: ReadonlyMap<number, Ledger>
  readonly #asked = new Map<number, Asked>()
  #orders = 0
  #returns = 0
  #failure: Error | undefined

  /**
   * @param number of this holder, from 0 on
   * @param ledgers where arrivals go, by their run
   */
  constructor(number: number, ledgers: ReadonlyMap<number, Ledger>) {
    this.#sources = Array.from({ length: SOURCES }, (_, place) => `127.0.1.${number * SOURCES + place + 1}`)
    this.#ledgers = ledgers
    const child = fork(HOLDER, { serialization: 'advanced', execArgv: [] })
    this.#process = child
    child.on('message', (report: Report) => this.#take(report))
    child.once('exit', (code) => this.#failed(new Error(`a holder of connections ended with ${code}`)))
  }

  get pid(): number {
    return this.#process.pid ?? 0
  }

  hold(first: number, identities: readonly Identity[], ports: readonly number[]): Promise<void> {
    return this.#order({ do: 'hold', first, identities, ports, sources: this.#sources })
  }

  cut(): Promise<void> {
    return this.#order({ do: 'cut' })
  }

  /** All connect again, those too that still have a connection: their former one is for the server to end. */
  return(ports: readonly number[], together: number): Promise<void> {
    this.#returns += 1
    return this.#order({ do: 'return', returns: this.#returns, ports, sources: this.#sources, together })
  }

  async end(): Promise<void> {
    this.#process.removeAllListeners('exit')
    if (this.#process.exitCode !== null) return
    this.#process.disconnect()
    await once(this.#process, 'exit')
  }

  /** Rejects where a connection was lost, or something arrived that nobody sent. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  #order(order: Unnumbered<Order>): Promise<void> {
    this.#orders += 1
    const number = this.#orders
    const obeyed = new Promise<void>((resolve, reject) => {
      this.#asked.set(number, { resolve, reject })
      this.#process.send({ ...order, number })
    })
    // It may fail while nobody waits for it yet.
    obeyed.catch(() => undefined)
    return obeyed
  }

  #take(report: Report): void {
    if (report.is === 'arrivals') return this.#arrived(report.numbers)
    if (report.is === 'failed') return this.#failed(new Error(report.reason))
    const asked = this.#asked.get(report.order)
    this.#asked.delete(report.order)
    if (report.is === 'done') asked?.resolve()
    else asked?.reject(new Error(report.reason))
  }

  #arrived(numbers: Arrivals): void {
    for (let at = 0; at < numbers.length; at += 4) {
      const [device = 0, run = 0, message = 0, receiver = 0] = numbers.subarray(at, at + 4)
      const ledger = this.#ledgers.get(run)
      if (ledger === undefined) return this.#failed(new Error(`a message of run ${run} arrived`))
      ledger.took(device, { run, message, device: receiver })
      ledger.onProgress()
    }
  }

  #failed(error: Error): void {
    this.#failure ??= error
    for (const { reject } of this.#asked.values()) reject(error)
    for (const ledger of this.#ledgers.values()) ledger.fail(error)
  }
}
