/**
 * Accepts the connections of a listener: reads the PROXY protocol header, does the TLS handshake, and passes the
 * connection on. Both steps have a timeout and count as connections while they last.
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
import { takeProxyHeader, type ProxyHeader, type ProxyVersion } from './proxy-protocol.ts'
import { type ProxyTls, tlsIn } from './proxy-tls.ts'

/** For a listener that only a balancer can reach: the PROXY header is required, and trusted from any address. */
export interface ProxyRules {
  readonly version: ProxyVersion
  /** The client must have reached the balancer over TLS. */
  readonly requireTls: boolean
  /** The client must have a certificate that the balancer verified. */
  readonly requireCertificate: boolean
}

interface AcceptorOptions {
  /** Undefined: without TLS. */
  readonly certificates: Certificates | undefined
  /** Addresses whose PROXY header is trusted; undefined: none, and no header is expected. */
  readonly proxies: BlockList | undefined
  /** Instead of `proxies`. */
  readonly proxy?: ProxyRules | undefined
  /** Proxies that serve many clients: their connections count in the total, and each request for its client. */
  readonly forwarding: Forwarding
  /** For the header, and again for the TLS handshake, ms. */
  readonly timeoutMs: number
  readonly admission: Admission
  readonly metrics: Metrics
  readonly logger: Logger
}

/** Serves the connection: a socket whose `remoteAddress` is the client's address. */
export type Deliver = (socket: Socket) => void

export class Acceptor {
  readonly #options: AcceptorOptions
  readonly #deliver: Deliver
  readonly #tls: TlsServer | undefined
  readonly #under = new Map<Socket, () => void>()
  /** Whose connection it is, and how long the balancer's header was, by the socket under TLS. */
  readonly #accepted = new WeakMap<Socket, { readonly client: Client; readonly header: number }>()

  constructor(options: AcceptorOptions, deliver: Deliver) {
    this.#options = options
    this.#deliver = deliver
    this.#tls = options.certificates === undefined ? undefined : this.#secure(options.certificates)
  }

