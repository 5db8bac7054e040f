/** A device (or a provider) on MQTT.js, the client library that most programs use. */
import { randomUUID } from 'node:crypto'
import { Socket } from 'node:net'
import mqtt, { type IClientOptions, type IConnackPacket, type IPublishPacket, type MqttClient, type Packet } from 'mqtt'
import { type ApiTarget, type Destination, type Issued, send } from './api.ts'
import { reset } from './reset.ts'
import type { Scope } from './scope.ts'
import { ArrivalQueue, within } from './waiting.ts'

export interface MqttTarget {
  readonly host?: string
  readonly mqttPort: number
  readonly httpPort: number
}

export interface ConnectOptions {
  /** Default 5. */
  readonly protocolVersion?: 3 | 4 | 5
  /** Default `tcp`; `ws` is MQTT over WebSocket at `/mqtt` of the HTTP port. */
  readonly transport?: 'tcp' | 'ws'
  /** Instead of host, port and transport. */
  readonly url?: string
  /** Clean Session or Clean Start; default true. */
  readonly clean?: boolean
  readonly clientId?: string
  readonly username?: string
  /** MQTT 5 properties of the CONNECT. */
  readonly properties?: NonNullable<IClientOptions['properties']>
  readonly keepalive?: number
  readonly will?: NonNullable<IClientOptions['will']>
  /** No PUBACK leaves until `ack` says so. */
  readonly manualAck?: boolean
  /** Subscribes to the private topic before it returns; needs an issued token, not a bare JWT. */
  readonly subscribe?: boolean
  /** Anything else of MQTT.js. */
  readonly more?: IClientOptions
  /** Sees the client before it connects: MQTT.js says that it has connected after it has sent again what was under way. */
  readonly watch?: (client: MqttClient) => void
}

/** A PUBLISH as it arrived. */
export interface Arrival {
  readonly topic: string
  readonly payload: Buffer
  /** The payload as UTF-8. */
  readonly text: string
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly dup: boolean
  readonly packetId: number | undefined
  readonly properties: NonNullable<IPublishPacket['properties']>
}

export interface Device {
  readonly client: MqttClient
  readonly connack: IConnackPacket
  readonly tokenId: string | undefined
  /** Every message so far, read or not. */
  readonly received: readonly Arrival[]
  readonly queue: ArrivalQueue<Arrival>
  next(): Promise<Arrival>
  nextN(count: number): Promise<Arrival[]>
  /** The reason codes of the SUBACK, one a topic; a refusal is a code, not a throw. */
  subscribe(topics: string | readonly string[], options?: SubscribeOptions): Promise<number[]>
  /** Awaits the PUBACK of a QoS 1 publish. */
  publish(topic: string, payload: string | Buffer, options?: mqtt.IClientPublishOptions): Promise<void>
  /** Sends the PUBACK of a message that `manualAck` held back. */
  ack(message: Arrival): void
  /** DISCONNECT, and awaits the end. */
  end(): Promise<void>
  /** Cuts the connection with a TCP reset and no DISCONNECT, as a carrier does. */
  reset(): Promise<void>
  readonly closed: Promise<void>
  /** The DISCONNECT that the server sent (MQTT 5), when it did. */
  readonly disconnectPacket: { readonly reasonCode?: number; readonly properties?: object } | undefined
}

export interface SubscribeOptions {
  /** Default 1. */
  readonly qos?: 0 | 1 | 2
  readonly noLocal?: boolean
  readonly retainAsPublished?: boolean
  readonly retainHandling?: 0 | 1 | 2
  readonly properties?: NonNullable<mqtt.IClientSubscribeOptions['properties']>
}

/** Connects with a message token as password. Fails with MQTT.js' error (its `code` is the CONNACK's) when refused. */
export async function connectDevice(
  t: Scope,
  target: MqttTarget,
  token: Issued | string,
  options: ConnectOptions = {},
): Promise<Device> {
  const issued = typeof token === 'string' ? undefined : token
  const password = typeof token === 'string' ? token : token.token
  const device = await connect(
    t,
    target,
    { username: options.username ?? 'device', password },
    options,
    issued?.tokenId,
  )
  if (options.subscribe === true) {
    if (issued === undefined) throw new Error('only an issued token tells its private topic')
    const [code] = await device.subscribe(issued.topics.private)
    if (code !== 1) throw new Error(`the private topic was refused with ${code}`)
  }
  return device
}

/** Connects as the provider of the server's key. */
export function connectProvider(
  t: Scope,
  target: MqttTarget & { readonly providerKey: string },
  options: ConnectOptions = {},
): Promise<Device> {
  return connect(t, target, { username: options.username ?? 'provider', password: target.providerKey }, options)
}

