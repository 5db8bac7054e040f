/**
 * The stream that Aedes sees in place of a socket: what it writes goes to the connection's outbox, and what it reads
 * are packets that the gate has found well-formed.
 */
import { Buffer } from 'node:buffer'
import { Duplex } from 'node:stream'
import { Framer, Header } from '../codec/framing.ts'
import type { Connection } from '../gate/connection.ts'

const CONNACK = 2

export class AedesLink extends Duplex {
  readonly connection: Connection
  #unwritten: (() => void) | undefined
  /** Until the CONNACK was written. */
  #unanswered: Framer | undefined = new Framer()
  /** Packets that Aedes wrote before it. */
  #early: Uint8Array[] = []

  constructor(connection: Connection) {
    super({ allowHalfOpen: false })
    this.connection = connection
    // Aedes waits for a drain wherever a write is not taken at once, also when the stream is gone: each publish that
    // reached such a client, in the moment when it closed while it connected, was never done, nor any that followed.
    this.on('newListener', (event) => {
      if (event === 'drain' && this.destroyed) setImmediate(() => this.emit('drain'))
    })
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
    this.#send(chunk)
    this.#written(callback)
  }

  /** mqtt-packet corks the stream while it writes a packet, so that all of it comes in one call. */
  override _writev(chunks: { chunk: Uint8Array }[], callback: () => void): void {
    for (const { chunk } of chunks) this.#send(chunk)
    this.#written(callback)
  }

  override _destroy(_error: Error | null, callback: () => void): void {
    this.connection.destroy()
    callback()
  }

  /**
   * [MQTT-3.2.0-1] Nothing goes before the CONNACK. Aedes restores the subscriptions of a session before it sends one, and
   * what is published in between goes out at once.
   */
  #send(chunk: Uint8Array): void {
    const framer = this.#unanswered
    if (framer === undefined) return this.connection.write(chunk)
    // mqtt-packet writes a packet in pieces, and never two packets in one.
    framer.push(Buffer.from(chunk))
    if (framer.header() !== Header.complete || !framer.body()) return undefined
    this.#early.push(framer.bytes.subarray(framer.start, framer.end))
    if (framer.first >> 4 !== CONNACK) return undefined
    this.#unanswered = undefined
    this.connection.write(this.#early.pop() ?? Buffer.alloc(0))
    for (const packet of this.#early.splice(0)) this.connection.write(packet)
  }

  /** Only between packets may the gate write of its own: so it is Aedes' next packet that waits, never half a one. */
  #written(callback: () => void): void {
    if (this.connection.writable || !this.connection.open) callback()
    else this.#unwritten = callback
  }
}
