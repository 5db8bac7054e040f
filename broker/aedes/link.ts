/**
 * The stream that Aedes sees in place of a socket: what it writes goes to the connection's outbox, and what it reads
 * are packets that the gate has found well-formed.
 */
import { Duplex } from 'node:stream'
import { eachPacket, withSessionPresent } from './packets.ts'
import type { Connection } from '../gate/connection.ts'

const CONNACK = 0x20
const SUBACK = 0x90
const UNSUBACK = 0xb0

export class AedesLink extends Duplex {
  readonly connection: Connection
  #unwritten: (() => void) | undefined

  constructor(connection: Connection) {
    super({ allowHalfOpen: false })
    this.connection = connection
    // Aedes waits for a drain wherever a write is not taken at once, also when the stream is gone: each publish that
    // reached such a client, in the moment when it closed while it connected, was never done, nor any that followed.
    this.on('newListener', (event) => {
      if (event === 'drain' && this.destroyed) setImmediate(() => this.emit('drain'))
    })
  }

  /** As a socket has it. */
  get remoteAddress(): string {
    return this.connection.remoteAddress
  }

  /** One whole packet for Aedes. False when Aedes is slower than the peer: wait for `onDemand`. */
  feed(packet: Uint8Array): boolean {
    return this.push(packet)
  }

  /** Set while a CONNECT waits: Aedes has sent its CONNACK. */
  answered: () => void = () => undefined

  /** The session goes on with what an earlier connection left; Aedes would say so only where it has subscriptions. */
  sessionPresent = false

  /** Set by the handler: the acknowledgement of a SUBSCRIBE or UNSUBSCRIBE, which is the handler's to send. */
  acknowledged: (packet: Buffer) => void = () => undefined

  /** Set by the handler: Aedes has read what it was fed. */
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

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.#send(chunk)
    this.#written(callback)
  }

  /** mqtt-packet corks the stream while it writes a packet, so that all of it comes in one call. */
  override _writev(chunks: { chunk: Buffer }[], callback: () => void): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)))
    this.#written(callback)
  }

  /** Whole packets of Aedes: never PUBLISH, which is not left to it. */
  #send(packets: Buffer): void {
    for (const packet of eachPacket(packets)) {
      const type = packet.readUInt8(0) & 0xf0
      const known = type === CONNACK ? withSessionPresent(packet, this.sessionPresent, this.connection.level) : packet
      if (type === SUBACK || type === UNSUBACK) this.acknowledged(packet)
      else this.connection.write(known)
    }
  }

  override _destroy(_error: Error | null, callback: () => void): void {
    this.connection.destroy()
    callback()
  }

  /** Only between packets may the gate write of its own: so it is Aedes' next packet that waits, never half a one. */
  #written(callback: () => void): void {
    if (this.connection.writable || !this.connection.open) callback()
    else this.#unwritten = callback
  }
}
