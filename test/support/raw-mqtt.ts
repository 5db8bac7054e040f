/** MQTT byte by byte: a client that does exactly what a test tells it, well-formed or not. */
import { once } from 'node:events'
import { type Socket, connect as openSocket } from 'node:net'
import {
  type IConnackPacket,
  type IConnectPacket,
  type ISubackPacket,
  type Packet,
  generate,
  parser,
} from 'mqtt-packet'
import type { IPublishPacket } from 'mqtt-packet'
import { reset } from './reset.ts'
import type { Scope } from './scope.ts'
import { ArrivalQueue, within } from './waiting.ts'

export interface RawClient {
  readonly socket: Socket
  readonly packets: ArrivalQueue<Packet>
  /** Bytes that arrived so far. */
  readonly bytes: Buffer
  /** Resolves when the connection is gone, whoever ended it. */
  readonly closed: Promise<void>
  /** Sends bytes as they are. */
  sendBytes(bytes: Uint8Array | string): void
  /** Sends a packet that mqtt-packet can make. */
  send(packet: Packet): void
  /** The next packet. */
  next(): Promise<Packet>
  /** The next packet of this kind; others before it are passed over. */
  next<C extends Packet['cmd']>(command: C): Promise<Extract<Packet, { cmd: C }>>
  /** CONNECT, and awaits the CONNACK, whatever it says. */
  connect(packet?: ConnectFields): Promise<IConnackPacket>
  subscribe(topics: string | readonly string[], qos?: 0 | 1 | 2): Promise<ISubackPacket>
  puback(packet: Pick<IPublishPacket, 'messageId'>): void
  /** PINGREQ and PINGRESP: the server has read all that was sent before. */
  ping(): Promise<void>
  /** Stops reading, so that the server's writes back up. */
  pause(): void
  resume(): void
  /** Ends with a TCP reset. */
  reset(): Promise<void>
  /** Ends with a FIN. */
  end(): Promise<void>
}

/** What to put into a CONNECT; a `token` is a message token for the password. */
export type ConnectFields = Partial<IConnectPacket> & { readonly token?: string }

export interface RawOptions {
  /** Default 4. */
  readonly protocolVersion?: 3 | 4 | 5
  readonly host?: string
}

export async function connectRaw(t: Scope, port: number, options: RawOptions = {}): Promise<RawClient> {
  const protocolVersion = options.protocolVersion ?? 4
  const socket = openSocket({ port, host: options.host ?? '127.0.0.1', noDelay: true })
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  t.teardown(() => void socket.destroy())
  await within('a TCP connection', once(socket, 'connect'))
  // A reset by the server is an end like any other here: `closed` tells it.
  socket.on('error', () => undefined)

  const packets = new ArrivalQueue<Packet>('a packet from the server')
  const parse = parser({ protocolVersion })
  const chunks: Buffer[] = []
  let packetId = 0
  parse.on('packet', (packet) => packets.push(packet))
  parse.on('error', (error) => packets.end(error))
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    parse.parse(chunk)
  })
  void closed.then(() => packets.end(new Error('the server closed the connection')))

  const send = (packet: Packet) => void socket.write(generate(packet, { protocolVersion }))
  async function next(command?: Packet['cmd']): Promise<Packet> {
    return packets.nextWhere((packet) => command === undefined || packet.cmd === command)
  }

  return {
    socket,
    packets,
    get bytes() {
      return Buffer.concat(chunks)
    },
    closed,
    sendBytes: (bytes) => void socket.write(bytes),
    send,
    next: next as RawClient['next'],
    async connect(packet = {}) {
      send(connectPacket(protocolVersion, packet))
      return (await next('connack')) as IConnackPacket
    },
    async subscribe(topics, qos = 1) {
      const subscriptions = (typeof topics === 'string' ? [topics] : topics).map((topic) => ({ topic, qos }))
      packetId += 1
      send({ cmd: 'subscribe', messageId: packetId, subscriptions })
      return (await next('suback')) as ISubackPacket
    },
    puback: ({ messageId }) => send({ cmd: 'puback', ...(messageId === undefined ? {} : { messageId }) }),
    async ping() {
      send({ cmd: 'pingreq' })
      await next('pingresp')
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    async reset() {
      reset(socket)
      await closed
    },
    async end() {
      socket.end()
      await within('the end of the connection', closed)
    },
  }
}

function connectPacket(protocolVersion: 3 | 4 | 5, { token, ...packet }: ConnectFields): IConnectPacket {
  return {
    cmd: 'connect',
    protocolId: protocolVersion === 3 ? 'MQIsdp' : 'MQTT',
    protocolVersion,
    clean: true,
    clientId: `raw-${process.pid}-${performance.now()}`.slice(0, 23),
    keepalive: 0,
    ...(token === undefined ? {} : { username: 'device', password: Buffer.from(token) }),
    ...packet,
  }
}

/** The bytes of a CONNECT, to be changed by a test before it sends them. */
export function connectBytes(fields: ConnectFields, protocolVersion: 3 | 4 | 5 = 4): Buffer {
  return generate(connectPacket(protocolVersion, fields), { protocolVersion })
}
