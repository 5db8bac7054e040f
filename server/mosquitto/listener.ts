/** A listener of a mosquitto.conf, open: who connects by it is served as it says now. */
import { createServer as createHttpServer, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { type Acceptor, listenTcp, listenUnix } from '../../broker/index.ts'
import type { ListenerRules, Push } from '../../index.ts'
import type { ListenerConf } from '../../mosquitto-compat/index.ts'
import { bindAddressesOf } from './addresses.ts'
import type { MosquittoLog } from './log.ts'

/** A listener that cannot be had. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
}

interface ListenerParts {
  readonly push: Push
  readonly log: MosquittoLog
  readonly acceptor: (deliver: (socket: Socket) => void) => Acceptor
}

export class Listener {
  readonly #parts: ListenerParts
  readonly #acceptor: Acceptor
  readonly #closing: { close(): Promise<void> }[] = []
  readonly #http: Server | undefined
  #stopWebSocket: (() => void) | undefined
  #conf: ListenerConf
  #rules: ListenerRules
  #connections = 0

  constructor(conf: ListenerConf, rules: ListenerRules, parts: ListenerParts) {
    this.#conf = conf
    this.#rules = rules
    this.#parts = parts
    const { push } = parts
    if (conf.protocol === 'websockets') {
      this.#http = createHttpServer((_request, response) => {
        response.writeHead(426, { connection: 'close', upgrade: 'websocket' }).end()
      })
      const http = this.#http
      this.#stopWebSocket = push.webSocket(http, '*', rules)
      this.#acceptor = parts.acceptor((socket) => void http.emit('connection', socket))
    } else {
      this.#acceptor = parts.acceptor((socket) => push.handle(socket, undefined, this.#rules))
    }
  }

  get name(): string {
    return this.#conf.name
  }

  /** @throws ListenError */
  async open(): Promise<void> {
    const { port, host = '', name } = this.#conf
    const take = (socket: Socket) => this.#take(socket)
    try {
      if (port === 0) return void this.#closing.push(await listenUnix(take, host))
      for (const { host: address, ipv6Only, optional } of await bindAddressesOf(this.#conf)) {
        try {
          this.#closing.push(await listenTcp(take, address, port, ipv6Only))
        } catch (error) {
          if (!optional || !isAbsent(error)) throw error
        }
      }
    } catch (error) {
      throw new ListenError(`cannot listen at ${name}: ${reasonOf(error)}`, { cause: error })
    }
  }

  /** What holds for who connects from now on. Where it listens stays. */
  set(conf: ListenerConf, rules: ListenerRules): void {
    this.#conf = conf
    this.#rules = rules
    if (this.#http === undefined) return
    this.#stopWebSocket?.()
    this.#stopWebSocket = this.#parts.push.webSocket(this.#http, '*', rules)
  }

  async close(): Promise<void> {
    this.#acceptor.close()
    this.#http?.closeAllConnections()
    await Promise.all(this.#closing.map((each) => each.close()))
  }

  #take(socket: Socket): void {
    const { maxConnections } = this.#conf
    if (maxConnections > 0 && this.#connections >= maxConnections) {
      const { log } = this.#parts
      if (log.connectionMessages)
        log.write('notice', `Client connection from ${socket.remoteAddress ?? ''} denied: max_connections exceeded.`)
      socket.destroy()
      return
    }
    this.#connections += 1
    socket.once('close', () => {
      this.#connections -= 1
    })
    this.#acceptor.accept(socket)
  }
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
