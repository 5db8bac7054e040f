/** Both connections of a connected bridge: subscriptions, notifications, and messages in both directions. */
import type { IPublishPacket, Packet } from 'mqtt-packet'
import type { BridgeOptions } from '../conf/bridge-options.ts'
import { Direction } from './direction.ts'
import type { Link, LinkReceiver, RequestPacket } from './link.ts'
import { PacketIds } from './packet-ids.ts'
import { reasonText } from './refusals.ts'
import type { TopicMap } from './topic-map.ts'

export interface ExchangeOptions {
  readonly bridge: BridgeOptions
  readonly topics: TopicMap
  readonly local: Link
  readonly remote: Link
  /** Ids of the other broker; they outlive a connection. */
  readonly ids: PacketIds
  readonly isOutStale: boolean
  readonly isInStale: boolean
  /** Something is not as the configuration has it. */
  warn(text: string): void
  /** Of a message that one of the two refuses for now. */
  givesUp(key: string): boolean
  moved(): void
}

type Subscriptions = Extract<Packet, { cmd: 'subscribe' }>['subscriptions']

const ALL_OPTIONS = { nl: true, rap: true, rh: 0 } as const
const IDS = 65_535

export class Exchange {
  readonly #options: ExchangeOptions
  readonly #out: Direction
  readonly #in: Direction
  /** Local id of this broker, for requests: from the end, where messages of the other broker seldom are. */
  #localId = IDS

  constructor(options: ExchangeOptions) {
    const { bridge, topics, local, remote, ids, isOutStale, isInStale, warn, givesUp, moved } = options
    this.#options = options
    const dropped = (topic: string, why: string) => warn(`a message to ${JSON.stringify(topic)} does not go on: ${why}`)
    this.#out = new Direction({
      from: local,
      to: remote,
      ids,
      rename: (topic) => topics.toRemote(topic),
      maximumQos: maximumQosOf(remote),
      retains: bridge.outgoingRetain && retainsOf(remote),
      maximumPacketSize: smallest(bridge.maximumPacketSize, remote.connack.properties?.maximumPacketSize),
      receiveMaximum: remote.connack.properties?.receiveMaximum ?? IDS,
      isStale: isOutStale,
      dropped,
      givesUp: (id) => givesUp(`out ${id}`),
      moved,
    })
    this.#in = new Direction({
      from: remote,
      to: local,
      ids: new PacketIds(),
      rename: (topic) => topics.toLocal(topic),
      maximumQos: maximumQosOf(local),
      retains: retainsOf(local),
      maximumPacketSize: local.connack.properties?.maximumPacketSize ?? 0,
      receiveMaximum: local.connack.properties?.receiveMaximum ?? IDS,
      isStale: isInStale,
      dropped,
      givesUp: (id) => givesUp(`in ${id}`),
      moved,
    })
  }

  /** Resolves with why, when one of the two connections is over. */
  async run(): Promise<Error> {
    const { local, remote } = this.#options
    this.#announce('1')
    this.#askRemote()
    local.start(receiver(this.#out, this.#in))
    this.#askLocal()
    remote.start(receiver(this.#in, this.#out))
    return await Promise.race([
      remote.closed,
      local.closed.then((error) => new Error(`this broker ended its side: ${error.message}`)),
    ])
  }

  /** Tells this broker that the other one is away. */
  gone(): void {
    const { bridge, local } = this.#options
    if (bridge.notifications) local.send(stateOf(bridge, '0', retainsOf(local)))
  }

  #announce(state: '1'): void {
    const { bridge, local, remote } = this.#options
    if (!bridge.notifications) return
    local.send(stateOf(bridge, state, retainsOf(local)))
    if (bridge.notificationsLocalOnly) return
    const packet = stateOf(bridge, state, retainsOf(remote))
    if (maximumQosOf(remote) === 0) return remote.send(packet)
    this.#remote((messageId) => ({ ...packet, qos: 1, messageId })).catch(() => undefined)
  }

  /** One filter a SUBSCRIBE, for brokers that take no more. */
  #askRemote(): void {
    const { bridge, topics, remote } = this.#options
    const qosMost = maximumQosOf(remote)
    for (const { filter, qos, isWanted } of topics.atRemote) {
      if (!isWanted && !bridge.attemptUnsubscribe) continue
      const options = remote.level === 5 ? ALL_OPTIONS : {}
      const subscriptions = [{ topic: filter, qos: qos > qosMost ? qosMost : qos, ...options }]
      this.#remote((messageId) =>
        isWanted
          ? { cmd: 'subscribe', messageId, subscriptions }
          : { cmd: 'unsubscribe', messageId, unsubscriptions: [filter] },
      ).then(
        (answer) => this.#subscribed(filter, answer, 'the other broker'),
        () => undefined,
      )
    }
  }

  #askLocal(): void {
    const { topics, local } = this.#options
    for (const subscriptions of inPieces(localSubscriptions(topics)))
      local.request({ cmd: 'subscribe', messageId: this.#localId--, subscriptions }).then(
        (answer) => subscriptions.forEach(({ topic }, at) => this.#subscribed(topic, answer, 'this broker', at)),
        () => undefined,
      )
  }

  #remote(packet: (messageId: number) => RequestPacket): Promise<Packet> {
    const { remote, ids } = this.#options
    const messageId = ids.next((id) => remote.isAsking(id) || this.#out.isUnderWay(id))
    return remote.request({ ...packet(messageId), messageId })
  }

  #subscribed(filter: string, answer: Packet, who: string, at = 0): void {
    const code = answer.cmd === 'suback' ? Number(answer.granted[at] ?? 0) : 0
    if (code >= 0x80)
      this.#options.warn(`${who} refuses a subscription to ${JSON.stringify(filter)}: ${reasonText(code)}`)
    // What waited for the packet id goes on.
    this.#out.update()
    this.#in.update()
  }
}

/** What a bridge subscribes to here. */
export function localSubscriptions(topics: TopicMap): Subscriptions {
  return topics.locals.map(({ filter, qos }) => ({ topic: filter, qos, ...ALL_OPTIONS }))
}

/** Filters of one SUBSCRIBE. */
const PIECE = 100

export function inPieces(subscriptions: Subscriptions): Subscriptions[] {
  const pieces = []
  for (let at = 0; at < subscriptions.length; at += PIECE) pieces.push(subscriptions.slice(at, at + PIECE))
  return pieces
}

export function stateOf(bridge: BridgeOptions, payload: '0' | '1', retain: boolean): IPublishPacket {
  return { cmd: 'publish', topic: bridge.notificationTopic, payload, qos: 0, dup: false, retain }
}

export function maximumQosOf({ connack }: Link): 0 | 1 | 2 {
  const most = connack.properties?.maximumQoS
  return most === 0 || most === 1 ? most : 2
}

export function retainsOf({ connack }: Link): boolean {
  return connack.properties?.retainAvailable ?? true
}

/** 0 is no limit. */
function smallest(one: number, other: number | undefined): number {
  if (other === undefined || other === 0) return one
  return one === 0 ? other : Math.min(one, other)
}

function receiver(sends: Direction, receives: Direction): LinkReceiver {
  return {
    packet(packet) {
      if (packet.cmd === 'publish') sends.publish(packet)
      else if (packet.cmd === 'pubrel') sends.pubrel(packet.messageId ?? 0)
      else receives.answered(packet)
    },
    long: (publish) => sends.long(publish),
    drained: () => receives.update(),
  }
}
