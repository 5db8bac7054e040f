/** A connection to the HTTP port that sends any bytes, and writes down what comes back. */
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import type { SeededRandom } from '../../../support/random.ts'
import { within } from '../../../support/index.ts'

export interface RawHttp {
  readonly socket: Socket
  /** Resolves when both sides are closed. */
  readonly closed: Promise<'closed'>
  /** The server, or the kernel for it, threw away what was under way. */
  readonly wasReset: boolean
}

export async function openRawHttp(port: number, received: (chunk: Buffer) => void): Promise<RawHttp> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await within('a TCP connection', once(socket, 'connect'))
  let wasReset = false
  socket.on('error', () => (wasReset = true))
  socket.on('data', received)
  const closed = new Promise<'closed'>((resolve) => socket.once('close', () => resolve('closed')))
  return {
    socket,
    closed,
    get wasReset() {
      return wasReset
    },
  }
}

/** In one write, or in a few, a turn apart. Resolves when all of it is written, or nothing more can be. */
export async function sendInPieces(socket: Socket, bytes: Buffer, random: SeededRandom): Promise<void> {
  const cuts = random.pick([0, 0, 1, 1, 3, 20])
  const places = Array.from({ length: cuts }, () => random.between(0, bytes.length)).sort((one, other) => one - other)
  const pieces = [0, ...places].map((from, at) => bytes.subarray(from, places[at] ?? bytes.length))
  for (const [at, piece] of pieces.entries()) {
    if (at > 0) await turn()
    if (!socket.writable) return
    socket.write(piece)
  }
}
