/** A listener of a mosquitto.conf, open: who connects by it is served as it says now. */
import { createServer as createHttpServer, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { type Acceptor, Certificates, listenTcp, listenUnix } from '../../broker/index.ts'
import type { ListenerRules, ProxyRules, Push } from '../../index.ts'
import type { ListenerConf } from '../../mosquitto-compat/index.ts'
import { bindAddressesOf } from './addresses.ts'
import type { MosquittoLog } from './log.ts'
import { tlsSettingsOf } from './tls.ts'

/** A listener that cannot be had. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
}

interface ListenerParts {
  readonly push: Push
  readonly log: MosquittoLog
}

export class Listener {
  readonly #parts: ListenerParts
  readonly #acceptor: Acceptor
  readonly #certificates: Certificates | undefined
  readonly #closing: { close(): Promise<void> }[] = []
  readonly #http: Server | undefined
  #stopWebSocket: (() => void) | undefined
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
    const http = conf.protocol === 'websockets' ? upgradesOnly() : undefined
    this.#http = http
    this.#stopWebSocket = http && push.webSocket(http, '*', rules)
    const { certificates, proxy } = { certificates: this.#certificates, proxy: proxyRulesOf(conf) }
    this.#acceptor = push.acceptor(
      { certificates, proxies: undefined, ...(proxy === undefined ? {} : { proxy }) },
      (socket) => {
        if (http === undefined) push.handle(socket, undefined, this.#rules)
        else http.emit('connection', socket)
      },
    )
  }

  get name(): string {
    return this.#conf.name
  }

  /** @throws ListenError */
  async open(): Promise<void> {
    const { port, host = '', name } = this.#conf
    const take = (socket: Socket) => this.#take(socket)
    try {
      this.#certificates?.watch()
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
    if (conf.tls !== undefined) this.#certificates?.reload(tlsSettingsOf(conf.tls))
    if (this.#http === undefined) return
    this.#stopWebSocket?.()
    this.#stopWebSocket = this.#parts.push.webSocket(this.#http, '*', rules)
  }

  async close(): Promise<void> {
    this.#acceptor.close()
    this.#certificates?.close()
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

/** Whoever comes for a page is told what is served. */
function upgradesOnly(): Server {
  return createHttpServer((_request, response) => {
    response.writeHead(426, { connection: 'close', upgrade: 'websocket' }).end()
  })
}

function proxyRulesOf({ proxyProtocol, proxyRequiresTls, requireCertificate }: ListenerConf): ProxyRules | undefined {
  if (proxyProtocol === undefined) return undefined
  return {
    version: proxyProtocol,
    requireTls: proxyRequiresTls,
    requireCertificate: proxyProtocol === 2 && requireCertificate,
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
