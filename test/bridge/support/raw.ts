/** HTTP byte by byte: requests that no client library would make. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Scope } from '../../support/scope.ts'
import { within } from '../../support/waiting.ts'

export async function openRaw(t: Scope, port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  // A reset is an end like any other here.
  socket.on('error', () => undefined)
  t.teardown(() => void socket.destroy())
  await within('a connection', once(socket, 'connect'))
  return socket
}

/** Everything that the server says to these bytes until it closes. */
export async function converse(t: Scope, port: number, bytes: string | Uint8Array): Promise<string> {
  const socket = await openRaw(t, port)
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  const closed = once(socket, 'close')
  socket.write(bytes)
  await within(`the end after ${JSON.stringify(String(bytes).slice(0, 60))}`, closed)
  return Buffer.concat(chunks).toString()
}

/** The head of a request, with the end of the head. */
export function head(requestLine: string, headers: Record<string, string> = {}): string {
  const lines = Object.entries({ host: 'localhost', ...headers }).map(([name, value]) => `${name}: ${value}`)
  return [`${requestLine} HTTP/1.1`, ...lines, '', ''].join('\r\n')
}

/** The head of a request for a WebSocket. */
export function upgradeTo(target: string, headers: Record<string, string> = {}): string {
  return head(`GET ${target}`, {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    'sec-websocket-protocol': 'mqtt',
    ...headers,
  })
}
