/**
 * Quotas of provider keys over all nodes. A window of time is a row with the amount given out; a process leases a slice
 * at a time, a hundredth at most, and counts down from that. So a quota is never exceeded; what a process has leased
 * but not used when the window ends is lost.
 */
import { PushError } from '../errors.ts'
import type { Provider, Quota, Quotas } from '../topics/index.ts'
import type { TableStore } from './tables.ts'

interface QuotaLeasesOptions {
  readonly store: Pick<TableStore, 'writeRow' | 'readRow'>
  /** Milliseconds since the epoch: windows begin at the same time on all nodes. */
  readonly now: () => number
}

/** A window as this process knows it. */
export interface QuotaState extends Quota {
  /** So much may still be used, as far as is known. */
  readonly left: number
  /** Until the next window, seconds, rounded up. */
  readonly endsIn: number
}

type Limited = Pick<Provider, 'keyId' | 'quotas'>

const TABLE = 'quotas'
const VERSION = 1
/** A slice is this part of a quota. */
const SLICES = 100
/** A process that loses every race for a slice tells its client to try again. */
const TRIES = 100
/** A row outlives its window by this: clocks of nodes differ, ms. */
const MARGIN_MS = 60_000
/** As many keys are remembered before those whose windows are over are forgotten. */
const FIRST_SWEEP = 256

export class QuotaLeases {
  readonly #options: QuotaLeasesOptions
  readonly #byKey = new Map<string, KeyQuota>()
  #sweepAt = FIRST_SWEEP

  constructor(options: QuotaLeasesOptions) {
    this.#options = options
  }

  /**
   * Counts receivers, all or none. Undefined: counted; otherwise counted when it resolves, in the order of the calls.
   * @throws QUOTA_EXCEEDED (rejects), with the time until the next window; STORE_UNAVAILABLE
   */
  take(provider: Limited, receivers: number): Promise<void> | undefined {
    return this.#of(provider)?.take(receivers)
  }

  /** They were counted at that time or later, and got nothing. */
  giveBack(provider: Limited, receivers: number, since: number): void {
    this.#of(provider)?.giveBack(receivers, since)
  }

  state(provider: Limited): readonly QuotaState[] {
    return this.#of(provider)?.state() ?? []
  }

  #of({ keyId, quotas }: Limited): KeyQuota | undefined {
    if (keyId === undefined || quotas === undefined) return undefined
    let known = this.#byKey.get(keyId)
    if (known === undefined) {
      if (this.#byKey.size >= this.#sweepAt) this.#sweep()
      known = new KeyQuota(keyId, this.#options)
      this.#byKey.set(keyId, known)
    }
    known.hold(quotas)
    return known
  }

  #sweep(): void {
    for (const [keyId, quota] of this.#byKey) if (quota.isOver()) this.#byKey.delete(keyId)
    this.#sweepAt = Math.max(FIRST_SWEEP, this.#byKey.size * 2)
  }
}

/** All windows of one key. */
class KeyQuota {
  readonly #keyId: string
  readonly #options: QuotaLeasesOptions
  #quotas: Quotas | undefined
  #windows: readonly Window[] = []
  /** The last caller waiting for a slice: later callers wait behind it. */
  #last: Promise<void> | undefined

  constructor(keyId: string, options: QuotaLeasesOptions) {
    this.#keyId = keyId
    this.#options = options
  }