/** Connects with any credentials. */
export async function connect(
  t: Scope,
  target: MqttTarget,
  credentials: { readonly username?: string; readonly password?: string | Buffer },
  options: ConnectOptions = {},
  tokenId?: string,
): Promise<Device> {
  const client = mqtt.connect(urlOf(target, options), clientOptions(credentials, options))
  // MQTT.js emits errors of a connection that is already lost; the tests look at `closed` instead.
  client.on('error', () => undefined)
  options.watch?.(client)
  t.teardown(() => client.end(true))

  const queue = new ArrivalQueue<Arrival>('a message on the device')
  let disconnectPacket: Device['disconnectPacket']
  client.on('message', (_topic, _payload, packet) => queue.push(arrivalOf(packet)))
  client.on('disconnect', (packet) => {
    disconnectPacket = packet as typeof disconnectPacket
  })
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()))
  void closed.then(() => queue.end(new Error('the connection of the device is closed')))
  const sendPuback = options.manualAck === true ? holdPubacks(client) : undefined
  const connack = await within('CONNACK', untilConnected(client))

  return {
    client,
    connack,
    tokenId,
    received: queue.received,
    queue,
    closed,
    get disconnectPacket() {
      return disconnectPacket
    },
    next: () => queue.next(),
    nextN: (count) => queue.nextN(count),
    subscribe: (topics, how = {}) => within('SUBACK', subscribe(client, topics, how)),
    async publish(topic, payload, how = {}) {
      await within('PUBACK', client.publishAsync(topic, payload, { qos: 1, ...how }))
    },
    ack(message) {
      if (sendPuback === undefined) throw new Error('the device acknowledges by itself: connect it with manualAck')
      sendPuback(message.packetId ?? 0)
    },
    async end() {
      await within('the end of the client', client.endAsync())
    },
    async reset() {
      const { stream } = client
      if (stream instanceof Socket) reset(stream)
      else stream.destroy()
      await within('the close of the client', closed)
    },
  }
}

/** Over what a client may speak which version. MQTT.js on 3.1 offers a WebSocket subprotocol that is refused [MQTT-6.0.0-4]. */
export const WAYS = [
  { protocolVersion: 3, transport: 'tcp' },
  { protocolVersion: 4, transport: 'tcp' },
  { protocolVersion: 4, transport: 'ws' },
  { protocolVersion: 5, transport: 'tcp' },
  { protocolVersion: 5, transport: 'ws' },
] as const

function urlOf(target: MqttTarget, options: ConnectOptions): string {
  const host = target.host ?? '127.0.0.1'
  if (options.url !== undefined) return options.url
  return options.transport === 'ws' ? `ws://${host}:${target.httpPort}/mqtt` : `mqtt://${host}:${target.mqttPort}`
}

function clientOptions(
  credentials: { readonly username?: string; readonly password?: string | Buffer },
  options: ConnectOptions,
): IClientOptions {
  const protocolVersion = options.protocolVersion ?? 5
  return {
    ...credentials,
    protocolVersion,
    protocolId: protocolVersion === 3 ? 'MQIsdp' : 'MQTT',
    clientId: options.clientId ?? `t-${randomUUID().slice(0, 18)}`,
    clean: options.clean ?? true,
    keepalive: options.keepalive ?? 0,
    reconnectPeriod: 0,
    connectTimeout: 30_000,
    resubscribe: false,
    ...(options.properties === undefined ? {} : { properties: options.properties }),
    ...(options.will === undefined ? {} : { will: options.will }),
    ...options.more,
  }
}

function untilConnected(client: MqttClient): Promise<IConnackPacket> {
  return new Promise((resolve, reject) => {
    client.once('connect', resolve)
    client.once('error', reject)
    client.once('close', () => reject(new Error('the connection closed before the CONNACK')))
  })
}

function arrivalOf(packet: IPublishPacket): Arrival {
  const payload = Buffer.isBuffer(packet.payload) ? packet.payload : Buffer.from(packet.payload)
  return {
    topic: packet.topic,
    payload,
    text: payload.toString(),
    qos: packet.qos,
    retain: packet.retain,
    dup: packet.dup,
    packetId: packet.messageId,
    properties: packet.properties ?? {},
  }
}

/**
 * MQTT.js acknowledges one message before it looks at the next, so holding its handler would also hold the connection.
 * Instead its PUBACKs are swallowed on their way out, and sent when the test says so.
 */
function holdPubacks(client: MqttClient): (packetId: number) => void {
  const internals = client as unknown as { _sendPacket(packet: Packet, done?: () => void): void }
  const sendPacket = internals._sendPacket.bind(client)
  internals._sendPacket = (packet, done, ...rest) => {
    if (packet.cmd === 'puback') done?.()
    else sendPacket(packet, done, ...rest)
  }
  return (packetId) => sendPacket({ cmd: 'puback', messageId: packetId })
}

function subscribe(client: MqttClient, topics: string | readonly string[], how: SubscribeOptions): Promise<number[]> {
  const { properties, qos = 1, noLocal, retainAsPublished, retainHandling } = how
  const wanted = typeof topics === 'string' ? [topics] : topics
  // MQTT.js has short names for the subscription options, and passes over what it does not know.
  const perTopic = {
    qos,
    ...(noLocal === undefined ? {} : { nl: noLocal }),
    ...(retainAsPublished === undefined ? {} : { rap: retainAsPublished }),
    ...(retainHandling === undefined ? {} : { rh: retainHandling }),
  }
  const map = Object.fromEntries(wanted.map((topic) => [topic, perTopic]))
  return new Promise((resolve, reject) => {
    client.subscribe(map, properties === undefined ? { qos: 1 } : { qos: 1, properties }, (error, _granted, packet) => {
      if (packet !== undefined) resolve(packet.granted as number[])
      else reject(error ?? new Error('no SUBACK'))
    })
  })
}

/**
 * Everything that reaches the device before a marker that is sent now, as proof that nothing else was on its way. The
 * marker goes to the device's private topic, or to `to`: the private and the broadcast log are ordered each for itself,
 * so "no broadcast arrived" needs a broadcast marker.
 */
export async function barrier(target: ApiTarget, device: Device, to?: Destination): Promise<Arrival[]> {
  if (to === undefined && device.tokenId === undefined) throw new Error('say where to: the device has no token id')
  const marker = `barrier-${randomUUID()}`
  await send(target, to ?? { token: device.tokenId ?? '' }, marker, { ttl: 60 })
  const before: Arrival[] = []
  for (;;) {
    const arrival = await device.next()
    if (arrival.text === marker) return before
    before.push(arrival)
  }
}
