/** SUBSCRIBE and UNSUBSCRIBE of a user. */
import { type ErrorCode, PushError } from '../../errors.ts'
import { encodeSuback, encodeUnsuback } from '../codec/encoder.ts'
import {
  type ProtocolLevel,
  type QoS,
  Reason,
  type SubscribePacket,
  type SubscriptionRequest,
  type UnsubscribePacket,
} from '../codec/packets.ts'
import type { Connection } from '../gate/connection.ts'
import type { GeneralReceiver, GeneralSubscription, User } from './general.ts'
import { placeOf } from './subscription-record.ts'
import { mounted } from './mount-point.ts'
import type { UserArrival } from './user-arrival.ts'
import type { UserNode } from './user-node.ts'
import { maximumQosOf } from './user-terms.ts'

interface SubscriberContext extends GeneralReceiver {
  readonly node: UserNode
  readonly connection: Connection
  readonly user: User
  readonly level: ProtocolLevel
  readonly arrival: UserArrival
  readonly mountPoint: string
  readonly isBridge: boolean
  /** By name. */
  readonly subscriptions: Map<string, GeneralSubscription>
  addRetained(subscription: GeneralSubscription): void
  removeRetained(name: string): void
  /** Of a shared subscription. */
  joinGroup(subscription: GeneralSubscription): Promise<void>
  leaveGroup(name: string): Promise<void>
}

/** SUBACK of MQTT 3.1.1 knows one failure. */
const FAILURE_V3 = 0x80

/** What a filter costs, whatever comes of it: thousands of them fit into a packet. */
const FILTER = 10

interface MadeOne {
  readonly subscription: GeneralSubscription
  readonly wantsRetained: boolean
}

/** What a packet makes, by name: of two with the same, the last. */
class Made {
  readonly #all = new Map<string, MadeOne>()
  /** Those that the session did not have. */
  added = 0

  has(name: string): boolean {
    return this.#all.has(name)
  }

  set(one: MadeOne, isNew: boolean): void {
    this.#all.set(one.subscription.name, one)
    if (isNew) this.added += 1
  }

