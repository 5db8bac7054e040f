/** A TCP proxy that does to connections what real networks do: cut, freeze, delay, throttle, and come back. */
import { once } from 'node:events'
import { type AddressInfo, type Socket, connect, createServer } from 'node:net'
import { reset } from './reset.ts'
import type { Scope } from './scope.ts'

export type Direction = 'up' | 'down' | 'both'

export interface FaultProxy {
  /** Where clients connect. */
  readonly port: number
  readonly host: string
  /** Open connections. */
  readonly connections: number
  /** How many connections were ever accepted. */
  readonly accepted: number
  /** Bytes passed on: `up` to the server, `down` to the client. */
  readonly bytes: { readonly up: number; readonly down: number }
  /** Resets every connection, at both ends. New ones work. */
  cut(): void
  /** Resets every connection, and new ones too until `heal`. */
  refuse(): void
  /** Passes nothing on, without closing; `up` is towards the server. The sender sees its buffers fill. */
  freeze(direction?: Direction): void
  /** Every byte arrives this much later. */
  delay(milliseconds: number): void
  /** Passes on at most this many bytes a second, in each direction of each connection. */
  throttle(bytesPerSecond: number): void
  /** Undoes refuse, freeze, delay and throttle; what was held back flows. */
  heal(): void
  /** Where new connections go from now on. */
  retarget(port: number): void
}

/** What the proxy does at the moment; every connection looks at it before each chunk. */
interface Weather {
  frozen: { up: boolean; down: boolean }
  delayMs: number
  bytesPerSecond: number
  refusing: boolean
}

const SUNNY: Omit<Weather, 'frozen'> = { delayMs: 0, bytesPerSecond: Infinity, refusing: false }
/** As much as one pump holds for a delay before it stops reading. */
const HELD_BYTES = 1024 * 1024
/** A throttled chunk is passed on in slices of this share of a second. */
const SLICES_A_SECOND = 20

export async function faultProxy(t: Scope, targetPort: number, targetHost = '127.0.0.1'): Promise<FaultProxy> {
  const weather: Weather = { ...SUNNY, frozen: { up: false, down: false } }
  const bytes = { up: 0, down: 0 }
  const pairs = new Set<{ client: Socket; upstream: Socket; pumps: Pump[] }>()
  let target = targetPort
  let accepted = 0

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    accepted += 1
    client.on('error', () => undefined)
    if (weather.refusing) {
      reset(client)
      return
    }
    const upstream = connect({ port: target, host: targetHost, allowHalfOpen: true, noDelay: true })
    const pumps = [
      new Pump(client, upstream, weather, 'up', (count) => (bytes.up += count)),
      new Pump(upstream, client, weather, 'down', (count) => (bytes.down += count)),
    ]
    const pair = { client, upstream, pumps }
    pairs.add(pair)
    // One end that breaks breaks the other in the same way.
    upstream.on('error', () => reset(client))
    client.on('error', () => reset(upstream))
    const gone = () => {
      if (client.destroyed && upstream.destroyed) pairs.delete(pair)
    }
    client.once('close', gone)
    upstream.once('close', gone)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  const wake = () => pairs.forEach(({ pumps }) => pumps.forEach((pump) => pump.run()))
  const cut = () => {
    for (const { client, upstream } of pairs) {
      reset(client)
      reset(upstream)
    }
  }
  t.teardown(() => {
    cut()
    server.close()
  })

  return {
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
    get connections() {
      return pairs.size
    },
    get accepted() {
      return accepted
    },
    bytes,
    cut,
    refuse() {
      weather.refusing = true
      cut()
    },
    freeze(direction = 'both') {
      if (direction !== 'down') weather.frozen.up = true
      if (direction !== 'up') weather.frozen.down = true
      wake()
    },
    delay(milliseconds) {
      weather.delayMs = milliseconds
    },
    throttle(bytesPerSecond) {
      weather.bytesPerSecond = bytesPerSecond
    },
    heal() {
      Object.assign(weather, SUNNY, { frozen: { up: false, down: false } })
      wake()
    },
    retarget(port) {
      target = port
    },
  }
}

/** One direction of one connection. */
class Pump {
  readonly #from: Socket
  readonly #to: Socket
  readonly #weather: Weather
  readonly #direction: 'up' | 'down'
  readonly #count: (bytes: number) => void
  /** An `undefined` chunk is the end of the stream. */
  readonly #held: { due: number; chunk: Buffer | undefined }[] = []
  #heldBytes = 0
  #timer: NodeJS.Timeout | undefined
  /** No byte before this time, because of the throttle. */
  #notBefore = 0

  constructor(from: Socket, to: Socket, weather: Weather, direction: 'up' | 'down', count: (bytes: number) => void) {
    this.#from = from
    this.#to = to
    this.#weather = weather
    this.#direction = direction
    this.#count = count
    from.on('data', (chunk: Buffer) => this.#hold(chunk))
    from.once('end', () => this.#hold(undefined))
    to.on('drain', () => this.run())
    // What is held goes on when `from` has ended well; only without a receiver is there nothing left to do.
    to.once('close', () => {
      clearTimeout(this.#timer)
      this.#held.length = 0
    })
  }

  #hold(chunk: Buffer | undefined): void {
    this.#held.push({ due: performance.now() + this.#weather.delayMs, chunk })
    this.#heldBytes += chunk?.length ?? 0
    this.run()
  }

  /** Passes on what may pass now, and comes back for the rest. */
  run(): void {
    clearTimeout(this.#timer)
    while (this.#held.length > 0 && !this.#weather.frozen[this.#direction] && !this.#to.writableNeedDrain) {
      const wait = this.#waitFor(performance.now())
      if (wait > 0) {
        this.#timer = setTimeout(() => this.run(), wait)
        break
      }
      this.#passOne()
    }
    // A frozen network acknowledges nothing: without reading, the sender's window closes.
    if (this.#weather.frozen[this.#direction] || this.#heldBytes > HELD_BYTES) this.#from.pause()
    else if (this.#from.isPaused()) this.#from.resume()
  }

  #waitFor(now: number): number {
    const due = this.#weather.delayMs === 0 ? 0 : (this.#held[0]?.due ?? 0)
    const notBefore = this.#weather.bytesPerSecond === Infinity ? 0 : this.#notBefore
    return Math.max(due, notBefore) - now
  }

  #passOne(): void {
    const first = this.#held[0]
    if (first === undefined) return
    if (first.chunk === undefined) {
      this.#held.shift()
      this.#to.end()
      return
    }
    const { bytesPerSecond } = this.#weather
    const most =
      bytesPerSecond === Infinity ? first.chunk.length : Math.max(1, Math.ceil(bytesPerSecond / SLICES_A_SECOND))
    const slice = first.chunk.subarray(0, most)
    if (slice.length === first.chunk.length) this.#held.shift()
    else first.chunk = first.chunk.subarray(most)
    this.#heldBytes -= slice.length
    if (bytesPerSecond !== Infinity) this.#notBefore = performance.now() + (slice.length / bytesPerSecond) * 1000
    this.#count(slice.length)
    this.#to.write(slice)
  }
}
