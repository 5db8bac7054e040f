/**
 * A lease: work that only one of the processes that share a store may do. The holder keeps rewriting a row; another
 * process takes over when the row has not changed for the length of a lease by its own clock. So clocks of different
 * machines are never compared.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { NodeChannel } from './node-channel.ts'
import type { TableStore } from './tables.ts'

export interface Lease {
  /**
   * Resolves when this process alone holds the lease, with a signal that is aborted when it no longer does, also after
   * `release`. If the store fails meanwhile, it waits. Rejects if `signal` is aborted.
   */
  hold(signal: AbortSignal): Promise<AbortSignal>
  /** Another process may take it at once. */
  release(): Promise<void>
}

export interface LeaseOptions {
  readonly store: Pick<TableStore, 'writeRow' | 'readRow'> & { readonly nodes?: NodeChannel }
  readonly name: string
  /** Of this process, and no other. */
  readonly holder: string
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number
  readonly lastsMs?: number
}

const TABLE = 'leases'
const LASTS_MS = 15_000
/**
 * Fractions of the length of a lease: when to rewrite it, when to check it, and when to give it up before another
 * process takes it.
 */
const RENEWED = 1 / 5
const LOOKED_AT = 1 / 10
const GIVEN_UP = 3 / 5

export class StoreLease implements Lease {
  readonly #options: LeaseOptions
  readonly #lastsMs: number
  #version = 0
  #renewedAt = 0
  #held: AbortController | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: LeaseOptions) {
    this.#options = options
    this.#lastsMs = options.lastsMs ?? LASTS_MS
  }

  async hold(signal: AbortSignal): Promise<AbortSignal> {
    signal.throwIfAborted()
    if (this.#held !== undefined) return this.#held.signal
    const isAlone = this.#options.store.nodes === undefined
    if (!isAlone) await this.#take(signal)
    if (signal.aborted) {
      await this.#giveBack()
      signal.throwIfAborted()
    }
    const held = new AbortController()
    this.#held = held
    if (!isAlone) this.#timer = setInterval(() => void this.#renew(held), this.#lastsMs * RENEWED).unref()
    return held.signal
  }

  async release(): Promise<void> {
    const held = this.#held
    if (held === undefined) return
    this.#lose(held)
    await this.#giveBack()
  }

  async #giveBack(): Promise<void> {
    const { store, name } = this.#options
    if (store.nodes === undefined) return
    // A row without holder counts like an expired one.
    await store.writeRow({ table: TABLE, key: name, expected: this.#version }).catch(() => undefined)
  }

  async #take(signal: AbortSignal): Promise<void> {
    const { monotonic } = this.#options
    let seen = -1
    let since = monotonic()
    for (;;) {
      const version = await this.#presentVersion()
      if (version !== undefined) {
        if (version !== seen) {
          seen = version
          since = monotonic()
        }
        const isOver = version === 0 || monotonic() - since >= this.#lastsMs
        if (isOver && (await this.#write(version))) return
      }
      await delay(this.#lastsMs * LOOKED_AT, undefined, { signal, ref: false })
    }
  }

  /** 0: nobody or this process holds it, as far as the store knows. Undefined: the store does not answer. */
  async #presentVersion(): Promise<number | undefined> {
    const { store, name, holder } = this.#options
    try {
      const row = await store.readRow(TABLE, name)
      if (row === undefined) this.#version = 0
      else if (Buffer.from(row.value).toString() === holder) this.#version = row.version
      else return row.version
      return 0
    } catch {
      return undefined
    }
  }

  /** Only if the row is unchanged. */
  async #write(seen: number): Promise<boolean> {
    const { store, name, holder, monotonic } = this.#options
    const expected = seen === 0 ? this.#version : seen
    const at = monotonic()
    try {
      const version = await store.writeRow({ table: TABLE, key: name, value: Buffer.from(holder), expected })
      if (version === undefined) return false
      this.#version = version
      this.#renewedAt = at
      return true
    } catch {
      return false
    }
  }

  async #renew(held: AbortController): Promise<void> {
    if (this.#held !== held) return
    // Even while the store has not answered an earlier write.
    if (this.#hasRunOut) return this.#lose(held)
    if (await this.#write(0)) return
    // A write that failed may have been stored; so may one of another holder.
    const present = await this.#presentVersion()
    const isTaken = present !== undefined && present !== 0
    if (isTaken || this.#hasRunOut) this.#lose(held)
  }

  /** Another process may take it soon. */
  get #hasRunOut(): boolean {
    return this.#options.monotonic() - this.#renewedAt >= this.#lastsMs * GIVEN_UP
  }

  #lose(held: AbortController): void {
    if (this.#held !== held) return
    clearInterval(this.#timer)
    this.#held = undefined
    held.abort()
  }
}
