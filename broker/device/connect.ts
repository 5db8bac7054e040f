/** CONNECT with a message token: from the token to a live session. */
import { PushError } from '../../errors.ts'
import { mayDevicePublish, type Device } from '../../topics/index.ts'
import type { OpenedSession } from '../../store/contract.ts'
import { encodeConnack } from '../codec/encoder.ts'
import { Reason, type ConnectPacket } from '../codec/packets.ts'
import type { Connection } from '../gate/connection.ts'
import type { DeviceNode, UpstreamMessage } from './node.ts'
import { restoreSubscriptions } from './handle-subscribe.ts'
import { decodeState } from './session-state.ts'
import { declaredExpiry, DeviceSession } from './session.ts'

/** Answers the CONNECT. Throws what refuses it. */
export async function connectDevice(node: DeviceNode, connection: Connection, connect: ConnectPacket): Promise<void> {
  // The packet's bytes are the decoder's: what is kept beyond this turn is taken out first.
  const device = node.auth.verify(connect.password?.toString('latin1') ?? '')
  if (!node.connects.take(device.tokenId)) throw new PushError('CONNECT_RATE_EXCEEDED', 'with this token')
  const will = willOf(device, connect)
  // An older connection here leaves its exact state first, so that the redelivery is exact as well.
  await node.sessions.release(device)
  if (!connection.open) return
  const expected = node.sessions.expect(device.tokenId)
  try {
    const opened = await node.store.openSession({
      tokenId: device.tokenId,
      app: device.app,
      generation: device.generation,
      cleanStart: connect.cleanStart,
    })
    if (connection.open) start(node, connection, connect, device, opened, will)
    else await abandon(node, device, connect, opened)
  } finally {
    expected()
  }
}

function start(
  node: DeviceNode,
  connection: Connection,
  connect: ConnectPacket,
  device: Device,
  opened: OpenedSession,
  will: UpstreamMessage | undefined,
): void {
  const resumed = opened.state === undefined ? undefined : decodeState(opened.state)
  const session = new DeviceSession({ node, connection, device, connect, opened, resumed, will })
  node.sessions.add(session, resumed !== undefined)
  connection.admit(session, connect.keepAlive, device.expiresAt)
  connection.write(connack(session, connect, resumed !== undefined, node))
  if (!connection.open) return
  if (resumed !== undefined) restoreSubscriptions(session, resumed)
  node.sessions.started(session)
  session.drain.run()
}

function connack(session: DeviceSession, connect: ConnectPacket, sessionPresent: boolean, node: DeviceNode): Buffer {
  const { limits } = node
  const expiry = session.grantedExpiry
  const idle = connect.keepAlive === 0 && limits.idleTimeoutMs > 0
  return encodeConnack(connect.level, {
    // [MQTT-3.2.2-2], [MQTT-3.2.2-3]
    sessionPresent: connect.level === 3 ? false : sessionPresent,
    reason: Reason.success,
    returnCode: 0,
    properties: {
      receiveMaximum: limits.receiveMaximum,
      maximumPacketSize: limits.maximumPacketSize,
      ...(limits.topicAliasMaximum === 0 ? {} : { topicAliasMaximum: limits.topicAliasMaximum }),
      wildcardSubscriptionAvailable: false,
      sharedSubscriptionAvailable: false,
      // [MQTT-3.1.2-21] a client without keep alive learns how often it must be heard of
      ...(idle ? { serverKeepAlive: Math.min(Math.max(Math.floor(limits.idleTimeoutMs / 1500), 1), 0xffff) } : {}),
      ...(expiry === undefined ? {} : { sessionExpiryInterval: expiry }),
      // [MQTT-3.2.2-16]
      ...(connect.clientId === '' ? { assignedClientIdentifier: node.randomId() } : {}),
    },
  })
}

/** A will is a publish of the device, and may go only where the device may publish. */
function willOf(device: Device, { will, clientId }: ConnectPacket): UpstreamMessage | undefined {
  if (will === undefined) return undefined
  if (!mayDevicePublish(device, will.topic))
    throw new PushError('TOPIC_FORBIDDEN', 'the will is not below the upstream topic')
  return {
    topic: will.topic,
    payload: Buffer.from(will.payload),
    qos: will.qos,
    retain: will.retain,
    clientId,
    // [MQTT-3.1.3-9] the delay is the server's business, and no property of the PUBLISH
    properties: { ...will.properties, willDelayInterval: undefined } as UpstreamMessage['properties'],
  }
}

/** The connection was gone before its session was open: what it resumed stays for as long as the CONNECT asked for. */
async function abandon(node: DeviceNode, device: Device, connect: ConnectPacket, opened: OpenedSession): Promise<void> {
  const expiry = Math.min(declaredExpiry(connect), node.limits.sessionExpiry)
  await node.store.closeSession(device.tokenId, opened.epoch, {
    ...(opened.state === undefined || expiry === 0 ? {} : { state: opened.state }),
    stateExpiresAt: node.now() + expiry * 1000,
  })
}
