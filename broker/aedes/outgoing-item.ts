/** One message on its way to one client of Aedes: what is sent of it, and the bytes. */
import { encodeProperties, encodePublish } from '../codec/encoder.ts'
import type { ProtocolLevel, QoS } from '../codec/packets.ts'
import { match, type HeldSubscription } from './matching.ts'
import { fromAedes } from './packets.ts'
import type { StoredPacket } from './contract.ts'
import type { MessageKey } from './session-record.ts'

/** The client as Aedes has it. */
export interface OutgoingClient {
  readonly id: string
  readonly subscriptions: Readonly<Record<string, HeldSubscription>>
}

export interface ItemOptions {
  readonly client: OutgoingClient
  readonly now: () => number
  /** The packet as it may go to this client; undefined when it may not. */
  readonly authorize: (packet: StoredPacket) => StoredPacket | undefined
}

/** A message of a shared subscription, for this client of all members. */
export interface SharedDelivery {
  readonly key: MessageKey
  readonly qos: QoS
  readonly retainAsPublished: boolean
  /** 0 for none. */
  readonly identifier: number
  /** It needs no more sending. */
  readonly settle: () => void
  /** Another member may have it. */
  readonly release: () => void
}

export interface Item {
  key: MessageKey
  source: StoredPacket
  readonly payload: Buffer
  readonly qos: QoS
  retain: boolean
  readonly identifiers: readonly number[]
  readonly expiresAt: number
  /** It lies in the stored queue too, until it is acknowledged. */
  stored: boolean
  shared?: SharedDelivery | undefined
  dup: boolean
  packetId: number
  released: boolean
  /** It waits until it is in the client's own queue. */
  held?: boolean
}

/** Published just now, read from the stored queue, or retained and sent for a new subscription. */
export type Origin = 'live' | 'stored' | 'retained'

/**
 * In place of a broker id, which retained messages that Aedes sends on subscribing have none of; and in the queue of a
 * client in place of the publisher of one that was sent for a new subscription.
 */
export const RETAINED = '$push/retained'

export class Items {
  readonly #options: ItemOptions

  constructor(options: ItemOptions) {
    this.#options = options
  }

  /** `own` where No Local holds it back; `isKept` when this client has a stored queue. */
  of(packet: StoredPacket, from: Origin, isKept: boolean): Item | 'refused' | 'own' {
    const { client, authorize } = this.#options
    const retained = from === 'retained' || packet.clientId === RETAINED
    const forward = authorize(packet)
    if (forward === undefined) return 'refused'
    const matched = match(client.subscriptions, packet.topic, packet.clientId === client.id && from === 'live')
    if (matched === 'own') return 'own'
    // What matches no subscription was for this client all the same: it has unsubscribed since, or is published to directly.
    const granted = matched?.qos ?? packet.qos
    const qos = Math.min(packet.qos, granted) as QoS
    const own = (packet.properties as { subscriptionIdentifier?: number } | undefined)?.subscriptionIdentifier
    return {
      ...this.#plain(packet, forward),
      qos,
      // [MQTT-3.3.1-12], [MQTT-3.3.1-13]; where it is live, Aedes has seen to it
      retain: packet.retain && (from !== 'stored' || retained || matched?.retainAsPublished === true),
      identifiers: retained ? (own === undefined ? [] : [own]) : (matched?.identifiers ?? []),
      stored: qos > 0 && from !== 'retained' && isKept,
    }
  }

  /** Of a shared subscription; undefined when this client may not have it. */
  ofGroup(packet: StoredPacket, shared: SharedDelivery): Item | undefined {
    const forward = this.#options.authorize(packet)
    if (forward === undefined) return undefined
    return {
      ...this.#plain(packet, forward),
      key: shared.key,
      qos: Math.min(packet.qos, shared.qos) as QoS,
      retain: packet.retain && shared.retainAsPublished,
      identifiers: shared.identifier === 0 ? [] : [shared.identifier],
      shared,
    }
  }

  #plain(packet: StoredPacket, { payload }: StoredPacket) {
    return {
      key: keyOf(packet),
      source: packet,
      payload: typeof payload === 'string' ? Buffer.from(payload) : payload,
      expiresAt: this.#expiryOf(packet),
      stored: false,
      dup: false,
      packetId: 0,
      released: false,
    }
  }

  #expiryOf({ messageExpiry, properties }: StoredPacket): number {
    if (messageExpiry !== undefined) return messageExpiry
    const { messageExpiryInterval } = (properties ?? {}) as { messageExpiryInterval?: number }
    return messageExpiryInterval === undefined
      ? Number.POSITIVE_INFINITY
      : this.#options.now() + messageExpiryInterval * 1000
  }
}

export function encodeItem(item: Item, level: ProtocolLevel, now: number): Buffer {
  const { source, payload, qos, retain, dup, packetId, identifiers, expiresAt } = item
  // What belongs to a delivery is made here; a Will Delay Interval, which Aedes leaves in, is none of it [MQTT-3.3.2-6].
  const { payloadFormatIndicator, contentType, responseTopic, correlationData, userProperties } = fromAedes(
    source.properties ?? {},
  )
  const properties = () =>
    encodeProperties({
      payloadFormatIndicator,
      contentType,
      responseTopic,
      correlationData,
      userProperties,
      subscriptionIdentifiers: identifiers,
      messageExpiryInterval: Number.isFinite(expiresAt) ? Math.max(1, Math.ceil((expiresAt - now) / 1000)) : undefined,
    })
  return encodePublish({
    topic: source.topic,
    payload,
    qos,
    retain,
    dup,
    packetId,
    level,
    ...(level === 5 ? { properties: properties() } : {}),
  })
}

export function keyOf({ brokerId, brokerCounter }: StoredPacket): MessageKey {
  return `${brokerId ?? RETAINED}:${brokerCounter}`
}

/** Of a session that ends, a QoS 2 message goes to nobody else [MQTT-4.8.2-5] */
export function giveBack({ shared, qos, packetId }: Item): void {
  if (qos === 2 && packetId > 0) shared?.settle()
  else shared?.release()
}
