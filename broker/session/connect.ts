/** CONNECT with a message token: verifies the token and opens a live session. */
import { PushError } from '../../errors.ts'
import type { Device } from '../../topics/index.ts'
import type { OpenedSession } from '../../store/contract.ts'
import type { ConnectPacket } from '../codec/packets.ts'
import type { Connection } from '../gate/connection.ts'
import { encodeConnackFor } from './connack.ts'
import type { DeviceNode } from './node.ts'
import { restoreSubscriptions } from './handle-subscribe.ts'
import { decodeState } from './session-state.ts'
import { allowedExpiry, declaredExpiry } from './expiry.ts'
import { DeviceSession, type SessionStart } from './session.ts'
import { willOf } from './will.ts'

/**
 * Most clients subscribe again when they resume a session, and their system holds back the PUBACK of what arrives
 * meanwhile until that SUBSCRIBE is answered (Nagle): a client that closes then loses it, as `mosquitto_sub -C 1` does,
 * and gets the same message again. So the answer goes first; who sends no SUBSCRIBE waits no longer than this, ms.
 */
const FIRST_PACKET_MS = 20

/** Answers the CONNECT. Throws what refuses it. */
export async function connectDevice(node: DeviceNode, connection: Connection, connect: ConnectPacket): Promise<void> {
  // The packet's bytes are the decoder's: what is kept beyond this turn is removed first.
  const device = node.auth.verify(connect.password?.toString('latin1') ?? '')
  // By generation too: attempts with what was revoked are no reason to refuse what replaced it.
  if (!node.connects.take(`${device.tokenId}.${device.generation}`))
    throw new PushError('CONNECT_RATE_EXCEEDED', 'with this token')
  const will = willOf(device, connect)
  const waiting = node.revocations.fresh()
  if (waiting !== undefined) await waiting
  checkRevoked(node, device)
  // An older connection here leaves its exact state first, so that the redelivery is exact as well.
  const releasing = node.sessions.release(device)
  if (releasing !== undefined) await releasing
  if (!connection.open) return
  const expected = node.sessions.expect(device.tokenId)
  try {
    const opened = await node.store.openSession({
      tokenId: device.tokenId,
      app: device.app,
      generation: device.generation,
      cleanStart: connect.cleanStart,
    })
    const resumed = opened.state === undefined ? undefined : decodeState(opened.state)
    node.wills.forget({ tokenId: device.tokenId })
    // Before the CONNACK, so that it comes before what this connection publishes.
    if (opened.will !== undefined) await node.wills.ended(opened.will)
    if (connection.open && !isRevoked(node, device)) start({ node, connection, connect, device, opened, resumed, will })
    else await abandon(node, device, connect, opened)
    checkRevoked(node, device)
  } finally {
    expected()
  }
}

/** With all others of its app, account or signing key: of what comes later, its session is told. */
function isRevoked({ auth, revocations }: DeviceNode, device: Device): boolean {
  return revocations.isRevoked(device) || !auth.holds(device)
}

function checkRevoked(node: DeviceNode, device: Device): void {
  if (isRevoked(node, device)) throw new PushError('TOKEN_REVOKED')
}

function start(options: SessionStart): void {
  const { node, connection, connect, device, resumed } = options
  const session = new DeviceSession(options)
  node.sessions.add(session)
  connection.admit(session, connect.keepAlive, device.expiresAt)
  connection.write(
    encodeConnackFor(connect, {
      sessionPresent: resumed !== undefined,
      grantedExpiry: session.expiry.granted,
      limits: node.limits,
      assignedClientId: connect.clientId === '' ? node.randomId() : undefined,
      takesFilters: false,
    }),
  )
  if (!connection.open) return
  if (resumed !== undefined) restoreSubscriptions(session, resumed)
  node.sessions.started(session)
  if (session.subscriptions.size === 0) session.drain.begin()
  else setTimeout(() => session.drain.begin(), FIRST_PACKET_MS)
}

/** The connection was gone before its session was open: what it resumed stays for as long as the CONNECT asked for. */
async function abandon(node: DeviceNode, device: Device, connect: ConnectPacket, opened: OpenedSession): Promise<void> {
  const expiry = allowedExpiry(declaredExpiry(connect), node.limits)
  await node.store.closeSession(device.tokenId, opened.epoch, {
    ...(opened.state === undefined || expiry === 0 ? {} : { state: opened.state }),
    stateExpiresAt: node.now() + expiry * 1000,
  })
}
