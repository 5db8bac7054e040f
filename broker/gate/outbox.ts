/**
 * What one turn of the event loop writes to a socket leaves in one system call: packets gather here and all outboxes
 * are flushed together in the check phase.
 */
import type { Duplex } from 'node:stream'

/** Up to this size, copying into one buffer is cheaper than handing the kernel a vector. */
const COPY_BELOW = 16 * 1024

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
      for (const each of dirty) each.flush()
    })
  }
}

export interface OutboxOwner {
  /** So many bytes have gone to the stream; it may need to drain now. */
  flushed(bytes: number): void
}

export class Outbox {
  readonly #stream: Duplex
  readonly #flusher: Flusher
  readonly #owner: OutboxOwner
  #chunks: Uint8Array[] = []
  #bytes = 0

  constructor(stream: Duplex, flusher: Flusher, owner: OutboxOwner) {
    this.#stream = stream
    this.#flusher = flusher
    this.#owner = owner
  }

  /** Bytes that are not with the kernel yet. */
  get pending(): number {
    return this.#bytes + this.#stream.writableLength
  }

  write(chunk: Uint8Array): void {
    if (this.#chunks.length === 0) this.#flusher.add(this)
    this.#chunks.push(chunk)
    this.#bytes += chunk.byteLength
  }

  flush(): void {
    const chunks = this.#chunks
    if (chunks.length === 0) return
    const bytes = this.#bytes
    this.#chunks = []
    this.#bytes = 0
    if (this.#stream.destroyed || this.#stream.writableEnded) return
    const [first] = chunks
    if (chunks.length === 1 && first !== undefined) {
      this.#stream.write(first)
    } else if (bytes <= COPY_BELOW) {
      this.#stream.write(Buffer.concat(chunks, bytes))
    } else {
      this.#stream.cork()
      for (const chunk of chunks) this.#stream.write(chunk)
      this.#stream.uncork()
    }
    this.#owner.flushed(bytes)
  }
}
