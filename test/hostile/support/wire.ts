/** Raw bytes to the server, over TCP or WebSocket, and what it answers. */
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { type Packet, parser } from 'mqtt-packet'
import { createWebSocketStream, WebSocket } from 'ws'
import { ArrivalQueue, connectRaw, type Scope, type Server, within } from '../../support/index.ts'

export type Transport = 'tcp' | 'ws'
export type Level = 3 | 4 | 5

export interface Wire {
  send(bytes: Uint8Array): void
  readonly packets: ArrivalQueue<Packet>
  readonly closed: Promise<void>
  /** Resolves with everything the server said until it closed the connection. */
  rest(): Promise<readonly Packet[]>
}

export async function openWire(t: Scope, server: Server, transport: Transport, level: Level): Promise<Wire> {
  if (transport === 'ws') return overWebSocket(t, server, level)
  const raw = await connectRaw(t, server.mqttPort, { protocolVersion: level })
  return {
    send: (bytes) => raw.sendBytes(bytes),
    packets: raw.packets,
    closed: raw.closed,
    async rest() {
      await within('the close by the server', raw.closed)
      return raw.packets.received
    },
  }
}

async function overWebSocket(t: Scope, server: Server, level: Level): Promise<Wire> {
  const socket = new WebSocket(`ws://127.0.0.1:${server.httpPort}/mqtt`, 'mqtt', { perMessageDeflate: false })
  const stream: Duplex = createWebSocketStream(socket)
  stream.on('error', () => undefined)
  t.teardown(() => socket.terminate())
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  await within('a WebSocket', once(socket, 'open'))
  const packets = new ArrivalQueue<Packet>('a packet from the server')
  const parse = parser({ protocolVersion: level })
  parse.on('packet', (packet) => packets.push(packet))
  stream.on('data', (chunk: Buffer) => parse.parse(chunk))
  return {
    send: (bytes) => socket.send(bytes),
    packets,
    closed,
    async rest() {
      await within('the close by the server', closed)
      return packets.received
    },
  }
}

/** Bytes from hexadecimal text with spaces, and from texts as they are in `'...'`. */
export function hex(text: string): Buffer {
  const parts = text.split("'").map((part, index) => (index % 2 === 1 ? Buffer.from(part) : fromHex(part)))
  return Buffer.concat(parts)
}

function fromHex(text: string): Buffer {
  const digits = text.replaceAll(/\s/g, '')
  const bytes = Buffer.from(digits, 'hex')
  if (bytes.length * 2 !== digits.length) throw new Error(`not hexadecimal: ${text}`)
  return bytes
}

/** A packet of this first byte: the remaining length is put in front of the body. */
export function packet(first: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([first]), variableByteInteger(body.length), body])
}

export function variableByteInteger(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  do {
    const digit = rest % 128
    rest = Math.floor(rest / 128)
    bytes.push(rest > 0 ? digit | 0x80 : digit)
  } while (rest > 0)
  return Buffer.from(bytes)
}

/** Text or bytes with their length in two bytes in front. */
export function field(content: string | Uint8Array): Buffer {
  const bytes = Buffer.from(content)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}

export interface ConnectParts {
  readonly name?: string
  readonly level?: number
  readonly flags?: number
  readonly properties?: Buffer
  /** Everything after the properties; default a client id and the credentials. */
  readonly payload?: Buffer
  readonly clientId?: string | Uint8Array
  readonly username?: string | Uint8Array
  readonly password?: string | Uint8Array
  /** After the last field. */
  readonly trailing?: Buffer
}

/** A CONNECT with any part replaced. */
export function connectPacket(parts: ConnectParts): Buffer {
  const { level = 5, clientId = 'hostile', username = 'device', password = 'x'.repeat(20) } = parts
  const properties = parts.properties ?? Buffer.alloc(0)
  const payload = parts.payload ?? Buffer.concat([field(clientId), field(username), field(password)])
  return packet(
    0x10,
    Buffer.concat([
      field(parts.name ?? (level === 3 ? 'MQIsdp' : 'MQTT')),
      Buffer.from([level, parts.flags ?? 0xc2, 0, 0]),
      ...((level & 0x7f) === 5 ? [variableByteInteger(properties.length), properties] : []),
      payload,
      parts.trailing ?? Buffer.alloc(0),
    ]),
  )
}
