/** PUBLISH and PUBREL of a device: upstream, to the providers of its app. */
import { PushError } from '../../errors.ts'
import { mayDevicePublish } from '../../topics/index.ts'
import { encodePuback, encodePubcomp, encodePubrec } from '../codec/encoder.ts'
import { Reason, type PublishPacket } from '../codec/packets.ts'
import { pubackReason } from '../codec/reasons.ts'
import type { HandlerContext } from './handler-context.ts'
import { checkReceiveMaximum } from './publish-turns.ts'
import { upstreamOf } from './upstream-message.ts'

/** The acknowledgement leaves after the message is stored for its readers; others of the connection are stored meanwhile. */
export function handlePublish(session: HandlerContext, packet: PublishPacket): void | Promise<void> {
  const { node, turns } = session
  if (!node.publishes.take(session.tokenId)) throw new PushError('PUBLISH_RATE_EXCEEDED')
  const { qos, packetId = 0 } = packet
  if (qos === 2) return publishQos2(session, packet, packetId)
  const turn = turns.begin(packet.payload.byteLength)
  store(session, packet).then(
    (reason) => turns.end(turn, qos === 0 ? undefined : encodePuback(session.level, packetId, reason)),
    (error: unknown) => {
      const refusal = refused(session, error)
      turns.end(turn, refusal && qos > 0 ? answerOf(session, encodePuback, packetId, refusal) : undefined)
    },
  )
  return turns.room()
}

export async function handlePubrel(session: HandlerContext, packetId: number): Promise<void> {
  const { node, tokenId, epoch, connection, level } = session
  const known = await node.store.releaseUpstream(tokenId, epoch, packetId)
  session.received.delete(packetId)
  connection.write(encodePubcomp(level, packetId, known ? Reason.success : Reason.packetIdentifierNotFound))
}

/** One after the other: a packet id is known, or not yet. */
async function publishQos2(session: HandlerContext, packet: PublishPacket, packetId: number): Promise<void> {
  const { node, connection, level, received } = session
  if (!received.has(packetId)) checkReceiveMaximum(level, node.limits.receiveMaximum, received)
  try {
    // [MQTT-4.3.3-10] known by its packet id until its PUBREL: what comes again is acknowledged again, and not stored
    const reason = await store(session, packet, packetId)
    received.add(packetId)
    connection.write(encodePubrec(level, packetId, reason))
  } catch (error) {
    const refusal = refused(session, error)
    if (refusal !== undefined) connection.write(answerOf(session, encodePubrec, packetId, refusal))
  }
}

/** Returns the reason code of the acknowledgement. */
async function store(session: HandlerContext, packet: PublishPacket, received?: number): Promise<number> {
  const { node, device, epoch } = session
  if (!mayDevicePublish(device, packet.topic))
    throw new PushError('TOPIC_FORBIDDEN', 'a device publishes below its upstream topic only')
  const append = upstreamOf(node, device, packet, epoch)
  const appended = await node.store.appendUpstream(received === undefined ? append : { ...append, received })
  node.metrics.upstream.inc()
  return appended.read || appended.duplicate ? Reason.success : Reason.noMatchingSubscribers
}

/**
 * The refusal that MQTT 5 says in the acknowledgement. Before it, the only way to say no is to close (section 3.3.5); so it
 * is where the session is over, and where something is wrong here.
 */
function refused(session: HandlerContext, error: unknown): PushError | undefined {
  const { node, connection, level } = session
  if (!(error instanceof PushError)) {
    connection.failed(error)
    return undefined
  }
  if (error.code === 'TOPIC_FORBIDDEN') node.metrics.rejected.inc({ code: error.code })
  node.logger.info({ connection: connection.id, code: error.code, detail: error.detail }, 'PUBLISH refused')
  if (level === 5 && error.code !== 'SESSION_TAKEN_OVER') return error
  connection.end(error)
  return undefined
}

/** [MQTT-3.1.2-29] */
function answerOf(
  { connection, level, wantsReasons }: HandlerContext,
  encode: typeof encodePuback | typeof encodePubrec,
  packetId: number,
  error: PushError,
): Uint8Array {
  const text = wantsReasons ? error.message : undefined
  return connection.worded((words) => encode(level, packetId, pubackReason(error.reason), words), text)
}
