/** The provider that floods, until it is stopped. */
import { once } from 'node:events'
import { connect as openSocket } from 'node:net'
import { HttpPool, httpRequest } from '../load/http.ts'
import { connectPacket, publishTemplate } from '../load/packets.ts'
import { Publisher } from '../load/publisher.ts'
import { FLOODS } from './floods.ts'

const { MQTT = '', HTTP = '', KEY = '', TOKENS = '', FLOOD = '' } = process.env
const tokens = TOKENS.split(',')
const flood = FLOODS[FLOOD]
if (flood === undefined) throw new Error(`there is no flood ${FLOOD}`)

async function overHttp(sockets: number, many: number): Promise<void> {
  const pool = await HttpPool.open(Number(HTTP), sockets)
  const requests = tokens.map((_, place) => {
    const to = { tokens: Array.from({ length: many }, (_each, number) => tokens[(place + number) % tokens.length]) }
    return httpRequest('POST', '/v1/messages', KEY, { to, payload: 'x'.repeat(64) })
  })
  let next = 0
  for (let socket = 0; socket < sockets; socket++) {
    const again = (): void => {
      pool.request(requests[next++ % requests.length] ?? Buffer.alloc(0)).then(again, again)
    }
    again()
  }
}

/** Nobody acknowledges QoS 0: as much as the server reads. */
async function withoutAnswers(connection: number, count: number): Promise<void> {
  const socket = openSocket({ port: Number(MQTT), host: '127.0.0.1', noDelay: true })
  socket.write(connectPacket({ clientId: `flood-${connection}`, username: 'provider', password: KEY }, true))
  await once(socket, 'data')
  const packets = Array.from({ length: count }, (_, place) => {
    const { bytes, packetIdAt, payloadAt } = publishTemplate(`flood/t/${tokens[place % tokens.length]}`)
    const head = Buffer.from([0x30, (bytes[1] ?? 0) - 2])
    return Buffer.concat([head, bytes.subarray(2, packetIdAt), bytes.subarray(payloadAt)])
  })
  const batch = Buffer.concat(packets)
  const write = (): void => {
    while (socket.write(batch));
  }
  socket.on('drain', write)
  socket.on('error', () => undefined)
  write()
}

async function overMqtt(connections: number, window: number, qos: 0 | 1): Promise<void> {
  if (qos === 0) {
    for (let connection = 0; connection < connections; connection++) await withoutAnswers(connection, window)
    return
  }
  const templates = tokens.map((token) => publishTemplate(`flood/t/${token}`))
  for (let connection = 0; connection < connections; connection++) {
    const publisher = new Publisher(Number(MQTT))
    await publisher.connect({ clientId: `flood-${connection}`, username: 'provider', password: KEY }, true)
    let next = 0
    const batch = (count: number) => Array.from({ length: count }, () => templates[next++ % templates.length]!)
    const fill = (): void => {
      const room = window - publisher.unacknowledged
      if (room >= window / 10) publisher.publish(batch(room), () => undefined)
    }
    publisher.onAcknowledged = fill
    fill()
  }
}

const { http, mqtt } = flood
if (http !== undefined) await overHttp(...http)
if (mqtt !== undefined) await overMqtt(...mqtt)
console.log('flooding')
