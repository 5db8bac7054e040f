/** SUBSCRIBE and UNSUBSCRIBE of a device (MQTT 5 sections 3.8 to 3.11). */
import { deviceSubscription } from '../../topics/index.ts'
import { PushError } from '../../errors.ts'
import { encodeSuback, encodeUnsuback } from '../codec/encoder.ts'
import { Reason, type SubscribePacket, type SubscriptionRequest, type UnsubscribePacket } from '../codec/packets.ts'
import type { HandlerContext } from './handler-context.ts'
import type { SessionState, Subscription } from './session-state.ts'

/** SUBACK of MQTT 3.1.1 knows one failure. */
const FAILURE_V3 = 0x80

export async function handleSubscribe(session: HandlerContext, packet: SubscribePacket): Promise<void> {
  const made: Subscription[] = []
  const codes: number[] = []
  let isNew = false
  for (const request of packet.subscriptions) {
    const before = session.subscriptions.get(request.filter)
    codes.push(subscribe(session, request, packet.properties.subscriptionIdentifier ?? 0, made))
    isNew ||= !isSame(before, session.subscriptions.get(request.filter))
  }
  // Most clients subscribe to the same again whenever they connect: those are answered at once.
  const kept = !isNew || (await keep(session))
  session.connection.write(
    encodeSuback(
      session.level,
      packet.packetId,
      kept ? codes : codes.map(() => failure(session, Reason.unspecifiedError)),
    ),
  )
  if (!session.live) return
  // Not before: a wake while the session was saved would send from the log what is to go out with RETAIN = 1.
  for (const subscription of made) {
    // A filter that a SUBSCRIBE names again and again is one subscription.
    if (session.subscriptions.get(subscription.filter) !== subscription) continue
    apply(session, subscription.filter, subscription)
    if (kept && subscription.retainedDue) session.drain.addRetained(subscription)
  }
  if (kept) session.drain.begin()
}

export async function handleUnsubscribe(session: HandlerContext, packet: UnsubscribePacket): Promise<void> {
  const codes = packet.filters.map((filter) => {
    if (!session.subscriptions.delete(filter)) return Reason.noSubscriptionExisted
    apply(session, filter, undefined)
    return Reason.success
  })
  await session.save()
  session.connection.write(encodeUnsuback(session.level, packet.packetId, codes))
}

/** The subscriptions of a resumed session, with the retained messages that are still due. */
export function restoreSubscriptions(session: HandlerContext, state: SessionState): void {
  for (const subscription of state.subscriptions) {
    // The version of the rules may have changed since it was kept.
    if (deviceSubscription(session.device, subscription.filter) === undefined) continue
    session.subscriptions.set(subscription)
    apply(session, subscription.filter, subscription, true)
    if (subscription.retainedDue) session.drain.addRetained(subscription)
  }
}

/** Whether it is kept already. That its retained message is due again is written when the session is closed. */
function isSame(kept: Subscription | undefined, now: Subscription | undefined): boolean {
  if (kept === now) return true
  const { qos, retainAsPublished, identifier } = kept ?? {}
  return now?.qos === qos && now?.retainAsPublished === retainAsPublished && now?.identifier === identifier
}

/** The code for the SUBACK. */
function subscribe(
  session: HandlerContext,
  request: SubscriptionRequest,
  identifier: number,
  made: Subscription[],
): number {
  const { subscriptions, device, node } = session
  const existing = subscriptions.get(request.filter)
  if (deviceSubscription(device, request.filter) === undefined) {
    node.metrics.refusedSubscriptions.inc({ code: 'TOPIC_FORBIDDEN' })
    return failure(session, Reason.notAuthorized)
  }
  if (existing === undefined && subscriptions.size >= node.limits.subscriptions) {
    node.metrics.refusedSubscriptions.inc({ code: 'SUBSCRIPTIONS_LIMIT' })
    return failure(session, Reason.quotaExceeded)
  }
  // [MQTT-3.3.1-9], [MQTT-3.3.1-10], [MQTT-3.3.1-11]
  const wantsRetained = request.retainHandling === 0 || (request.retainHandling === 1 && existing === undefined)
  const subscription: Subscription = {
    filter: request.filter,
    // [MQTT-3.8.4-8] the granted QoS may be lower: these topics are QoS 1
    qos: request.qos === 0 ? 0 : 1,
    retainAsPublished: request.retainAsPublished,
    identifier,
    retainedDue: wantsRetained,
  }
  subscriptions.set(subscription)
  made.push(subscription)
  return subscription.qos
}

function apply(
  session: HandlerContext,
  filter: string,
  subscription: Subscription | undefined,
  restored = false,
): void {
  const topic = deviceSubscription(session.device, filter)
  if (topic?.kind === 'private') session.drain.setPrivate(subscription)
  else if (topic?.kind === 'broadcast') session.drain.setVersion(topic.version, subscription, restored)
}

/** False if the store does not take it: the subscriptions hold for this connection, but the client is told to retry. */
async function keep(session: HandlerContext): Promise<boolean> {
  try {
    await session.save()
    return true
  } catch (error) {
    if (error instanceof PushError && error.code === 'STORE_UNAVAILABLE') return false
    throw error
  }
}

function failure(session: HandlerContext, reason: number): number {
  return session.level === 5 ? reason : FAILURE_V3
}
