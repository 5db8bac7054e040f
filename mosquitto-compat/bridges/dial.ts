/**
 * The network connection of a bridge. TLS files are read for each connection, so that a renewed certificate is used.
 */
import { readdir, readFile } from 'node:fs/promises'
import { connect, isIP, type Socket } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls, rootCertificates, type ConnectionOptions } from 'node:tls'
import type { BridgeAddress, BridgeOptions, BridgeTls } from '../conf/bridge-options.ts'

export type DialOptions = Pick<BridgeOptions, 'bindAddress' | 'tcpKeepAlive' | 'tls'>

/** To the end of the TLS handshake, ms. */
const TIMEOUT_MS = 20_000
const VERSIONS = { 'tlsv1.1': 'TLSv1.1', 'tlsv1.2': 'TLSv1.2', 'tlsv1.3': 'TLSv1.3' } as const
/** What `openssl rehash` makes, and what it is made of. */
const CERTIFICATE_FILE = /\.(crt|pem|cer)$|^[0-9a-f]{8}\.[0-9]+$/

/** @throws Error that says why there is no connection */
export async function dial(address: BridgeAddress, options: DialOptions, signal: AbortSignal): Promise<Socket> {
  const { tls, bindAddress, tcpKeepAlive = 0 } = options
  const secure = tls === undefined ? undefined : await tlsOptions(tls, address.host)
  signal.throwIfAborted()
  const to = { ...address, ...(bindAddress === undefined ? {} : { localAddress: bindAddress }) }
  const socket = secure === undefined ? connect(to) : connectTls({ ...to, ...secure })
  try {
    await connected(socket, secure === undefined ? 'connect' : 'secureConnect', signal)
  } catch (error) {
    socket.on('error', () => undefined)
    socket.destroy()
    throw error
  }
  // Nobody else listens for it yet; who takes the socket sees that it is destroyed.
  socket.on('error', () => undefined)
  socket.setNoDelay(true)
  if (tcpKeepAlive > 0) socket.setKeepAlive(true, tcpKeepAlive * 1000)
  return socket
}

function connected(socket: Socket, event: 'connect' | 'secureConnect', signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => fail(new Error('it could not be reached in time')), TIMEOUT_MS)
    const aborted = () => fail(new Error('the bridge was stopped'))
    const closed = () => fail(new Error('the connection was closed'))
    const done = () => {
      clearTimeout(late)
      signal.removeEventListener('abort', aborted)
      socket.off(event, opened)
      socket.off('error', fail)
      socket.off('close', closed)
    }
    const opened = () => {
      done()
      resolve()
    }
    const fail = (error: Error) => {
      done()
      reject(error)
    }
    socket.once(event, opened)
    socket.once('error', fail)
    socket.once('close', closed)
    signal.addEventListener('abort', aborted)
  })
}

async function tlsOptions(tls: BridgeTls, host: string): Promise<ConnectionOptions> {
  const { certFile, keyFile, alpn, version, insecure, ciphers, ciphersTls13 } = tls
  const [ca, cert, key] = await Promise.all([authorities(tls), optional(certFile), optional(keyFile)])
  const suites = [ciphersTls13, ciphers].filter((each) => each !== undefined)
  return {
    ca,
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(alpn === undefined ? {} : { ALPNProtocols: [alpn] }),
    ...(suites.length === 0 ? {} : { ciphers: suites.join(':') }),
    minVersion: VERSIONS[version],
    rejectUnauthorized: true,
    ...(insecure ? { checkServerIdentity: () => undefined } : {}),
  }
}

/** Those that may have signed what the other broker shows. */
async function authorities({ caFile, caPath, useSystemCertificates }: BridgeTls): Promise<(Buffer | string)[]> {
  const own = caFile === undefined ? [] : [await readFile(caFile)]
  if (caPath !== undefined) {
    const names = (await readdir(caPath)).filter((name) => CERTIFICATE_FILE.test(name))
    own.push(...(await Promise.all(names.map((name) => readFile(join(caPath, name))))))
  }
  return useSystemCertificates ? [...own, ...rootCertificates] : own
}

async function optional(path: string | undefined): Promise<Buffer | undefined> {
  return path === undefined ? undefined : await readFile(path)
}
