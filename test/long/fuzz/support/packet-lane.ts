/** Plays scripts of MQTT packets against the server, one connection after the other. */
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { connect, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createWebSocketStream, WebSocket } from 'ws'
import type { SeededRandom } from '../../../support/random.ts'
import { reset, within } from '../../../support/index.ts'
import { HANG_MS, type Lane } from './lanes.ts'
import { faultOfClose, Replies } from './reply.ts'
import { type Material, type Script, writeScript } from './script.ts'

export interface Ports {
  readonly mqttPort: number
  readonly httpPort: number
}

export interface PacketLaneOptions {
  readonly overWebSocket: boolean
  /** One of each protocol level. */
  readonly materials: readonly Material[]
}

export function packetLane(name: string, ports: Ports, { overWebSocket, materials }: PacketLaneOptions): Lane {
  const write = (random: SeededRandom) => writeScript(random.pick(materials), random)
  return {
    name,
    kind: 'packets',
    async play(random, counts) {
      const script = write(random)
      const stream = overWebSocket ? await openWebSocket(ports.httpPort) : await openTcp(ports.mqttPort)
      const end = await play(script, stream, random)
      counts.inputs += script.packets
      counts.changed += script.mutated
      counts.bytes += script.bytes.length
      counts.connections++
      if (end === 'closed') counts.closedByServer++
    },
    describe: (random) => write(random).bytes.toString('hex'),
  }
}

async function play(script: Script, stream: Duplex, random: SeededRandom): Promise<'lives' | 'closed'> {
  const replies = new Replies()
  let answered: () => void = () => undefined
  const lives = new Promise<'lives'>((resolve) => (answered = () => resolve('lives')))
  const closed = new Promise<'closed'>((resolve) => stream.once('close', () => resolve('closed')))
  stream.on('data', (chunk: Buffer) => {
    replies.push(chunk)
    if (!script.ends && replies.pings >= script.pings && (replies.frames > 0 || !script.connected)) answered()
  })
  // Nothing will be answered to a packet that is not whole.
  if (!script.ends && !script.connected) answered()
  sendInPieces(stream, script.bytes, random)
  const end = await within('a reply or the close', Promise.race([lives, closed]), HANG_MS)
  if (end === 'closed') {
    const fault = faultOfClose(replies, script.level, script.silence)
    if (fault !== undefined) throw new Error(fault)
    return end
  }
  if (stream instanceof Socket && random.chance(0.5)) reset(stream)
  else stream.destroy()
  await closed
  return end
}

function sendInPieces(stream: Duplex, bytes: Buffer, random: SeededRandom): void {
  if (random.chance(0.7)) return void stream.write(bytes)
  const cut = random.between(0, bytes.length)
  stream.write(bytes.subarray(0, cut))
  // A turn later, so that the pieces are sent one by one.
  setImmediate(() => {
    if (stream.writable) stream.write(bytes.subarray(cut))
  })
}

async function openTcp(port: number): Promise<Duplex> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await within('a TCP connection', once(socket, 'connect'))
  // A reset by the server shows in what it said before.
  socket.on('error', () => undefined)
  return socket
}

async function openWebSocket(port: number): Promise<Duplex> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/mqtt`, 'mqtt', { perMessageDeflate: false })
  const stream = createWebSocketStream(socket, { allowHalfOpen: false })
  stream.on('error', () => undefined)
  await within('a WebSocket', once(socket, 'open'))
  return stream
}
