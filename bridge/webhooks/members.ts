/**
 * The nodes that deliver. Each keeps rewriting a row; a node whose row has not changed for a while, by the clock of the
 * observer, counts as dead. A node that cannot write its row stops delivering earlier than that.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { Store } from '../../store/contract.ts'

export const NODES_TABLE = 'webhook-nodes'

/** Between two writes, ms. */
const BEAT_MS = 2_000
/** Without a successful write for this long, it starts no attempt, and ends the one in flight a little later, ms. */
const SURE_MS = 5_000
/** A row unchanged for this long belongs to a dead node, ms: longer than all of that. */
const GONE_MS = 10_000
/** Then its row is deleted, otherwise nodes that are killed repeatedly would fill the table, ms. */
const FORGOTTEN_MS = 600_000
/** Expiry by the wall clock, if no node is left to delete the row, ms. */
const ROW_MS = 24 * 60 * 60 * 1000
const MOST_NODES = 1_000

export interface MembersOptions {
  readonly store: Pick<Store, 'writeRow' | 'readRows' | 'nodes'>
  readonly now: () => number
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number
  readonly failed: (error: unknown) => void
  /** The members, or the certainty of this node, changed. */
  readonly changed: () => void
}

interface Seen {
  readonly version: number
  /** By the monotonic clock. */
  readonly at: number
}

export class Members {
  readonly id = randomBytes(12).toString('base64url')
  readonly #options: MembersOptions
  readonly #seen = new Map<string, Seen>()
  #confirmedAt = Number.NEGATIVE_INFINITY
  /** Of those that live, as the last look found. */
  #others: readonly string[] = []
  #wasSure = false
  #timer: NodeJS.Timeout | undefined
  #beating: Promise<void> | undefined
  #isClosed = false

  constructor(options: MembersOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#beat(), BEAT_MS).unref()
    this.#beat()
  }

  /** Whether nobody else delivers what this node has taken. */
  get isSure(): boolean {
    return !this.#isClosed && (this.#isAlone || this.#options.monotonic() - this.#confirmedAt < SURE_MS)
  }

  /** False also for one that this node has not heard of yet: it may have died before. */
  isGone(node: string): boolean {
    if (node === this.id) return false
    if (this.#isAlone) return true
    const seen = this.#seen.get(node)
    if (seen !== undefined) return this.#options.monotonic() - seen.at >= GONE_MS
    // Its row went with its end, or after a day.
    return this.isSure
  }

  /** Who should deliver this: the same for all nodes that know of each other. */
  isMine(webhook: string): boolean {
    if (this.#others.length === 0) return true
    const mine = weight(webhook, this.id)
    return this.#others.every((node) => weight(webhook, node) <= mine)
  }

  /** Deletes its row, so that others need not wait. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#timer)
    await this.#beating
    if (this.#isAlone) return
    const { store, failed } = this.#options
    await store.writeRow({ table: NODES_TABLE, key: this.id }).catch(failed)
  }

  /** One process has the store to itself. */
  get #isAlone(): boolean {
    return this.#options.store.nodes === undefined
  }

  #beat(): void {
    if (this.#isAlone || this.#isClosed) return
    // Also while a write is not answered.
    this.#look()
    this.#beating ??= this.#tell()
      .catch((error: unknown) => this.#options.failed(error))
      .finally(() => {
        this.#beating = undefined
        this.#look()
      })
  }

  /** Reports changes only, because listeners go through all webhooks. */
  #look(): void {
    const { isSure } = this
    const others = [...this.#seen.keys()].filter((node) => !this.isGone(node)).sort()
    if (isSure === this.#wasSure && others.join() === this.#others.join()) return
    this.#wasSure = isSure
    this.#others = others
    this.#options.changed()
  }

  async #tell(): Promise<void> {
    const { store, now, monotonic } = this.#options
    const at = monotonic()
    const value = Buffer.from([1])
    await store.writeRow({ table: NODES_TABLE, key: this.id, value, expiresAt: now() + ROW_MS, isUrgent: true })
    const rows = await store.readRows(NODES_TABLE, '', MOST_NODES)
    const found = new Set(rows.map(({ key }) => key))
    for (const { key, version } of rows)
      if (key !== this.id && this.#seen.get(key)?.version !== version) this.#seen.set(key, { version, at })
    for (const key of this.#seen.keys()) if (!found.has(key)) this.#seen.delete(key)
    this.#confirmedAt = at
    await Promise.all(
      rows.map(async ({ key, version }) => {
        // A node that is alive after all, and wrote meanwhile, keeps its row.
        if (at - (this.#seen.get(key)?.at ?? at) >= FORGOTTEN_MS)
          await store.writeRow({ table: NODES_TABLE, key, expected: version })
      }),
    )
  }
}

function weight(webhook: string, node: string): string {
  return createHash('sha256').update(`${webhook} ${node}`).digest('hex')
}
