/** CONNECT of a user with checked credentials: opens a live session. */
import type { OpenedNamedSession } from '../../store/contract.ts'
import type { ConnectPacket } from '../codec/packets.ts'
import type { Connection } from '../gate/connection.ts'
import { encodeConnackFor } from './connack.ts'
import { allowedExpiry, declaredExpiry } from './expiry.ts'
import type { GeneralSubscription } from './general.ts'
import { decodeSubscription } from './subscription-record.ts'
import type { UserArrival } from './user-arrival.ts'
import type { UserNode } from './user-node.ts'
import { UserSession } from './user-session.ts'
import { userSessionName } from './user-sessions.ts'
import { maximumQosOf } from './user-terms.ts'
import { decodeUserState, encodeUserState, NEW_STATE } from './user-state.ts'
import type { Left } from './user-outgoing.ts'

/** Answers the CONNECT. Throws what refuses it. */
export async function connectUser(
  node: UserNode,
  connection: Connection,
  connect: ConnectPacket,
  arrival: UserArrival,
): Promise<void> {
  const { live } = node.sessions
  const { user, users, clientId, made, rules } = arrival
  node.terms.checkWill(connect, rules)
  const keepAlive = node.terms.keepAlive(connect)
  const name = userSessionName(users.sessionsByClientId === true ? '' : user.name, clientId)
  await live.release(name)
  if (!connection.open) return
  const expected = live.expect(name)
  try {
    const opened = await open(node, name, connect, made)
    const left = await leftOf(node, name, connect, opened)
    const subscriptions = left?.isResumed === true ? await subscriptionsOf(node, name) : []
    if (!connection.open) return await abandon(node, name, connect, opened)
    const session = new UserSession({
      node,
      connection,
      arrival,
      name,
      connect,
      opened: opened?.epoch ?? 0,
      left,
      subscriptions,
    })
    live.add(session)
    connection.admit(session, keepAlive ?? connect.keepAlive, 0)
    const limits = adoptLimits(node, connection, arrival)
    await node.router.connect(session, subscriptions)
    await session.rejoinGroups()
    connection.write(
      encodeConnackFor(connect, {
        sessionPresent: left?.isResumed === true,
        grantedExpiry: session.expiry.granted,
        limits,
        keepAlive,
        maximumQos: maximumQosOf(rules),
        retainAvailable: node.terms.retainAvailable,
        assignedClientId: made ? clientId : undefined,
        takesFilters: true,
      }),
    )
    session.announce(connect)
    session.begin()
    if (node.known.changesOf(users) !== arrival.changes) node.sessions.rechecks.add(session)
  } finally {
    expected()
  }
}

/** What the client is told, and held to. */
function adoptLimits({ limits, terms }: UserNode, connection: Connection, { rules }: UserArrival) {
  const { maximumPacketSize, receiveMaximum } = terms
  const { topicAliasMaximum = limits.topicAliasMaximum } = rules
  if (maximumPacketSize !== limits.maximumPacketSize || topicAliasMaximum !== limits.topicAliasMaximum)
    connection.adopt({ maximumPacketSize, topicAliasMaximum })
  return { idleTimeoutMs: limits.idleTimeoutMs, maximumPacketSize, receiveMaximum, topicAliasMaximum }
}

/**
 * Also one that is not kept takes the name, so that an older connection of it ends, on whichever node; only a client id that
 * was made just now has none.
 */
async function open(
  node: UserNode,
  name: string,
  connect: ConnectPacket,
  made: boolean,
): Promise<OpenedNamedSession | undefined> {
  const { store, wills, terms } = node
  const keptMs = allowedExpiry(declaredExpiry(connect), terms) * 1000
  if (made && keptMs === 0) return undefined
  const kept = connect.cleanStart ? undefined : await store.openNamedSession(name, false, keptMs)
  // What this version cannot read counts as no session.
  const isReadable = kept?.state === undefined || decodeUserState(kept.state) !== undefined
  const opened = kept !== undefined && isReadable ? kept : await openAnew(node, name, keptMs)
  wills.forget({ name })
  // Before the CONNACK, so that it comes before what this connection publishes.
  if (opened.will !== undefined) await wills.ended(opened.will)
  return opened
}

/** Discards what was kept, and leaves its shared subscriptions: nobody comes back to them. */
async function openAnew(node: UserNode, name: string, keptMs: number): Promise<OpenedNamedSession> {
  const before = await subscriptionsOf(node, name)
  const opened = await node.store.openNamedSession(name, true, keptMs)
  for (const each of before) if (each.group !== undefined) await node.groups.leave(each, { name })
  return opened
}

/** Undefined: the session is not kept. One that is resumed is kept until this connection ends, whatever comes after it. */
async function leftOf(
  node: UserNode,
  name: string,
  connect: ConnectPacket,
  opened: OpenedNamedSession | undefined,
): Promise<(Left & { readonly isResumed: boolean }) | undefined> {
  if (opened === undefined) return undefined
  const state = opened.state && decodeUserState(opened.state)
  if (state !== undefined) return { state, unclean: opened.unclean, isResumed: true }
  if (allowedExpiry(declaredExpiry(connect), node.terms) === 0) return undefined
  // By this it is known as kept, when nobody closes it.
  await node.store.saveNamedSession(name, opened.epoch, encodeUserState(NEW_STATE))
  return { state: NEW_STATE, unclean: false, isResumed: false }
}

async function subscriptionsOf({ store }: UserNode, name: string): Promise<readonly GeneralSubscription[]> {
  const found = await store.subscriptionsOf(name)
  return (found?.filters ?? []).flatMap(([filter, options]) => decodeSubscription(filter, options) ?? [])
}

/** The connection was gone before its session was open: what it resumed stays for as long as the CONNECT asked for. */
async function abandon(
  { store, terms, now }: UserNode,
  name: string,
  connect: ConnectPacket,
  opened: OpenedNamedSession | undefined,
): Promise<void> {
  if (opened === undefined) return
  const seconds = allowedExpiry(declaredExpiry(connect), terms)
  await store.closeNamedSession(name, opened.epoch, {
    ...(opened.state === undefined || seconds === 0 ? {} : { state: opened.state }),
    stateExpiresAt: now() + seconds * 1000,
  })
}
