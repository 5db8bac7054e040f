/** Listeners: TCP, and WebSocket on an HTTP server that somebody else listens with. */
import { lstatSync, unlinkSync } from 'node:fs'
import {
  connect,
  createServer,
  type AddressInfo,
  type ListenOptions,
  type Server as NetServer,
  type Socket,
} from 'node:net'
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { createWebSocketStream, WebSocketServer, type WebSocket } from 'ws'
import { isForOthers, takingUpgrades } from '../../common/upgrades.ts'
import { PushError } from '../../errors.ts'

type Handle = (stream: Duplex, request?: IncomingMessage) => void

export interface TcpListener {
  readonly port: number
  close(): Promise<void>
}

/** Kernel probes find peers that vanished without a packet and asked for no keep alive, ms. */
const TCP_KEEP_ALIVE_MS = 60_000
const BACKLOG = 4096
/** Section 6 of MQTT 5 and 3.1.1. */
const SUBPROTOCOL = 'mqtt'
/** RFC 6455 section 7.4.1: a type of data that cannot be taken. */
const UNSUPPORTED_DATA = 1003

export async function listenTcp(
  handle: (socket: Socket) => void,
  host: string,
  port: number,
  ipv6Only = false,
): Promise<TcpListener> {
  const options = { noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE_MS }
  const server = createServer(options, (socket) => handle(socket))
  await listening(server, { port, host, ipv6Only })
  const { port: bound } = server.address() as AddressInfo
  // It stops listening at once; that it ends is the connections' own affair.
  return { port: bound, close: async () => void server.close() }
}

/** At a path of the file system, which is gone again when it closes. What an ended process has left there is replaced. */
export async function listenUnix(handle: (socket: Socket) => void, path: string): Promise<Pick<TcpListener, 'close'>> {
  await removeStale(path)
  const server = createServer((socket) => handle(socket))
  await listening(server, { path })
  return { close: async () => void server.close() }
}

async function listening(server: NetServer, where: ListenOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ ...where, backlog: BACKLOG }, () => resolve())
  })
  // A connection that could not be accepted, for lack of file descriptors, does not exist.
  server.on('error', () => undefined)
}

/** A socket that nobody listens at. What is no socket, or has a listener, stays: to listen there fails then. */
async function removeStale(path: string): Promise<void> {
  const isSocket = lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true
  if (!isSocket) return
  const isStale = await new Promise<boolean>((resolve) => {
    const socket = connect(path, () => resolve(false))
    socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED'))
    socket.on('connect', () => socket.destroy())
  })
  if (isStale) unlinkSync(path)
}

/**
 * Lets every connection of an HTTP server pass `accept` first. What it returns serves a socket, from this server's port
 * or another one, as the server does on its own.
 */
export function interceptConnections(server: Server, accept: (socket: Socket) => void): (socket: Socket) => void {
  const serving = server.listeners('connection')
  server.removeAllListeners('connection')
  server.on('connection', accept)
  return (socket) => {
    for (const listener of serving) listener.call(server, socket)
  }
}

interface WebSocketOptions {
  readonly server: Server
  /** `*`: any. */
  readonly path: string
  readonly maximumPacketSize: number
  readonly handle: Handle
  /** Throws what speaks against this client, before anything is done for it. */
  readonly check: (request: IncomingMessage) => void
  /** Answers an upgrade that is refused, and closes. */
  readonly refuse: (socket: Duplex, error: unknown) => void
}

type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/**
 * MQTT over WebSocket on an HTTP server. Other upgrades are left to other listeners, or get 404 if there are none.
 * Returns a function that stops accepting connections.
 */
export function listenWebSocket(options: WebSocketOptions): () => void {
  const { server, path, maximumPacketSize, handle, check, refuse } = options
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: maximumPacketSize * 4,
    // [MQTT-6.0.0-4]
    handleProtocols: () => SUBPROTOCOL,
  })
  // By itself `ws` answers with text that is no problem+json.
  sockets.on('wsClientError', ({ message }, socket) => {
    refuse(socket, new PushError('REQUEST_INVALID', `the WebSocket handshake: ${message}`))
  })
  const wanted = pathOf(path)
  const takes = (request: IncomingMessage) => path === '*' || pathOf(request.url ?? '') === wanted
  // Nobody is there to catch what an upgrade throws: it would end the process.
  const take: Upgrade = (request, socket, head) => {
    if (!takes(request) && isForOthers(server, upgrade, request)) return
    socket.on('error', () => socket.destroy())
    try {
      if (!takes(request)) throw new PushError('NOT_FOUND')
      check(request)
      if (!offersMqtt(request)) throw new PushError('SUBPROTOCOL_UNSUPPORTED')
      sockets.handleUpgrade(request, socket, head, (webSocket) => serve(webSocket, request, handle))
    } catch (error) {
      refuse(socket, error)
    }
  }
  const upgrade = takingUpgrades(take, takes)
  server.on('upgrade', upgrade)
  return () => void server.off('upgrade', upgrade)
}

/** Of a target in origin or in absolute form (RFC 9112 section 3.2), without query and without a slash at the end. */
function pathOf(target: string): string {
  const path = target.replace(/^https?:\/\/[^/?]*/i, '').replace(/\?.*$/s, '')
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}

/** [MQTT-6.0.0-3] */
function offersMqtt({ headers }: IncomingMessage): boolean {
  const offered = headers['sec-websocket-protocol'] ?? ''
  return offered.split(',').some((each) => each.trim() === SUBPROTOCOL)
}

function serve(webSocket: WebSocket, request: IncomingMessage, handle: Handle): void {
  const stream = createWebSocketStream(webSocket)
  // The stream listens for one error only.
  webSocket.on('error', () => undefined)
  const receive = webSocket.listeners('message')
  webSocket.removeAllListeners('message')
  // [MQTT-6.0.0-1] Nothing of another frame is read, and nothing after it. [MQTT-6.0.0-2] A packet may begin and end anywhere.
  webSocket.on('message', (data, isBinary) => {
    if (isBinary) return receive.forEach((listener) => listener.call(webSocket, data, isBinary))
    webSocket.removeAllListeners('message')
    webSocket.close(UNSUPPORTED_DATA)
    stream.push(null)
  })
  handle(stream, request)
}
