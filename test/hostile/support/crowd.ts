/** Many sockets at once. */
import { once } from 'node:events'
import { connect as openSocket, type Socket } from 'node:net'
import type { Scope } from '../../support/index.ts'

/** 5,000 is the full size; it needs twice as many file descriptors. */
export const CROWD = 300

/** So many at a time, so that no listen queue is the limit. */
const AT_ONCE = 100

/** Opens them; an end by the server is an end like any other. */
export async function openCrowd(t: Scope, port: number, count = CROWD): Promise<Socket[]> {
  const sockets: Socket[] = []
  t.teardown(() => sockets.forEach((socket) => socket.destroy()))
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - sockets.length) }, () => {
      const socket = openSocket({ port, host: '127.0.0.1' })
      socket.on('error', () => undefined)
      return socket
    })
    sockets.push(...some)
    await Promise.all(some.map((socket) => once(socket, 'connect')))
  }
  return sockets
}