  /** Takes a connection that was just made. */
  accept(socket: Socket): void {
    const { proxies, proxy } = this.#options
    const hasHeader = proxies !== undefined || proxy !== undefined
    if (!hasHeader && this.#tls === undefined) return this.#deliver(socket)
    socket.on('error', () => socket.destroy())
    // A peer that closes before it is served has no more to say.
    socket.once('end', () => this.#under.has(socket) && socket.destroy())
    const peer = plainAddress(socket.remoteAddress ?? '')
    try {
      if (proxies !== undefined && !isIn(proxies, peer))
        throw new PushError('PROXY_UNTRUSTED', 'add the balancer to PUSH_PROXY_TRUSTED')
      this.#hold(socket, hasHeader || this.#options.forwarding.isProxy(peer) ? undefined : peer)
    } catch (error) {
      return this.#refuse(socket, error, peer)
    }
    if (hasHeader) this.#takeHeader(socket, peer).catch((error: unknown) => this.#refuse(socket, error, peer))
    else this.#encrypt(socket, { address: peer, port: socket.remotePort })
  }

  /** Ends what is still on its way in. */
  close(): void {
    for (const socket of this.#under.keys()) socket.destroy()
  }

  async #takeHeader(socket: Socket, peer: string): Promise<void> {
    const { proxy, timeoutMs } = this.#options
    let client: Client = { address: peer, port: socket.remotePort }
    let header: ProxyHeader
    try {
      header = await takeProxyHeader(socket, proxy?.version ?? 2, timeoutMs)
      if (socket.destroyed) return
      if (header.address !== undefined) client = { address: header.address, port: header.port }
      if (proxy !== undefined) client = { ...client, tls: checkedTls(header, proxy) }
      this.#tell(client)
      this.#release(socket)
      if (this.#tls !== undefined) this.#hold(socket, client.address)
    } catch (error) {
      return this.#refuse(socket, error, client.address, client.port)
    }
    if (this.#tls === undefined) this.#serve(socket, client)
    else this.#encrypt(socket, client, header.bytes)
  }

  #tell({ address, port, tls }: Client): void {
    if (tls?.version === undefined || tls.cipher === undefined) return
    const { version, cipher } = tls
    this.#options.logger.info({ address, port, version, cipher }, 'TLS is terminated at the balancer')
  }

  #encrypt(socket: Socket, client: Client, header = 0): void {
    this.#accepted.set(socket, { client, header })
    this.#tls?.emit('connection', socket)
  }

  #secure(certificates: Certificates): TlsServer {
    const server = createTlsServer({
      ...certificates.context,
      handshakeTimeout: this.#options.timeoutMs,
      ...certificates.verification,
    })
    certificates.serve(server)
    server.on('secureConnection', (socket) => this.#secured(socket, certificates))
    server.on('tlsClientError', (error, socket) => this.#failed(error, socket))
    return server
  }

  #secured(secure: TLSSocket, certificates: Certificates): void {
    const socket = socketUnder(secure)
    const client = this.#accepted.get(socket)?.client ?? { address: '', port: undefined }
    const problem = certificates.problemOf(secure)
    if (problem !== undefined) {
      secure.on('error', () => secure.destroy())
      this.#refuse(secure, certificateRefused(problem), client.address, client.port)
      socket.destroy()
      return
    }
    this.#release(socket)
    this.#serve(secure, client)
  }

  #failed(error: Error & { code?: string }, secure: TLSSocket): void {
    const socket = socketUnder(secure)
    const { client, header = 0 } = this.#accepted.get(socket) ?? {}
    // A balancer's health check connects, sends nothing, and closes.
    if (error.code === 'ECONNRESET' && socket.bytesRead <= header) return void secure.destroy()
    const verification = secure.authorizationError as Error | string | null | undefined
    let known = new PushError('TLS_HANDSHAKE_FAILED', error.code ?? error.message)
    if (error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT') known = new PushError('CONNECT_TIMEOUT', 'TLS handshake')
    if (verification || error.code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE')
      known = certificateRefused(verification ?? 'none was sent')
    this.#refuse(secure, known, client?.address ?? '', client?.port)
  }

  /** Makes a socket report the client's address. */
  #serve(socket: Socket, { address, port, tls }: Client): void {
    if (socket.destroyed) return
    Object.defineProperty(socket, 'remoteAddress', { value: address, configurable: true })
    if (port !== undefined) Object.defineProperty(socket, 'remotePort', { value: port, configurable: true })
    if (tls?.isVerified === true) tellCertificate(socket, tls)
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

  #refuse(socket: Socket, error: unknown, address: string, port?: number): void {
    const known = error instanceof PushError ? error : new PushError('INTERNAL')
    this.#options.metrics.disconnects.inc({ code: known.code })
    this.#options.logger.info({ address, port, code: known.code, detail: known.detail }, 'connection refused')
    socket.destroy()
  }
}

/** The client of a connection. */
interface Client {
  readonly address: string
  /** Undefined: that of the socket. */
  readonly port: number | undefined
  /** How it came to the balancer. */
  readonly tls?: ProxyTls | undefined
}

/** @throws PushError where it is not as the listener has it */
function checkedTls(header: ProxyHeader, rules: ProxyRules): ProxyTls | undefined {
  if (header.isLocal) throw new PushError('PROXY_HEADER_INVALID', 'a LOCAL connection of the balancer itself')
  if (rules.version === 2 && header.address === undefined)
    throw new PushError('PROXY_HEADER_INVALID', 'of a family without addresses')
  const tls = tlsIn(header.more)
  if (rules.requireTls && tls === undefined) throw new PushError('PROXY_CLIENT_INSECURE', 'without TLS')
  if (rules.requireCertificate && tls?.isVerified !== true)
    throw new PushError('PROXY_CLIENT_INSECURE', 'without a certificate')
  return tls
}

/** The client certificate that the balancer reports, as a TLS socket would. */
function tellCertificate(socket: Socket, { commonName }: ProxyTls): void {
  const subject = commonName === undefined ? {} : { CN: commonName }
  Object.assign(socket, { authorized: true, getPeerCertificate: () => ({ subject }) })
}

function certificateRefused(reason: Error | string): PushError {
  return new PushError('CLIENT_CERTIFICATE_REFUSED', reason instanceof Error ? reason.message : reason)
}

/**
 * Node has no documented way from a TLS connection to its socket, and its address is gone once it is closed, which is
 * when a failure is reported.
 */
function socketUnder(secure: TLSSocket): Socket {
  return (secure as TLSSocket & { readonly _parent?: Socket })._parent ?? secure
}