  all(): MadeOne[] {
    return [...this.#all.values()]
  }
}

/** Everything that was published before is settled. */
export async function handleUserSubscribe(session: SubscriberContext, packet: SubscribePacket): Promise<void> {
  const { node, connection, level, subscriptions } = session
  const identifier = packet.properties.subscriptionIdentifier ?? 0
  const codes: number[] = []
  const made = new Made()
  for (const request of packet.subscriptions) {
    codes.push(await subscribeOne(session, request, identifier, made))
    const turn = node.turns.take(session.name, FILTER)
    if (turn !== undefined) await turn
  }
  const all = made.all()
  try {
    if (all.length > 0)
      await node.router.subscribe(
        session,
        all.map(({ subscription }) => subscription),
      )
    for (const { subscription } of all) if (subscription.group !== undefined) await session.joinGroup(subscription)
  } catch (error) {
    if (error instanceof PushError && error.code === 'SESSION_TAKEN_OVER') throw error
    node.logger.warn(
      { connection: connection.id, err: error },
      'could not subscribe a client; refusing the subscription',
    )
    const failures = codes.map((code) => (code < FAILURE_V3 ? Reason.unspecifiedError : code))
    return connection.write(encodeSuback(level, packet.packetId, failures))
  }
  for (const { subscription } of all) {
    // What it replaces sends no more.
    session.removeRetained(subscription.name)
    subscriptions.set(subscription.name, subscription)
  }
  if (!connection.open) return
  connection.write(encodeSuback(level, packet.packetId, codes))
  for (const { subscription, wantsRetained } of all) if (wantsRetained) session.addRetained(subscription)
}

/** The code for the SUBACK. */
async function subscribeOne(
  session: SubscriberContext,
  request: SubscriptionRequest,
  identifier: number,
  made: Made,
): Promise<number> {
  const { node, user, subscriptions, arrival, mountPoint } = session
  const asked = placeOf(request.filter)
  if (asked === undefined) return refuse(session, 'TOPIC_INVALID', Reason.topicFilterInvalid)
  const place = mounted(asked, mountPoint)
  const isNew = !subscriptions.has(place.name) && !made.has(place.name)
  if (node.terms.isReserved(place.filter)) return refuse(session, 'TOPIC_FORBIDDEN', Reason.notAuthorized)
  const qos = lowerQos(request.qos, maximumQosOf(arrival.rules))
  const granted = await grantedTo(session, () => user.maySubscribe(place.filter, qos))
  if (granted === undefined) return refuse(session, 'TOPIC_FORBIDDEN', Reason.notAuthorized)
  if (isNew && subscriptions.size + made.added >= node.limits.subscriptions)
    return refuse(session, 'SUBSCRIPTIONS_LIMIT', Reason.quotaExceeded)
  // [MQTT-3.3.1-9], [MQTT-3.3.1-10], [MQTT-3.3.1-11]; a shared subscription gets none (section 4.8.2)
  const { retainHandling } = request
  const wantsRetained = place.group === undefined && (retainHandling === 0 || (retainHandling === 1 && isNew))
  const subscription = { ...place, qos: granted, ...optionsOf(session, request, place), identifier }
  made.set({ subscription, wantsRetained }, isNew)
  return granted
}

/** A bridge of Mosquitto says so in its CONNECT, once for all that it subscribes to: before MQTT 5 there is no other way. */
function optionsOf(
  { isBridge }: SubscriberContext,
  { noLocal, retainAsPublished }: SubscriptionRequest,
  { group }: Pick<GeneralSubscription, 'group'>,
): Pick<GeneralSubscription, 'noLocal' | 'retainAsPublished'> {
  // [MQTT-3.8.3-4]
  return isBridge ? { noLocal: group === undefined, retainAsPublished: true } : { noLocal, retainAsPublished }
}

function lowerQos(one: QoS, other: QoS): QoS {
  return one < other ? one : other
}

/** Whatever an embedder's rule throws is a refusal. The granted QoS is never above what was asked for. */
async function grantedTo({ node, connection }: SubscriberContext, ask: () => ReturnType<User['maySubscribe']>) {
  try {
    return await ask()
  } catch (error) {
    node.logger.info({ connection: connection.id, err: error }, 'SUBSCRIBE refused')
    return undefined
  }
}

function refuse({ node, level }: SubscriberContext, code: ErrorCode, reason: number): number {
  node.metrics.refusedSubscriptions.inc({ code })
  return level === 5 ? reason : FAILURE_V3
}

export async function handleUserUnsubscribe(session: SubscriberContext, packet: UnsubscribePacket): Promise<void> {
  const { node, connection, level, subscriptions, mountPoint } = session
  const all = packet.filters.map((filter) => nameIn(filter, mountPoint))
  const codes = all.map((name) => (subscriptions.has(name) ? Reason.success : Reason.noSubscriptionExisted))
  const names = [...new Set(all)].filter((name) => subscriptions.has(name))
  try {
    if (names.length > 0) await node.router.unsubscribe(session, names)
    for (const name of names) {
      await session.leaveGroup(name)
      subscriptions.delete(name)
      session.removeRetained(name)
    }
  } catch (error) {
    // UNSUBACK of MQTT 3.1.1 cannot say that it failed: its connection ends.
    if (level !== 5 || !(error instanceof PushError) || error.code === 'SESSION_TAKEN_OVER') throw error
    node.logger.warn({ connection: connection.id, err: error }, 'could not unsubscribe a client')
    const failures = codes.map((code) => (code === Reason.success ? Reason.unspecifiedError : code))
    return connection.write(encodeUnsuback(level, packet.packetId, failures))
  }
  connection.write(encodeUnsuback(level, packet.packetId, codes))
}

/** Of a filter as it was asked for. */
function nameIn(filter: string, mountPoint: string): string {
  const place = placeOf(filter)
  return place === undefined ? filter : mounted(place, mountPoint).name
}