  /** They may have been changed; what was used of windows that are as long stays used. */
  hold(quotas: Quotas): void {
    if (quotas === this.#quotas) return
    this.#quotas = quotas
    const known = new Map(this.#windows.map((window) => [window.quota.seconds, window]))
    this.#windows = quotas.receivers.map((quota) => {
      const window = known.get(quota.seconds) ?? new Window(`${this.#keyId}/${quota.seconds}`, quota, this.#options)
      window.change(quota)
      return window
    })
  }

  take(receivers: number): Promise<void> | undefined {
    if (this.#last === undefined && this.#has(receivers)) return this.#use(receivers)
    const taken = (this.#last ?? Promise.resolve()).then(() => this.#lease(receivers))
    const last: Promise<void> = taken
      .catch(() => undefined)
      .then(() => {
        if (this.#last === last) this.#last = undefined
      })
    this.#last = last
    return taken
  }

  giveBack(receivers: number, since: number): void {
    for (const window of this.#windows) window.giveBack(receivers, since)
  }

  state(): readonly QuotaState[] {
    return this.#windows.map((window) => window.state())
  }

  isOver(): boolean {
    return this.#last === undefined && this.#windows.every((window) => window.isOver())
  }

  #has(receivers: number): boolean {
    return this.#windows.every((window) => window.has(receivers))
  }

  #use(receivers: number): undefined {
    for (const window of this.#windows) window.use(receivers)
  }

  async #lease(receivers: number): Promise<void> {
    // Time passes while one is leased, and another one may have begun anew.
    while (!this.#has(receivers)) {
      this.#refuse(receivers)
      for (const window of this.#windows) if (!window.has(receivers)) await window.lease(receivers)
    }
    this.#use(receivers)
  }

  #refuse(receivers: number): void {
    const used = this.#windows.filter((window) => !window.mayLease(receivers)).map((window) => window.state())
    if (used.length === 0) return
    const told = used.map(({ count, seconds }) => `${count} receivers in ${seconds} s`).join(', ')
    throw new PushError('QUOTA_EXCEEDED', told, { retryAfter: Math.max(...used.map(({ endsIn }) => endsIn)) })
  }
}

/** One window of one key: the present one. */
class Window {
  readonly #name: string
  readonly #options: QuotaLeasesOptions
  quota: Quota
  /** Windows are counted from 1970. */
  #number = -1
  /** Leased, and not used. */
  #leased = 0
  /** Given out to all processes, as far as is known: it is never less. */
  #given = 0
  /** Version of the row. */
  #version = 0

  constructor(name: string, quota: Quota, options: QuotaLeasesOptions) {
    this.#name = name
    this.quota = quota
    this.#options = options
  }

  change(quota: Quota): void {
    // Of less, a slice is smaller.
    if (quota.count < this.quota.count) this.#leased = 0
    this.quota = quota
  }

  has(receivers: number): boolean {
    this.#turn()
    return this.#leased >= receivers
  }

  use(receivers: number): void {
    this.#leased -= receivers
  }

  /** What was leased in a window that is over is of no use in the next. */
  giveBack(receivers: number, since: number): void {
    this.#turn()
    if (this.#numberAt(since) === this.#number) this.#leased += receivers
  }

  mayLease(receivers: number): boolean {
    this.#turn()
    return receivers <= this.#leased + this.#free
  }

  /** As much as is needed, and a slice where there is one. Where others were faster, it knows more of them afterwards. */
  async lease(receivers: number): Promise<void> {
    for (let tries = 0; tries < TRIES && !this.has(receivers) && this.mayLease(receivers); tries++) {
      const slice = Math.max(1, Math.floor(this.quota.count / SLICES))
      const wanted = Math.min(this.#free, Math.max(slice, receivers - this.#leased))
      if (await this.#write(wanted)) return
      await this.#read()
    }
    if (!this.has(receivers) && this.mayLease(receivers))
      throw new PushError('STORE_UNAVAILABLE', 'too many requests use this quota at the same time')
  }

  state(): QuotaState {
    this.#turn()
    const endsIn = Math.max(1, Math.ceil((this.#end - this.#options.now()) / 1000))
    return { ...this.quota, left: Math.max(0, this.#leased + this.#free), endsIn }
  }

  isOver(): boolean {
    return this.#options.now() >= this.#end
  }

  get #free(): number {
    return this.quota.count - this.#given
  }

  get #end(): number {
    return (this.#number + 1) * this.quota.seconds * 1000
  }

  get #row(): string {
    return `${this.#name}/${this.#number}`
  }

  #turn(): void {
    const number = this.#numberAt(this.#options.now())
    if (number === this.#number) return
    this.#number = number
    this.#leased = 0
    this.#given = 0
    this.#version = 0
  }

  #numberAt(time: number): number {
    return Math.floor(time / (this.quota.seconds * 1000))
  }

  /** False: the row is another one. */
  async #write(wanted: number): Promise<boolean> {
    const row = this.#row
    const given = this.#given + wanted
    const version = await this.#options.store.writeRow({
      table: TABLE,
      key: row,
      value: encode(given),
      expiresAt: this.#end + MARGIN_MS,
      expected: this.#version,
    })
    if (version === undefined) return false
    // The window may be over by now.
    if (row !== this.#row) return true
    this.#version = version
    this.#given = given
    this.#leased += wanted
    return true
  }

  async #read(): Promise<void> {
    const row = this.#row
    const found = await this.#options.store.readRow(TABLE, row)
    if (row !== this.#row) return
    this.#version = found?.version ?? 0
    this.#given = Math.max(this.#given, found === undefined ? 0 : decode(found.value))
  }
}

/** The version (1), and how much is given out. */
function encode(given: number): Uint8Array {
  const bytes = Buffer.alloc(9)
  bytes.writeUInt8(VERSION, 0)
  bytes.writeBigUInt64BE(BigInt(given), 1)
  return bytes
}

/** Of a version that is not known, all is. */
function decode(bytes: Uint8Array): number {
  const value = Buffer.from(bytes)
  return value[0] === VERSION && value.length === 9 ? Number(value.readBigUInt64BE(1)) : Number.MAX_SAFE_INTEGER
}
