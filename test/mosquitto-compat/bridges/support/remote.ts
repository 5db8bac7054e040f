/** A broker at the other end of a bridge, byte by byte. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { generate, type IConnectPacket, type Packet, parser } from 'mqtt-packet'
import { ArrivalQueue, type Scope } from '../../../support/index.ts'

export type Connect = IConnectPacket & { readonly bridgeMode?: boolean }

export interface Accepted {
  readonly connect: Connect
  send(packet: Packet): void
  sendBytes(bytes: Uint8Array): void
  /** The next packet of this kind; others before it are passed over. */
  next<C extends Packet['cmd']>(command: C): Promise<Extract<Packet, { cmd: C }>>
  readonly packets: ArrivalQueue<Packet>
  readonly closed: Promise<void>
  close(): void
}

export interface Remote {
  readonly port: number
  /** The next connection that has sent its CONNECT. */
  accept(): Promise<Accepted>
  /** Answers it. */
  welcome(connack?: Partial<Extract<Packet, { cmd: 'connack' }>>): Promise<Accepted>
  close(): Promise<void>
}

export async function startRemote(t: Scope, level: 4 | 5 = 4, port = 0): Promise<Remote> {
  const connections = new ArrivalQueue<Accepted>('a bridge')
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    takeConnect(socket, level, (accepted) => connections.push(accepted))
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    if (server.listening) {
      server.close()
      await once(server, 'close')
    }
  }
  t.teardown(close)
  return {
    port: (server.address() as AddressInfo).port,
    accept: () => connections.next(),
    async welcome(connack = {}) {
      const accepted = await connections.next()
      accepted.send({ cmd: 'connack', sessionPresent: false, returnCode: 0, reasonCode: 0, ...connack })
      return accepted
    },
    close,
  }
}

function takeConnect(socket: Socket, level: 4 | 5, accepted: (each: Accepted) => void): void {
  const packets = new ArrivalQueue<Packet>('a packet of the bridge')
  const parse = parser({ protocolVersion: level })
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  void closed.then(() => packets.end(new Error('the bridge closed the connection')))
  parse.on('error', (error) => packets.end(error))
  parse.on('packet', (packet) => {
    if (packet.cmd !== 'connect') return packets.push(packet)
    accepted({
      connect: packet,
      send: (each) => void socket.write(generate(each, { protocolVersion: level })),
      sendBytes: (bytes) => void socket.write(bytes),
      next: (async (command: Packet['cmd']) =>
        await packets.nextWhere(({ cmd }) => cmd === command)) as Accepted['next'],
      packets,
      closed,
      close: () => socket.destroy(),
    })
  })
  socket.on('data', (chunk: Buffer) => parse.parse(chunk))
}
