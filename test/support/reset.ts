import type { Socket } from 'node:net'

/**
 * Ends a connection now, with RST where that can be. `resetAndDestroy` first waits until everything written has gone out:
 * a peer that reads nothing puts that off forever, and a process with such a socket does not end.
 */
export function reset(socket: Socket): void {
  if (socket.writableLength > 0 || socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}
