/** PUBLISH and PUBREL of a device: upstream, to the providers of its app. */
import { PushError } from '../../errors.ts'
import { mayDevicePublish } from '../../topics/index.ts'
import { encodePuback, encodePubcomp, encodePubrec } from '../codec/encoder.ts'
import { Reason, type PublishPacket } from '../codec/packets.ts'
import { pubackReason } from '../codec/reasons.ts'
import type { HandlerContext } from './handler-context.ts'
import { upstreamOf } from './upstream-message.ts'

/** The acknowledgement leaves after the message is stored for its subscribers; the next packet waits for it. */
export function handlePublish(session: HandlerContext, packet: PublishPacket): void | Promise<void> {
  if (!session.node.publishes.take(session.tokenId)) throw new PushError('PUBLISH_RATE_EXCEEDED')
  const packetId = packet.packetId ?? 0
  if (!mayDevicePublish(session.device, packet.topic)) {
    const error = new PushError('TOPIC_FORBIDDEN', 'a device publishes below its upstream topic only')
    session.node.metrics.rejected.inc({ code: error.code })
    return refuse(session, packet, error)
  }
  return publish(session, packet, packetId)
}

export async function handlePubrel(session: HandlerContext, packetId: number): Promise<void> {
  const { node, tokenId, epoch, connection, level } = session
  const known = await node.store.releaseUpstream(tokenId, epoch, packetId)
  session.received.delete(packetId)
  connection.write(encodePubcomp(level, packetId, known ? Reason.success : Reason.packetIdentifierNotFound))
}

async function publish(session: HandlerContext, packet: PublishPacket, packetId: number): Promise<void> {
  const { node, connection, device, epoch, level, received } = session
  // [MQTT-3.3.4-9]
  if (packet.qos === 2 && !received.has(packetId) && received.size >= node.limits.receiveMaximum)
    throw new PushError('RECEIVE_MAXIMUM_EXCEEDED')
  let reason: number
  try {
    const append = { ...upstreamOf(node, device, packet), epoch }
    // [MQTT-4.3.3-10] known by its packet id until its PUBREL: what comes again is acknowledged again, and not stored
    const appended = await node.store.appendUpstream(packet.qos === 2 ? { ...append, received: packetId } : append)
    reason = appended.read || appended.duplicate ? Reason.success : Reason.noMatchingSubscribers
  } catch (error) {
    if (!(error instanceof PushError) || error.code === 'SESSION_TAKEN_OVER') throw error
    node.logger.info({ connection: connection.id, code: error.code, detail: error.detail }, 'PUBLISH refused')
    return refuse(session, packet, error)
  }
  node.metrics.upstream.inc()
  if (packet.qos === 1) connection.write(encodePuback(level, packetId, reason))
  if (packet.qos !== 2) return
  received.add(packetId)
  connection.write(encodePubrec(level, packetId, reason))
}

/** MQTT 5 says so in the acknowledgement; before it, the only way to say no is to close (section 3.3.5). */
function refuse(session: HandlerContext, packet: PublishPacket, error: PushError): void {
  const { connection, level } = session
  if (level !== 5) throw error
  // [MQTT-3.1.2-29]
  const text = session.wantsReasons ? error.message : undefined
  const { qos, packetId = 0 } = packet
  const encode = qos === 1 ? encodePuback : encodePubrec
  const reason = pubackReason(error.reason)
  if (qos > 0) connection.write(connection.worded((words) => encode(level, packetId, reason, words), text))
}
