/** The listeners that the settings ask for, and what a connection passes on its way in. */
import { lookup } from 'node:dns/promises'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Logger } from 'pino'
import {
  Certificates,
  Entrance,
  interceptConnections,
  listenTcp,
  loadTlsFiles,
  TlsFileError,
  type Deliver,
  type TlsSettings,
} from './broker/index.ts'
import { ConfigError, type Config } from './config.ts'
import type { Push } from './index.ts'
import type { Ports } from './workers.ts'

export interface Listening {
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
  readonly entrances: Entrance[]
}

/** Opens all of `wanted`. Rejects when a port cannot be had. */
export async function listen(push: Push, config: Config, wanted: Ports, logger: Logger): Promise<Listening> {
  const settings = tlsSettings(config)
  const certificates = settings === undefined ? undefined : new Certificates(settings, push.metrics, logger)
  const parts: Parts = { push, config, logger, certificates, entrances: [] }
  const host = config.PUSH_HOST
  const listeners: { readonly port: number; close(): Promise<void> }[] = []
  const open = async (port: number | undefined, entrance: () => Entrance): Promise<number | undefined> => {
    if (port === undefined) return undefined
    const entered = entrance()
    const listener = await listenTcp((socket) => entered.enter(socket), host, port)
    listeners.push(listener)
    return listener.port
  }
  const mqtt = await open(wanted.mqtt, () => entranceOf(parts, false, push.handle))
  const mqtts = await open(wanted.mqtts, () => entranceOf(parts, true, push.handle))
  const serve = await listenHttp(parts, wanted)
  const boundHttp = portOf(push.http.server)
  // The server has one port of its own; where there are two, what comes in by the second is handed to it.
  const https = wanted.http === undefined ? boundHttp : await open(wanted.https, () => entranceOf(parts, true, serve))
  const http = wanted.http === undefined ? undefined : boundHttp
  certificates?.watch()
  return {
    ports: withoutAbsent({ mqtt, http, mqtts, https }),
    reload: certificates === undefined ? undefined : () => certificates.reload(),
    async close() {
      certificates?.close()
      await Promise.all(listeners.map((listener) => listener.close()))
      for (const entrance of parts.entrances) entrance.close()
    },
  }
}

async function listenHttp(parts: Parts, wanted: Ports): Promise<Deliver> {
  const { push, config } = parts
  const secure = wanted.http === undefined
  push.webSocket(push.http.server)
  let entrance: Entrance | undefined
  const serve = interceptConnections(push.http.server, (socket) => entrance?.enter(socket))
  entrance = entranceOf(parts, secure, serve)
  // For a name with several addresses fastify makes several servers, whose connections would pass no entrance.
  const alone = secure || config.PUSH_PROXY_PROTOCOL !== 'off'
  const host = alone ? (await lookup(config.PUSH_HOST)).address : config.PUSH_HOST
  await push.http.listen({ host, port: (secure ? wanted.https : wanted.http) ?? 0 })
  return serve
}

function entranceOf({ push, config, certificates, entrances }: Parts, secure: boolean, deliver: Deliver): Entrance {
  const entrance = push.entrance(
    {
      certificates: secure ? certificates : undefined,
      proxies: config.PUSH_PROXY_PROTOCOL === 'off' ? undefined : config.PUSH_PROXY_TRUSTED,
    },
    deliver,
  )
  entrances.push(entrance)
  return entrance
}

/** Settings that only make sense together, and the files they name. @throws ConfigError */
export function checkListeners(config: Config): void {
  if (config.PUSH_HTTP_PORT === 'off' && config.PUSH_HTTPS_PORT === 'off')
    throw new ConfigError('PUSH_HTTP_PORT (--http-port): "off" needs PUSH_HTTPS_PORT (--https-port)')
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

/** Undefined where no listener speaks TLS. @throws ConfigError */
function tlsSettings(config: Config): TlsSettings | undefined {
  const { PUSH_TLS_CERT: certificate, PUSH_TLS_KEY: key, PUSH_TLS_CA: ca, PUSH_TLS_CLIENT_AUTH: clientAuth } = config
  if (config.PUSH_MQTTS_PORT === 'off' && config.PUSH_HTTPS_PORT === 'off') {
    if (certificate !== undefined)
      throw new ConfigError('PUSH_TLS_CERT (--tls-cert): no port uses it; set PUSH_MQTTS_PORT or PUSH_HTTPS_PORT')
    return undefined
  }
  if (certificate === undefined)
    throw new ConfigError('PUSH_TLS_CERT (--tls-cert): a TLS port needs a certificate; set the path of a PEM file')
  if (key === undefined)
    throw new ConfigError('PUSH_TLS_KEY (--tls-key): a TLS port needs a private key; set the path of a PEM file')
  if (clientAuth !== 'none' && ca === undefined)
    throw new ConfigError('PUSH_TLS_CA (--tls-ca): PUSH_TLS_CLIENT_AUTH needs the certificates that vouch for clients')
  return { certificate, key, ca, clientAuth, minimumVersion: config.PUSH_TLS_MIN_VERSION }
}

function withoutAbsent(ports: Record<keyof Ports, number | undefined>): Ports {
  return Object.fromEntries(Object.entries(ports).filter(([, port]) => port !== undefined))
}

export function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? (address satisfies AddressInfo).port : 0
}
