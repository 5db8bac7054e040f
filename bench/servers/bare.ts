/**
 * What Node and the kernel cost without a broker: `node bare.js <port> [synced | level | <URL of Redis>]`. It reads frames, finds
 * sockets by exact topic, and writes once a turn to each. No sessions, no checks, no acknowledgement awaited: a floor, not a
 * server. With a place what one turn brought is stored there before anything of it goes on.
 */
import { createServer, type Socket } from 'node:net'
import { eachFrame } from '../load/frames.ts'
import { openWrite } from './writes.ts'

const CONNECT = 1
const PUBLISH = 3
const SUBSCRIBE = 8
const CONNACK = Buffer.from([0x20, 2, 0, 0])
const QOS_1 = 0x32

interface Peer {
  readonly socket: Socket
  rest: Buffer
  out: Buffer[]
  packetId: number
}

const peers = new Map<string, Set<Peer>>()
let dirty: Peer[] = []

function write(peer: Peer, bytes: Buffer): void {
  if (peer.out.push(bytes) > 1) return
  if (dirty.push(peer) === 1) setImmediate(flush)
}

const store = await openWrite(process.argv[3])
let unstored: Buffer[] = []
let storing = false

async function storeAll(): Promise<void> {
  if (store === undefined || storing) return
  storing = true
  while (unstored.length > 0 || dirty.length > 0) {
    const [batch, all] = [unstored, dirty.map((peer) => ({ peer, out: peer.out }))]
    unstored = []
    dirty = []
    for (const { peer } of all) peer.out = []
    if (batch.length > 0) await store(batch)
    for (const { peer, out } of all) peer.socket.write(Buffer.concat(out))
  }
  storing = false
}

function flush(): void {
  if (store !== undefined) return void storeAll()
  const all = dirty
  dirty = []
  for (const peer of all) {
    const { out } = peer
    peer.out = []
    peer.socket.write(out.length === 1 && out[0] !== undefined ? out[0] : Buffer.concat(out))
  }
}

/** A copy of the packet as it came, with a packet id of this peer. */
function forward(peer: Peer, packet: Buffer, packetIdAt: number): void {
  const copy = Buffer.from(packet)
  peer.packetId = (peer.packetId % 65_535) + 1
  copy.writeUInt16BE(peer.packetId, packetIdAt)
  write(peer, copy)
}

function handle(peer: Peer, bytes: Buffer, at: number, start: number, end: number): void {
  const type = (bytes[at] ?? 0) >> 4
  if (type === PUBLISH) {
    const idAt = start + 2 + bytes.readUInt16BE(start)
    const packet = bytes.subarray(at, end)
    packet[0] = QOS_1
    if (store !== undefined) unstored.push(packet)
    for (const each of peers.get(bytes.toString('latin1', start + 2, idAt)) ?? []) forward(each, packet, idAt - at)
    write(peer, Buffer.from([0x40, 2, bytes[idAt] ?? 0, bytes[idAt + 1] ?? 0]))
  } else if (type === SUBSCRIBE) {
    const granted: number[] = []
    for (let next = start + 2; next < end; ) {
      const length = bytes.readUInt16BE(next)
      const topic = bytes.toString('latin1', next + 2, next + 2 + length)
      peers.set(topic, (peers.get(topic) ?? new Set()).add(peer))
      granted.push(1)
      next += length + 3
    }
    write(peer, Buffer.from([0x90, 2 + granted.length, bytes[start] ?? 0, bytes[start + 1] ?? 0, ...granted]))
  } else if (type === CONNECT) {
    write(peer, CONNACK)
  }
}

function read(peer: Peer, chunk: Buffer): void {
  const bytes = peer.rest.length === 0 ? chunk : Buffer.concat([peer.rest, chunk])
  peer.rest = eachFrame(bytes, (at, start, end) => handle(peer, bytes, at, start, end))
}

createServer({ noDelay: true }, (socket) => {
  const peer: Peer = { socket, rest: Buffer.alloc(0), out: [], packetId: 0 }
  socket.on('data', (chunk: Buffer) => read(peer, chunk))
  socket.on('end', () => socket.end())
  socket.on('error', () => socket.destroy())
  socket.on('close', () => {
    for (const set of peers.values()) set.delete(peer)
  })
}).listen(Number(process.argv[2]), '127.0.0.1', 511, () => {
  process.stdout.write('ready\n')
})
process.once('SIGTERM', () => process.exit(0))
