/** Opens the listeners of the settings, and what a connection passes on its way in. */
import { lookup } from 'node:dns/promises'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import {
  Certificates,
  Acceptor,
  interceptConnections,
  listenTcp,
  loadTlsFiles,
  TlsFileError,
  type Deliver,
  type TlsSettings,
} from '../broker/index.ts'
import { ConfigError, named, type Config, type SettingName } from './settings.ts'
import type { Push } from '../index.ts'
import type { Ports } from './workers.ts'

/** A listener that cannot be had, by its setting. */
class ListenError extends Error {
  override readonly name = 'ListenError'
}

interface Listening {
  readonly ports: Ports
  /** Takes the TLS files as they are now; undefined without TLS. */
  readonly reload: (() => void) | undefined
  /** Takes no more connections on any port; HTTP closes with its own server. */
  close(): Promise<void>
}

interface Parts {
  readonly push: Push
  readonly config: Config
  readonly logger: Logger
  readonly certificates: Certificates | undefined
  readonly acceptors: Acceptor[]
  /** All that the host stands for: every listener is at each of them. */
  readonly addresses: readonly string[]
  readonly listeners: { close(): Promise<void> }[]
}

/** Opens all of `wanted`, or none. Rejects with a ListenError or ConfigError when a port cannot be had. */
export async function listen(push: Push, config: Config, wanted: Ports, logger: Logger): Promise<Listening> {
  const settings = tlsSettings(config)
  const certificates = settings === undefined ? undefined : new Certificates(settings, push.metrics, logger)
  const addresses = await addressesOf(config)
  const parts: Parts = { push, config, logger, certificates, acceptors: [], addresses, listeners: [] }
  const close = async () => {
    certificates?.close()
    await Promise.all(parts.listeners.map((listener) => listener.close()))
    for (const acceptor of parts.acceptors) acceptor.close()
  }
  try {
    const ports = await openAll(parts, wanted)
    certificates?.watch()
    return { ports, reload: certificates === undefined ? undefined : () => certificates.reload(), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function openAll(parts: Parts, wanted: Ports): Promise<Ports> {
  const { push } = parts
  const open = async (
    name: SettingName,
    port: number | undefined,
    makeAcceptor: () => Acceptor,
  ): Promise<number | undefined> => {
    if (port === undefined) return undefined
    const acceptor = makeAcceptor()
    return await listenEverywhere(parts, name, port, (socket) => acceptor.accept(socket))
  }
  const mqtt = await open('PUSH_MQTT_PORT', wanted.mqtt, () => acceptorOf(parts, false, push.handle))
  const mqtts = await open('PUSH_MQTTS_PORT', wanted.mqtts, () => acceptorOf(parts, true, push.handle))
  const serve = await listenHttp(parts, wanted)
  const boundHttp = portOf(push.http.server)
  // The server has one port of its own; where there are two, what comes in by the second is handed to it.
  const second = () => open('PUSH_HTTPS_PORT', wanted.https, () => acceptorOf(parts, true, serve))
  const https = wanted.http === undefined ? boundHttp : await second()
  const http = wanted.http === undefined ? undefined : boundHttp
  return withoutAbsent({ mqtt, http, mqtts, https })
}

/** The bridge has HTTP and nothing else. Resolves with its port, and how to take no more connections. */
export async function listenBridge(http: FastifyInstance, config: Config): Promise<{ port: number; close(): void }> {
  const { PUSH_HTTP_PORT: port } = config
  if (port === 'off')
    throw new ConfigError(`${named('PUSH_HTTP_PORT')}: "off" leaves the bridge nothing to serve; set a port`)
  const listeners: { close(): Promise<void> }[] = []
  const addresses = await addressesOf(config)
  const serve: Deliver = (socket) => void http.server.emit('connection', socket)
  const bound = await listenFastify(http, { addresses, listeners }, 'PUSH_HTTP_PORT', port, serve)
  return { port: bound, close: () => void Promise.all(listeners.map((listener) => listener.close())) }
}

async function listenHttp(parts: Parts, wanted: Ports): Promise<Deliver> {
  const { push } = parts
  const secure = wanted.http === undefined
  push.webSocket(push.http.server)
  let acceptor: Acceptor | undefined
  const accept: Deliver = (socket) => acceptor?.accept(socket)
  const serve = interceptConnections(push.http.server, accept)
  acceptor = acceptorOf(parts, secure, serve)
  const name = secure ? 'PUSH_HTTPS_PORT' : 'PUSH_HTTP_PORT'
  await listenFastify(push.http, parts, name, (secure ? wanted.https : wanted.http) ?? 0, accept)
  return serve
}

/** Fastify would make a server of its own for each further address, whose connections would pass no acceptor. */
async function listenFastify(
  http: FastifyInstance,
  { addresses, listeners }: Pick<Parts, 'addresses' | 'listeners'>,
  name: SettingName,
  port: number,
  accept: Deliver,
): Promise<number> {
  const [first = '', ...further] = addresses
  await http.listen({ host: first, port }).catch((error: unknown) => {
    throw listenError(name, port, first, error)
  })
  const bound = portOf(http.server)
  await listenEverywhere({ addresses: further, listeners }, name, bound, accept, true)
  return bound
}

/** At every address by the same port; an address that this machine does not have is left out beside another one. */
async function listenEverywhere(
  { addresses, listeners }: Pick<Parts, 'addresses' | 'listeners'>,
  name: SettingName,
  port: number,
  accept: Deliver,
  isFurther = false,
): Promise<number> {
  let bound = port
  let isOptional = isFurther
  for (const address of addresses) {
    try {
      const listener = await listenTcp(accept, address, bound)
      listeners.push(listener)
      bound = listener.port
      isOptional = true
    } catch (error) {
      if (!isOptional || !isAbsent(error)) throw listenError(name, bound, address, error)
    }
  }
  return bound
}

/** A name is looked up once, so that MQTT and HTTP are at the same addresses. @throws ConfigError */
async function addressesOf({ PUSH_HOST: host }: Config): Promise<string[]> {
  try {
    const found = await lookup(host, { all: true })
    return [...new Set(found.map(({ address }) => address))]
  } catch (error) {
    const detail = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new ConfigError(`${named('PUSH_HOST')}: ${JSON.stringify(host)} resolves to no address (${detail})`, {
      cause: error,
    })
  }
}

function isAbsent(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT' || code === 'EINVAL'
}

function listenError(name: SettingName, port: number, address: string, error: unknown): ListenError {
  const { code, message } = error as NodeJS.ErrnoException
  if (isAbsent(error))
    return new ListenError(`${named('PUSH_HOST')}: ${address} is no address of this machine (${code})`)
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${port} of ${address} is in use by another program; stop it, or set another port`,
    EACCES: `port ${port} of ${address} is not permitted; set one from 1024 on, or let the process bind lower ones`,
  }
  return new ListenError(`${named(name)}: ${reasons[code ?? ''] ?? `port ${port} of ${address}: ${message}`}`)
}

function acceptorOf({ push, config, certificates, acceptors }: Parts, secure: boolean, deliver: Deliver): Acceptor {
  const acceptor = push.acceptor(
    {
      certificates: secure ? certificates : undefined,
      proxies: config.PUSH_PROXY_PROTOCOL === 'off' ? undefined : config.PUSH_PROXY_TRUSTED,
    },
    deliver,
  )
  acceptors.push(acceptor)
  return acceptor
}

/** Checks settings that depend on each other, and the files they refer to. @throws ConfigError */
export function checkListeners(config: Config): void {
  if (config.PUSH_HTTP_PORT === 'off' && config.PUSH_HTTPS_PORT === 'off')
    throw new ConfigError('PUSH_HTTP_PORT (--http-port): "off" needs PUSH_HTTPS_PORT (--https-port)')
  refuseSamePorts(config)
  if (config.PUSH_PROXY_PROTOCOL !== 'off' && config.PUSH_PROXY_TRUSTED === undefined)
    throw new ConfigError(
      'PUSH_PROXY_TRUSTED (--proxy-trusted): PUSH_PROXY_PROTOCOL needs the addresses of the balancers',
    )
  const settings = tlsSettings(config)
  if (settings === undefined) return
  try {
    loadTlsFiles(settings)
  } catch (error) {
    throw error instanceof TlsFileError ? new ConfigError(error.message, { cause: error }) : error
  }
}

const PORTS = ['PUSH_MQTT_PORT', 'PUSH_HTTP_PORT', 'PUSH_MQTTS_PORT', 'PUSH_HTTPS_PORT'] as const
const TLS_FILES = ['PUSH_TLS_CERT', 'PUSH_TLS_KEY', 'PUSH_TLS_CA'] as const

function refuseSamePorts(config: Config): void {
  const taken = new Map<number, SettingName>()
  for (const name of PORTS) {
    const port = config[name]
    if (port === 'off' || port === 0) continue
    const other = taken.get(port)
    if (other !== undefined) throw new ConfigError(`${named(name)}: ${port} is already the port of ${named(other)}`)
    taken.set(port, name)
  }
}

/** Undefined if no listener uses TLS. @throws ConfigError */
function tlsSettings(config: Config): TlsSettings | undefined {
  const { PUSH_TLS_CERT: certificate, PUSH_TLS_KEY: key, PUSH_TLS_CA: ca, PUSH_TLS_CLIENT_AUTH: clientAuth } = config
  if (config.PUSH_MQTTS_PORT === 'off' && config.PUSH_HTTPS_PORT === 'off') {
    const idle = TLS_FILES.find((name) => config[name] !== undefined)
    if (idle !== undefined)
      throw new ConfigError(`${named(idle)}: no port uses it; set PUSH_MQTTS_PORT or PUSH_HTTPS_PORT`)
    return undefined
  }
  if (certificate === undefined)
    throw new ConfigError('PUSH_TLS_CERT (--tls-cert): a TLS port needs a certificate; set the path of a PEM file')
  if (key === undefined)
    throw new ConfigError('PUSH_TLS_KEY (--tls-key): a TLS port needs a private key; set the path of a PEM file')
  if (clientAuth !== 'none' && ca === undefined)
    throw new ConfigError(
      'PUSH_TLS_CA (--tls-ca): PUSH_TLS_CLIENT_AUTH needs the CA certificates for client certificates',
    )
  if (clientAuth === 'none' && ca !== undefined)
    throw new ConfigError('PUSH_TLS_CA (--tls-ca): clients are not asked for a certificate; set PUSH_TLS_CLIENT_AUTH')
  return { certificate, key, ca, clientAuth, minimumVersion: config.PUSH_TLS_MIN_VERSION }
}

function withoutAbsent(ports: Record<keyof Ports, number | undefined>): Ports {
  return Object.fromEntries(Object.entries(ports).filter(([, port]) => port !== undefined))
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? (address satisfies AddressInfo).port : 0
}
