/** Where connections come in: TCP, and WebSocket on an HTTP server that somebody else listens with. */
import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { createWebSocketStream, WebSocketServer } from 'ws'

export type Handle = (stream: Duplex, request?: IncomingMessage) => void

export interface TcpListener {
  readonly port: number
  close(): Promise<void>
}

/** Kernel probes find peers that vanished without a packet and asked for no keep alive, ms. */
const TCP_KEEP_ALIVE_MS = 60_000
/** Section 6 of MQTT 5 and 3.1.1; `mqttv3.1` is what clients of MQTT 3.1 ask for. */
const SUBPROTOCOLS = ['mqtt', 'mqttv3.1']

export async function listenTcp(handle: (socket: Socket) => void, host: string, port: number): Promise<TcpListener> {
  const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE_MS }, (socket) =>
    handle(socket),
  )
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, 4096, () => resolve())
  })
  const { port: bound } = server.address() as AddressInfo
  // It stops listening at once; that it ends is the connections' own affair.
  return { port: bound, close: async () => void server.close() }
}

/**
 * Lets every connection of an HTTP server pass `enter` first. What it returns serves a socket, from this server's port
 * or another one, as the server does on its own.
 */
export function interceptConnections(server: Server, enter: (socket: Socket) => void): (socket: Socket) => void {
  const serving = server.listeners('connection')
  server.removeAllListeners('connection')
  server.on('connection', enter)
  return (socket) => {
    for (const listener of serving) listener.call(server, socket)
  }
}

/** MQTT over WebSocket at `path` of `server`; other upgrades get 404. Returns how to stop taking new ones. */
export function listenWebSocket(handle: Handle, server: Server, path: string, maximumPacketSize: number): () => void {
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: maximumPacketSize * 4,
    // [MQTT-6.0.0-4]
    handleProtocols: (offered) => SUBPROTOCOLS.find((each) => offered.has(each)) ?? false,
  })
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    if (new URL(request.url ?? '/', 'http://localhost').pathname !== path) {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      return
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const stream = createWebSocketStream(webSocket)
      // [MQTT-6.0.0-1] binary frames only
      webSocket.on('message', (_data, isBinary) => {
        if (!isBinary) webSocket.close(1003)
      })
      handle(stream, request)
    })
  }
  server.on('upgrade', upgrade)
  return () => void server.off('upgrade', upgrade)
}
