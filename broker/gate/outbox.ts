/**
 * Batches what one turn of the event loop writes to a socket into one system call: all outboxes are flushed together in
 * the check phase. To a slow consumer, data goes out in slices, which shows when it reads some.
 */
import type { Duplex } from 'node:stream'

/** Up to this size, copying into one buffer is cheaper than handing the kernel a vector. */
const COPY_BELOW = 16 * 1024
/** As much as a stream is given before it says that it took it. */
const SLICE = 64 * 1024

export class Flusher {
  #dirty: Outbox[] = []
  #scheduled = false

  add(outbox: Outbox): void {
    this.#dirty.push(outbox)
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      const dirty = this.#dirty
      this.#dirty = []
      for (const each of dirty) each.flushOwn()
    })
  }
}

export interface OutboxOwner {
  /** Bytes were written to the stream, which may need to drain now. */
  flushed(bytes: number): void
  /** The stream took what it was given last; called where it would not say so itself. */
  took(): void
  /** It could not be written. */
  failed(error: unknown): void
}

/** Of all that have nothing to write; never changed. */
const NONE: Uint8Array[] = []

export class Outbox {
  readonly #stream: Duplex
  readonly #flusher: Flusher
  readonly #owner: OutboxOwner
  readonly #took: (() => void) | undefined
  #chunks = NONE
  #bytes = 0

  /** `highWater`: number of bytes from which the owner waits. */
  constructor(stream: Duplex, flusher: Flusher, owner: OutboxOwner, highWater: number) {
    this.#stream = stream
    this.#flusher = flusher
    this.#owner = owner
    // A stream tells of no drain below its own mark, where an owner with a lower one already waits.
    this.#took = highWater < stream.writableHighWaterMark ? () => owner.took() : undefined
  }

  /** Bytes that are not with the kernel yet. */
  get pending(): number {
    return this.#bytes + this.#stream.writableLength
  }

  /** The same, as so many packets: what the stream has counts as one. */
  get packets(): number {
    return this.#chunks.length + (this.#stream.writableLength > 0 ? 1 : 0)
  }

  write(chunk: Uint8Array): void {
    if (this.#chunks === NONE) {
      this.#flusher.add(this)
      this.#chunks = [chunk]
    } else {
      this.#chunks.push(chunk)
    }
    this.#bytes += chunk.byteLength
  }

  /** For who flushes many: one that cannot be written keeps no other back. */
  flushOwn(): void {
    try {
      this.flush()
    } catch (error) {
      this.#clear()
      this.#owner.failed(error)
    }
  }

  /** Writes until the stream needs to drain; then call it again. */
  flush(): void {
    const bytes = this.#bytes
    if (bytes === 0 || this.#isGone()) return this.#clear()
    while (this.#bytes > 0 && !this.#stream.writableNeedDrain) this.#give(this.#take(SLICE))
    this.#owner.flushed(bytes)
  }

  /** Writes all, for nothing can be written later. */
  finish(): void {
    if (!this.#isGone()) this.#give(this.#take(Number.POSITIVE_INFINITY))
    this.#clear()
  }

  #isGone(): boolean {
    return this.#stream.destroyed || this.#stream.writableEnded
  }

  #clear(): void {
    this.#chunks = NONE
    this.#bytes = 0
  }

  /** The first chunks, up to a number of bytes. */
  #take(most: number): Uint8Array[] {
    const all = this.#chunks
    if (this.#bytes <= most) {
      this.#clear()
      return all
    }
    const taken: Uint8Array[] = []
    let left = most
    for (const chunk of all) {
      if (left === 0) break
      const part = chunk.byteLength <= left ? chunk : chunk.subarray(0, left)
      taken.push(part)
      left -= part.byteLength
    }
    const last = taken.length - 1
    const cut = (all[last]?.byteLength ?? 0) - (taken[last]?.byteLength ?? 0)
    this.#chunks = all.slice(cut === 0 ? taken.length : last)
    const [first] = this.#chunks
    if (cut > 0 && first !== undefined) this.#chunks[0] = first.subarray(first.byteLength - cut)
    this.#bytes -= most
    return taken
  }

  #give(chunks: Uint8Array[]): void {
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0)
    const [first] = chunks
    if (first === undefined) return
    if (chunks.length === 1) {
      this.#stream.write(first, this.#took)
    } else if (bytes <= COPY_BELOW) {
      this.#stream.write(Buffer.concat(chunks, bytes), this.#took)
    } else {
      this.#stream.cork()
      for (const chunk of chunks) this.#stream.write(chunk, this.#took)
      this.#stream.uncork()
    }
  }
}
