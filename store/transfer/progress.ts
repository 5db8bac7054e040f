/**
 * How far an import has come with what a store does not recognise when it comes again: entries of logs, sessions. It is
 * kept in the store, under a name of the export, so that the same export adds nothing when it is imported again, and
 * goes on where it ended when it was not finished.
 */
import { TransferError } from './fields.ts'
import type { Store } from '../contract.ts'

/** How much may be there and not be known of: it is looked for, or put there anew. */
export const WINDOW = 256
const PREFIX = 'import/'
const VERSION = 1
const KEPT_MS = 366 * 86_400_000

/** `new`: it is to be stored. `perhaps`: an import that was not finished may have stored it. `done`: it did. */
export type Whether = 'new' | 'perhaps' | 'done'

export function isProgress(name: string): boolean {
  return name.startsWith(PREFIX)
}

export class Progress {
  readonly #store: Store
  readonly #name: string
  readonly #epoch: number
  /** What an import before had done; `undefined`: there was none. */
  readonly #before: number | undefined
  #at = 0
  #saved: number

  private constructor(store: Store, name: string, epoch: number, before: number | undefined) {
    this.#store = store
    this.#name = name
    this.#epoch = epoch
    this.#before = before
    this.#saved = before ?? 0
  }

  static async open(store: Store, id: string): Promise<Progress> {
    const name = `${PREFIX}${id}`
    const { epoch, state } = await store.openNamedSession(name, false)
    const progress = new Progress(store, name, epoch, state === undefined ? undefined : decode(state))
    if (state === undefined) await store.saveNamedSession(name, epoch, encode(0))
    return progress
  }

  /** The next of them. */
  next(): Whether {
    this.#at += 1
    if (this.#before === undefined) return 'new'
    if (this.#at <= this.#before) return 'done'
    return this.#at <= this.#before + WINDOW ? 'perhaps' : 'new'
  }

  /** All that came is to be stored before more of it begins. */
  get isFull(): boolean {
    return this.#at - this.#saved >= WINDOW
  }

  /** All that came until now is stored. */
  async save(): Promise<void> {
    if (this.#at <= this.#saved) return
    this.#saved = this.#at
    await this.#store.saveNamedSession(this.#name, this.#epoch, encode(this.#at))
  }

  async close(now: number): Promise<void> {
    const state = encode(Math.max(this.#at, this.#saved))
    await this.#store.closeNamedSession(this.#name, this.#epoch, { state, stateExpiresAt: now + KEPT_MS })
  }
}

function encode(done: number): Uint8Array {
  return Buffer.concat([Buffer.from([VERSION]), Buffer.from(String(done))])
}

function decode(state: Uint8Array): number {
  const bytes = Buffer.from(state)
  if (bytes[0] !== VERSION) throw new TransferError('a later version began to import this export here')
  return Number(bytes.toString('utf8', 1))
}
