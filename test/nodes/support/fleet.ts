/** Thousands of devices in one process, on plain sockets: what a client library would do is not what is looked at. */
import { connect as openSocket, type Socket } from 'node:net'
import { generate, type IConnackPacket, type Packet, parser } from 'mqtt-packet'
import type { Issued } from '../../support/index.ts'

export interface FleetDevice {
  readonly issued: Issued
  readonly texts: string[]
  socket: Socket | undefined
}

const PROTOCOL = { protocolVersion: 4 as const }

export const fleetDevice = (issued: Issued): FleetDevice => ({ issued, texts: [], socket: undefined })

/** Resolves with the CONNACK, after the SUBACK when the session is a new one; acknowledges what comes. */
export function board(device: FleetDevice, port: number, arrived: () => void): Promise<IConnackPacket> {
  return new Promise((resolve, reject) => {
    const socket = openSocket({ port, host: '127.0.0.1', noDelay: true })
    device.socket = socket
    let connack: IConnackPacket | undefined
    const write = (packet: Packet): void => void socket.write(generate(packet, PROTOCOL))
    const parse = parser(PROTOCOL)
    socket.on('data', (chunk: Buffer) => parse.parse(chunk))
    socket.once('connect', () => write(connectOf(device.issued)))
    socket.on('error', reject)
    socket.once('close', () => reject(new Error('closed before it was served')))
    parse.on('packet', (packet: Packet) => {
      if (packet.cmd === 'connack') {
        connack = packet
        if (packet.returnCode !== 0) reject(new Error(`CONNACK ${packet.returnCode}`))
        else if (packet.sessionPresent) resolve(packet)
        else write(subscribeOf(device.issued))
      } else if (packet.cmd === 'suback' && connack !== undefined) {
        resolve(connack)
      } else if (packet.cmd === 'publish') {
        device.texts.push(packet.payload.toString())
        write({ cmd: 'puback', ...(packet.messageId === undefined ? {} : { messageId: packet.messageId }) })
        arrived()
      }
    })
  })
}

function connectOf({ token, tokenId }: Issued): Packet {
  const credentials = { username: 'device', password: Buffer.from(token) }
  return {
    cmd: 'connect',
    protocolId: 'MQTT',
    ...PROTOCOL,
    clean: false,
    clientId: tokenId,
    keepalive: 0,
    ...credentials,
  }
}

function subscribeOf({ topics }: Issued): Packet {
  const subscriptions = [topics.private, topics.broadcast ?? topics.private].map((topic) => ({
    topic,
    qos: 1 as const,
  }))
  return { cmd: 'subscribe', messageId: 1, subscriptions }
}
