/**
 * What of MQTT a floor speaks: it reads frames, finds sockets by exact topic, and writes once a turn to each. No sessions, no
 * checks, no acknowledgement awaited. With a store what one turn brought is stored there before anything of it goes on.
 */
import { createServer } from 'node:net'
import { eachFrame } from '../load/frames.ts'
import type { Write } from './writes.ts'

const CONNECT = 1
const PUBLISH = 3
const SUBSCRIBE = 8
const CONNACK = Buffer.from([0x20, 2, 0, 0])
const QOS_1 = 0x32
export const EMPTY = Buffer.alloc(0)

export interface Peer {
  readonly socket: { write(bytes: Buffer): unknown }
  rest: Buffer
  out: Buffer[]
  packetId: number
}

export class BareBroker {
  readonly #peers = new Map<string, Set<Peer>>()
  readonly #store: Write | undefined
  #dirty: Peer[] = []
  #unstored: Buffer[] = []
  #isStoring = false

  constructor(store: Write | undefined) {
    this.#store = store
  }

  listen(port: number): Promise<void> {
    const server = createServer({ noDelay: true }, (socket) => {
      const peer: Peer = { socket, rest: EMPTY, out: [], packetId: 0 }
      socket.on('data', (chunk: Buffer) => this.#read(peer, chunk))
      socket.on('end', () => socket.end())
      socket.on('error', () => socket.destroy())
      socket.on('close', () => {
        for (const set of this.#peers.values()) set.delete(peer)
      })
    })
    return new Promise((listening) => server.listen(port, '127.0.0.1', 511, listening))
  }

  /** Nothing that is written from now on goes out before this is stored. */
  keep(message: Buffer): void {
    this.#unstored.push(message)
  }

  write(peer: Peer, bytes: Buffer): void {
    if (peer.out.push(bytes) > 1) return
    if (this.#dirty.push(peer) === 1) setImmediate(this.#flush)
  }

  /** To all who subscribed, a packet of their own each. */
  publish(topic: string, payload: Buffer): void {
    for (const peer of this.#peers.get(topic) ?? []) {
      const { packet, packetIdAt } = encode(topic, payload)
      this.#send(peer, packet, packetIdAt)
    }
  }

  #send(peer: Peer, packet: Buffer, packetIdAt: number): void {
    peer.packetId = (peer.packetId % 65_535) + 1
    packet.writeUInt16BE(peer.packetId, packetIdAt)
    this.write(peer, packet)
  }

  readonly #flush = (): void => {
    if (this.#store !== undefined) return void this.#storeAll(this.#store)
    const all = this.#dirty
    this.#dirty = []
    for (const peer of all) {
      const { out } = peer
      peer.out = []
      peer.socket.write(out.length === 1 && out[0] !== undefined ? out[0] : Buffer.concat(out))
    }
  }

  async #storeAll(store: Write): Promise<void> {
    if (this.#isStoring) return
    this.#isStoring = true
    while (this.#unstored.length > 0 || this.#dirty.length > 0) {
      const [batch, all] = [this.#unstored, this.#dirty.map((peer) => ({ peer, out: peer.out }))]
      this.#unstored = []
      this.#dirty = []
      for (const { peer } of all) peer.out = []
      if (batch.length > 0) await store(batch)
      for (const { peer, out } of all) peer.socket.write(Buffer.concat(out))
    }
    this.#isStoring = false
  }

  #read(peer: Peer, chunk: Buffer): void {
    const bytes = peer.rest.length === 0 ? chunk : Buffer.concat([peer.rest, chunk])
    peer.rest = eachFrame(bytes, (at, start, end) => this.#handle(peer, bytes, at, start, end))
  }

  #handle(peer: Peer, bytes: Buffer, at: number, start: number, end: number): void {
    const type = (bytes[at] ?? 0) >> 4
    if (type === PUBLISH) {
      const idAt = start + 2 + bytes.readUInt16BE(start)
      const packet = bytes.subarray(at, end)
      packet[0] = QOS_1
      if (this.#store !== undefined) this.#unstored.push(packet)
      const receivers = this.#peers.get(bytes.toString('latin1', start + 2, idAt)) ?? []
      // A copy of the packet as it came.
      for (const each of receivers) this.#send(each, Buffer.from(packet), idAt - at)
      this.write(peer, Buffer.from([0x40, 2, bytes[idAt] ?? 0, bytes[idAt + 1] ?? 0]))
    } else if (type === SUBSCRIBE) {
      this.#subscribe(peer, bytes, start, end)
    } else if (type === CONNECT) {
      this.write(peer, CONNACK)
    }
  }

  #subscribe(peer: Peer, bytes: Buffer, start: number, end: number): void {
    const granted: number[] = []
    for (let next = start + 2; next < end; ) {
      const length = bytes.readUInt16BE(next)
      const topic = bytes.toString('latin1', next + 2, next + 2 + length)
      this.#peers.set(topic, (this.#peers.get(topic) ?? new Set()).add(peer))
      granted.push(1)
      next += length + 3
    }
    this.write(peer, Buffer.from([0x90, 2 + granted.length, bytes[start] ?? 0, bytes[start + 1] ?? 0, ...granted]))
  }
}

/** A PUBLISH without its packet id; the topic is ASCII. */
function encode(topic: string, payload: Buffer): { readonly packet: Buffer; readonly packetIdAt: number } {
  const length = 2 + topic.length + 2 + payload.length
  const packet = Buffer.allocUnsafe(5 + length)
  let at = 1
  packet[0] = QOS_1
  for (let rest = length; rest > 0; rest >>= 7) packet[at++] = (rest & 127) | (rest > 127 ? 128 : 0)
  packet.writeUInt16BE(topic.length, at)
  const packetIdAt = at + 2 + packet.write(topic, at + 2, 'latin1')
  payload.copy(packet, packetIdAt + 2)
  return { packet: packet.subarray(0, at + length), packetIdAt }
}
