/** An open listener of a mosquitto.conf: connections are served by its current rules. */
import { createServer as createHttpServer, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { type Acceptor, Certificates, listenTcp, listenUnix } from '../../broker/index.ts'
import type { ListenerRules, ProxyRules, Push } from '../../index.ts'
import type { ListenerConf } from '../../mosquitto-compat/index.ts'
import { type BindAddress, bindAddressesOf } from './addresses.ts'
import type { MosquittoLog } from './log.ts'
import { tlsSettingsOf } from './tls.ts'

/** A listener that cannot be had. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
}

export interface ListenerParts {
  readonly push: Push
  readonly log: MosquittoLog
  /** Connections of all listeners: those that are open, and how many may be. */
  readonly all: { open: number; readonly most: number }
  /** From a connection to its request for WebSocket. */
  readonly connectTimeoutMs: number
}

export class Listener {
  readonly #parts: ListenerParts
  readonly #acceptor: Acceptor
  readonly #certificates: Certificates | undefined
  readonly #closing: { close(): Promise<void> }[] = []
  readonly #http: Server | undefined
  /** Gets those requests for WebSocket that may come. */
  readonly #upgrades: Server = createHttpServer()
  /** By connection that has not asked for WebSocket yet: what ends it. */
  readonly #late = new WeakMap<Socket, NodeJS.Timeout>()
  #stopWebSocket: (() => void) | undefined
  #addresses: readonly BindAddress[] = []
  #conf: ListenerConf
  #rules: ListenerRules
  #connections = 0

  /** @throws TlsFileError */
  constructor(conf: ListenerConf, rules: ListenerRules, parts: ListenerParts) {
    this.#conf = conf
    this.#rules = rules
    this.#parts = parts
    const { push, log } = parts
    const { tls } = conf
    this.#certificates = tls && new Certificates(tlsSettingsOf(tls), push.metrics, log.logger)
    const http = conf.protocol === 'websockets' ? this.#upgradesOnly() : undefined
    this.#http = http
    this.#stopWebSocket = http && push.webSocket(this.#upgrades, '*', rules)
    const { certificates, proxy } = { certificates: this.#certificates, proxy: proxyRulesOf(conf) }
    this.#acceptor = push.acceptor(
      { certificates, proxies: undefined, ...(proxy === undefined ? {} : { proxy }) },
      (socket) => {
        if (http === undefined) push.handle(socket, undefined, this.#rules)
        else this.#awaitRequest(http, socket)
      },
    )
  }

  get name(): string {
    return this.#conf.name
  }

  /** What takes a while: so that all listeners open at once. @throws ListenError */
  async prepare(): Promise<void> {
    this.#addresses = this.#conf.port === 0 ? [] : await this.#having(() => bindAddressesOf(this.#conf))
  }

  /** @throws ListenError */
  async open(): Promise<void> {
    const { port, host = '' } = this.#conf
    const take = (socket: Socket) => this.#take(socket)
    this.#certificates?.watch()
    if (port === 0) return void this.#closing.push(await this.#having(() => listenUnix(take, host)))
    const opening = this.#addresses.map(async ({ host: address, ipv6Only, optional }) => {
      try {
        this.#closing.push(await listenTcp(take, address, port, ipv6Only))
      } catch (error) {
        if (!optional || !isAbsent(error)) throw error
      }
    })
    await this.#having(() => settled(opening))
  }

  async #having<T>(what: () => Promise<T>): Promise<T> {
    try {
      return await what()
    } catch (error) {
      throw new ListenError(`cannot listen at ${this.name}: ${reasonOf(error)}`, { cause: error })
    }
  }

  /** What holds for who connects from now on. Where it listens stays. */
  set(conf: ListenerConf, rules: ListenerRules): void {
    this.#conf = conf
    this.#rules = rules
    if (conf.tls !== undefined) this.#certificates?.reload(tlsSettingsOf(conf.tls))
    if (this.#http === undefined) return
    this.#stopWebSocket?.()
    this.#stopWebSocket = this.#parts.push.webSocket(this.#upgrades, '*', rules)
  }

  async close(): Promise<void> {
    this.#acceptor.close()
    this.#certificates?.close()
    this.#http?.closeAllConnections()
    await Promise.all(this.#closing.map((each) => each.close()))
  }

  #upgradesOnly(): Server {
    // Whoever comes for a page is told what is served.
    const http = createHttpServer((_request, response) => {
      response.writeHead(426, { connection: 'close', upgrade: 'websocket' }).end()
    })
    http.on('upgrade', (request, socket, head) => {
      clearTimeout(this.#late.get(request.socket))
      if (isFrom(this.#conf.origins, request.headers.origin))
        return void this.#upgrades.emit('upgrade', request, socket, head)
      socket.on('error', () => undefined)
      socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n', () => socket.destroy())
    })
    return http
  }

  /** Node looks after its own time limits only where the server itself listens. */
  #awaitRequest(http: Server, socket: Socket): void {
    const { push, connectTimeoutMs } = this.#parts
    push.admit(socket)
    if (socket.destroyed) return
    const late = setTimeout(() => socket.destroy(), connectTimeoutMs)
    this.#late.set(socket, late)
    socket.once('close', () => clearTimeout(late))
    http.emit('connection', socket)
  }

  #take(socket: Socket): void {
    const { all } = this.#parts
    if (!this.#isFull && all.open < all.most) return this.#accept(socket)
    // Clients that have closed already may stand behind this one in the turn of the event loop.
    socket.on('error', () => socket.destroy())
    setImmediate(() => setImmediate(() => (this.#isFull ? this.#refuse(socket) : this.#accept(socket))))
  }

  get #isFull(): boolean {
    const { maxConnections } = this.#conf
    return maxConnections > 0 && this.#connections >= maxConnections
  }

  #refuse(socket: Socket): void {
    const { log } = this.#parts
    if (log.connectionMessages)
      log.write('notice', `Client connection from ${socket.remoteAddress ?? ''} denied: max_connections exceeded.`)
    socket.destroy()
  }

  #accept(socket: Socket): void {
    if (socket.destroyed) return
    const { all } = this.#parts
    this.#connections += 1
    all.open += 1
    socket.once('close', () => {
      this.#connections -= 1
      all.open -= 1
    })
    this.#acceptor.accept(socket)
  }
}

/** Web pages have an origin, programs have none. One of the list may leave out its scheme. */
function isFrom(origins: readonly string[] | undefined, origin: string | undefined): boolean {
  if (origins === undefined || origin === undefined) return true
  return origins.some(
    (each) => each === origin || (!each.includes('://') && origin.replace(/^[a-z]+:\/\//, '') === each),
  )
}

function proxyRulesOf({ proxyProtocol, proxyRequiresTls, requireCertificate }: ListenerConf): ProxyRules | undefined {
  if (proxyProtocol === undefined) return undefined
  return {
    version: proxyProtocol,
    requireTls: proxyRequiresTls,
    requireCertificate: proxyProtocol === 2 && requireCertificate,
  }
}

/** Rejects with the first error, once all have come to their end: what did open can be closed then. */
export async function settled(all: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(all)).find((each) => each.status === 'rejected')
  if (failed !== undefined) throw failed.reason as Error
}

/** This machine has no such address. */
function isAbsent(error: unknown): boolean {
  return ['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL'].includes((error as NodeJS.ErrnoException).code ?? '')
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there',
  EACCES: 'it is not permitted',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'the name stands for no address',
}

function reasonOf(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException
  return REASONS[code] === undefined ? message : `${REASONS[code]} (${code})`
}
