/**
 * The stream between an embedding program's Aedes and one of its own clients. Our decoder has checked every packet
 * before Aedes reads it; what Aedes writes passes unchanged.
 */
import { Duplex } from 'node:stream'
import type { PeerCertificate } from 'node:tls'
import type { Connection } from '../gate/connection.ts'

/** What a TLS socket has besides. */
interface Secured {
  readonly remotePort?: number
  readonly encrypted?: boolean
  readonly authorized?: boolean
  getPeerCertificate?(): PeerCertificate
}

export class NativeLink extends Duplex {
  readonly #connection: Connection
  /** Aedes has read what it was given. */
  #read: (() => void) | undefined
  /** The peer has read what it was sent. */
  #written: (() => void) | undefined

  constructor(connection: Connection) {
    super({ allowHalfOpen: false })
    this.#connection = connection
    // Aedes waits for a drain wherever a write is not taken at once, also of a stream that is gone: a publish that reached
    // such a client in the moment when it closed would never be done, nor any that followed.
    this.on('newListener', (event) => {
      if (event === 'drain' && this.destroyed) setImmediate(() => this.emit('drain'))
    })
  }

  // As a socket has them, for the hooks of the embedding program.

  get remoteAddress(): string {
    return this.#connection.remoteAddress
  }

  get remotePort(): number | undefined {
    return this.#socket.remotePort
  }

  get encrypted(): boolean {
    return this.#socket.encrypted === true
  }

  get authorized(): boolean {
    return this.#socket.authorized === true
  }

  getPeerCertificate(): PeerCertificate | undefined {
    return this.#socket.getPeerCertificate?.()
  }

  get #socket(): Duplex & Secured {
    return this.#connection.stream
  }

  /** A packet for Aedes; the next one waits until Aedes has read this one. */
  feed(packet: Buffer): void | Promise<void> {
    if (this.push(packet) || this.destroyed) return
    return new Promise((resolve) => {
      this.#read = resolve
    })
  }

  /** The peer has read what it was sent. */
  drained(): void {
    const done = this.#written
    this.#written = undefined
    done?.()
  }

  /** The connection is over. Aedes still gets to read what came before that. */
  finish(): void {
    this.#goOn()
    this.drained()
    if (!this.destroyed) this.push(null)
  }

  override _read(): void {
    this.#goOn()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.#connection.pass(chunk)
    this.#taken(callback)
  }

  /** mqtt-packet corks the stream while it writes a packet: all of it comes in one call. */
  override _writev(chunks: { chunk: Buffer }[], callback: () => void): void {
    this.#connection.pass(Buffer.concat(chunks.map(({ chunk }) => chunk)))
    this.#taken(callback)
  }

  override _final(callback: () => void): void {
    this.#connection.destroy()
    callback()
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#goOn()
    this.#connection.destroy()
    callback(error)
  }

  #goOn(): void {
    const resolve = this.#read
    this.#read = undefined
    resolve?.()
  }

  /** Between packets the gate may write of its own, so it is the next one that waits, never half a one. */
  #taken(callback: () => void): void {
    if (this.#connection.writable || !this.#connection.open) callback()
    else this.#written = callback
  }
}
