/**
 * Accepts the connections of a listener: reads the PROXY protocol header of a balancer, then does the TLS handshake, and
 * hands on who is through. Both are bounded in time, and count as connections while they last.
 */
import type { BlockList, Socket } from 'node:net'
import { createServer as createTlsServer, type Server as TlsServer, type TLSSocket } from 'node:tls'
import type { Logger } from 'pino'
import { PushError } from '../../errors.ts'
import type { Forwarding } from '../../common/forwarded.ts'
import type { Metrics } from '../../common/metrics.ts'
import type { Admission } from './admission.ts'
import type { Certificates } from './certificates.ts'
import { isIn, plainAddress } from '../../common/networks.ts'
import { takeProxyHeader, type ProxyHeader } from './proxy-protocol.ts'

interface AcceptorOptions {
  /** Undefined: without TLS. */
  readonly certificates: Certificates | undefined
  /** Who may say for whom it connects; undefined: nobody, and no header is expected. */
  readonly proxies: BlockList | undefined
  /** Who passes on requests for many: their connections count among all, and each request for its client. */
  readonly forwarding: Forwarding
  /** For the header, and again for the TLS handshake, ms. */
  readonly timeoutMs: number
  readonly admission: Admission
  readonly metrics: Metrics
  readonly logger: Logger
}

/** Who serves the connection: a socket, which tells the client's address as its `remoteAddress`. */
export type Deliver = (socket: Socket) => void

export class Acceptor {
  readonly #options: AcceptorOptions
  readonly #deliver: Deliver
  readonly #tls: TlsServer | undefined
  readonly #under = new Map<Socket, () => void>()
  /** Whose connection it is, and how long the balancer's header was, by the socket under TLS. */
  readonly #accepted = new WeakMap<Socket, { readonly address: string; readonly header: number }>()

  constructor(options: AcceptorOptions, deliver: Deliver) {
    this.#options = options
    this.#deliver = deliver
    this.#tls = options.certificates === undefined ? undefined : this.#secure(options.certificates)
  }

  /** Takes a connection that was just made. */
  accept(socket: Socket): void {
    const { proxies } = this.#options
    if (proxies === undefined && this.#tls === undefined) return this.#deliver(socket)
    socket.on('error', () => socket.destroy())
    // A peer that closes before it is served has no more to say.
    socket.once('end', () => this.#under.has(socket) && socket.destroy())
    const peer = plainAddress(socket.remoteAddress ?? '')
    try {
      if (proxies !== undefined && !isIn(proxies, peer))
        throw new PushError('PROXY_UNTRUSTED', 'add the balancer to PUSH_PROXY_TRUSTED')
      this.#hold(socket, proxies !== undefined || this.#options.forwarding.isProxy(peer) ? undefined : peer)
    } catch (error) {
      return this.#refuse(socket, error, peer)
    }
    if (proxies === undefined) this.#encrypt(socket, peer)
    else this.#takeHeader(socket, peer).catch((error: unknown) => this.#refuse(socket, error, peer))
  }

  /** Ends what is still on its way in. */
  close(): void {
    for (const socket of this.#under.keys()) socket.destroy()
  }

  async #takeHeader(socket: Socket, peer: string): Promise<void> {
    let address = peer
    let header: ProxyHeader
    try {
      header = await takeProxyHeader(socket, this.#options.timeoutMs)
      if (socket.destroyed) return
      address = header.address ?? peer
      this.#release(socket)
      if (this.#tls !== undefined) this.#hold(socket, address)
    } catch (error) {
      return this.#refuse(socket, error, address)
    }
    if (this.#tls === undefined) this.#serve(socket, address)
    else this.#encrypt(socket, address, header.bytes)
  }

  #encrypt(socket: Socket, address: string, header = 0): void {
    this.#accepted.set(socket, { address, header })
    this.#tls?.emit('connection', socket)
  }

  #secure(certificates: Certificates): TlsServer {
    const { clientAuth } = certificates.settings
    const server = createTlsServer({
      ...certificates.context,
      handshakeTimeout: this.#options.timeoutMs,
      requestCert: clientAuth !== 'none',
      rejectUnauthorized: clientAuth === 'required',
    })
    certificates.serve(server)
    server.on('secureConnection', (socket) => this.#secured(socket))
    server.on('tlsClientError', (error, socket) => this.#failed(error, socket))
    return server
  }

  #secured(secure: TLSSocket): void {
    const socket = socketUnder(secure)
    const address = this.#accepted.get(socket)?.address ?? ''
    // A certificate is optional; a wrong one is not.
    const presented = Object.keys(secure.getPeerCertificate()).length > 0
    if (presented && !secure.authorized) {
      secure.on('error', () => secure.destroy())
      this.#refuse(secure, certificateRefused(secure.authorizationError), address)
      socket.destroy()
      return
    }
    this.#release(socket)
    this.#serve(secure, address)
  }

  #failed(error: Error & { code?: string }, secure: TLSSocket): void {
    const socket = socketUnder(secure)
    const { address = '', header = 0 } = this.#accepted.get(socket) ?? {}
    // A balancer's health check connects, sends nothing, and closes.
    if (error.code === 'ECONNRESET' && socket.bytesRead <= header) return void secure.destroy()
    const verification = secure.authorizationError as Error | string | null | undefined
    let known = new PushError('TLS_HANDSHAKE_FAILED', error.code ?? error.message)
    if (error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT') known = new PushError('CONNECT_TIMEOUT', 'TLS handshake')
    if (verification || error.code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE')
      known = certificateRefused(verification ?? 'none was sent')
    this.#refuse(secure, known, address)
  }

  /** Everyone who asks a socket for its address is told the client's. */
  #serve(socket: Socket, address: string): void {
    if (socket.destroyed) return
    Object.defineProperty(socket, 'remoteAddress', { value: address, configurable: true })
    this.#deliver(socket)
  }

  #hold(socket: Socket, address: string | undefined): void {
    const release = this.#options.admission.hold(address)
    this.#under.set(socket, release)
    socket.once('close', () => this.#release(socket))
  }

  #release(socket: Socket): void {
    this.#under.get(socket)?.()
    this.#under.delete(socket)
  }

  #refuse(socket: Socket, error: unknown, address: string): void {
    const known = error instanceof PushError ? error : new PushError('INTERNAL')
    this.#options.metrics.disconnects.inc({ code: known.code })
    this.#options.logger.info({ address, code: known.code, detail: known.detail }, 'connection refused')
    socket.destroy()
  }
}

function certificateRefused(reason: Error | string): PushError {
  return new PushError('CLIENT_CERTIFICATE_REFUSED', reason instanceof Error ? reason.message : reason)
}

/**
 * Node has no documented way from a TLS connection to its socket, and what it tells of itself is gone once it is closed,
 * which is when a failure is told.
 */
function socketUnder(secure: TLSSocket): Socket {
  return (secure as TLSSocket & { readonly _parent?: Socket })._parent ?? secure
}
