/**
 * The stream that Aedes sees in place of a socket: what it writes goes to the connection's outbox, and what it reads
 * are packets that the gate has found well-formed.
 */
import { Duplex } from 'node:stream'
import type { Connection } from '../gate/connection.ts'

export class AedesLink extends Duplex {
  readonly connection: Connection
  #unwritten: (() => void) | undefined

  constructor(connection: Connection) {
    super({ allowHalfOpen: false })
    this.connection = connection
  }

  /** One whole packet for Aedes. False when Aedes is slower than the peer: wait for `onDemand`. */
  feed(packet: Uint8Array): boolean {
    return this.push(packet)
  }

  /** Set while a CONNECT waits: Aedes has sent its CONNACK. */
  answered: () => void = () => undefined

  /** Set by the role: a QoS 2 message was refused, so that no PUBREL will come for it. */
  refused: (packetId: number | undefined) => void = () => undefined

  /** Set by the role: Aedes has read what it was fed. */
  onDemand: () => void = () => undefined

  /** The peer has read what was written. */
  drained(): void {
    const callback = this.#unwritten
    this.#unwritten = undefined
    callback?.()
  }

  override _read(): void {
    this.onDemand()
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, callback: () => void): void {
    this.connection.write(chunk)
    this.#written(callback)
  }

  /** mqtt-packet corks the stream while it writes a packet, so that all of it comes in one call. */
  override _writev(chunks: { chunk: Uint8Array }[], callback: () => void): void {
    for (const { chunk } of chunks) this.connection.write(chunk)
    this.#written(callback)
  }

  override _destroy(_error: Error | null, callback: () => void): void {
    this.connection.destroy()
    callback()
  }

  /** Only between packets may the gate write of its own: so it is Aedes' next packet that waits, never half a one. */
  #written(callback: () => void): void {
    if (this.connection.writable) callback()
    else this.#unwritten = callback
  }
}
