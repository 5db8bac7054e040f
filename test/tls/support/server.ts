/** A server with both TLS ports, and ways to connect to them. */
import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { connect as openTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import {
  connectDevice,
  type Device,
  type Issued,
  type Scope,
  type ServerProcess,
  startServerProcess,
  within,
} from '../../support/index.ts'
import type { Authority, Files } from './certificates.ts'

export function startTls(
  t: Scope,
  files: Files,
  settings: Record<string, string> = {},
  flags: readonly string[] = [],
): Promise<ServerProcess> {
  return startServerProcess(t, {
    flags,
    settings: {
      PUSH_MQTTS_PORT: '0',
      PUSH_HTTPS_PORT: '0',
      PUSH_TLS_CERT: files.cert,
      PUSH_TLS_KEY: files.key,
      ...settings,
    },
  })
}

export const portFor = (server: ServerProcess, name: 'mqtts' | 'https') => server.ports[name] ?? 0

/** MQTT over TLS, or WebSocket over TLS, with the certificate checked. */
export function connectSecure(
  t: Scope,
  server: ServerProcess,
  issued: Issued,
  { ca }: Authority,
  { transport = 'mqtts', identity }: { transport?: 'mqtts' | 'wss'; identity?: Files } = {},
): Promise<Device> {
  const port = portFor(server, transport === 'wss' ? 'https' : 'mqtts')
  const own = identity === undefined ? {} : { cert: readFileSync(identity.cert), key: readFileSync(identity.key) }
  return connectDevice(t, server, issued, {
    url: `${transport}://127.0.0.1:${port}${transport === 'wss' ? '/mqtt' : ''}`,
    subscribe: true,
    more: { ca, ...own },
  })
}

/** Awaits the end of a connection, however it ends. */
export function ended(socket: Socket): Promise<void> {
  return within('the end of the connection', new Promise((resolve) => socket.once('close', () => resolve())))
}

/** A bare TLS connection that checks nothing. */
export function openSecure(t: Scope, port: number, options: ConnectionOptions = {}): TLSSocket {
  const socket = openTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
  socket.on('error', () => undefined)
  t.teardown(() => void socket.destroy())
  return socket
}

/** The name in the certificate that a new connection is shown. */
export async function nameShown(t: Scope, port: number): Promise<string> {
  const socket = openSecure(t, port)
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('close', reject))
  const { subject } = socket.getPeerCertificate()
  socket.destroy()
  return String(subject.CN)
}
