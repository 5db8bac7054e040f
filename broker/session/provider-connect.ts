/** CONNECT with a provider key: opens a live session. */
import { PushError } from '../../errors.ts'
import { mayUse, providerDestination, type Provider } from '../../topics/index.ts'
import type { ConnectPacket } from '../codec/packets.ts'
import type { Connection } from '../gate/connection.ts'
import { encodeConnackFor } from './connack.ts'
import { allowedExpiry, declaredExpiry } from './expiry.ts'
import { isBridgeState } from './bridge-state.ts'
import { leaveForGood } from './provider-groups.ts'
import type { ProviderNode } from './provider-node.ts'
import { ProviderSession } from './provider-session.ts'
import { providerSessionName } from './provider-sessions.ts'
import { decodeProviderState, sessionReader } from './provider-state.ts'

/** Answers the CONNECT. Throws what refuses it. `user`: it came with that user's name and password. */
export async function connectProvider(
  node: ProviderNode,
  connection: Connection,
  connect: ConnectPacket,
  provider: Provider,
  user?: string,
): Promise<void> {
  const { sessions, store } = node
  checkScopes(provider, connect)
  const clientId = connect.clientId === '' ? node.randomId() : connect.clientId
  const name = providerSessionName(provider.name, clientId)
  await sessions.release(name)
  if (!connection.open) return
  const expected = sessions.expect(name)
  try {
    const seconds = allowedExpiry(declaredExpiry(connect), node.limits)
    const opened = await store.openNamedSession(name, connect.cleanStart, seconds * 1000)
    const resumed = opened.state === undefined ? undefined : decodeProviderState(opened.state)
    node.wills.forget({ name })
    if (opened.discarded !== undefined) await discard(node, provider, name, opened.discarded)
    // Before the CONNACK, so that it comes before what this connection publishes.
    if (opened.will !== undefined) await node.wills.ended(opened.will)
    if (!connection.open) {
      await store.closeNamedSession(name, opened.epoch, {
        ...(opened.state === undefined || seconds === 0 ? {} : { state: opened.state }),
        stateExpiresAt: node.now() + seconds * 1000,
      })
      return
    }
    const session = new ProviderSession({ node, connection, provider, user, name, connect, opened, resumed })
    sessions.add(session)
    connection.admit(session, connect.keepAlive, 0)
    await session.restore()
    connection.write(
      encodeConnackFor(connect, {
        sessionPresent: resumed !== undefined,
        grantedExpiry: session.expiry.granted,
        limits: node.limits,
        assignedClientId: connect.clientId === '' ? clientId : undefined,
        takesFilters: true,
      }),
    )
    session.begin()
  } finally {
    expected()
  }
}

/** Nobody takes a session over who could do nothing with it. */
function checkScopes(provider: Provider, { will }: ConnectPacket): void {
  const maySend = mayUse(provider, 'messages:send')
  if (!maySend && !mayUse(provider, 'messages:read'))
    throw new PushError('SCOPE_MISSING', 'messages:send or messages:read')
  if (will === undefined || isBridgeState(will.topic)) return
  if (!maySend) throw new PushError('SCOPE_MISSING', 'messages:send, for the will')
  if (providerDestination(provider, will.topic) === undefined)
    throw new PushError('TOPIC_FORBIDDEN', 'the will is for no private or broadcast topic of its apps')
}

/** What a session that is over would have read is kept for it no longer. */
async function discard(node: ProviderNode, provider: Provider, name: string, last: Uint8Array): Promise<void> {
  const state = decodeProviderState(last)
  if (state === undefined) return
  const apps = new Set<string>()
  for (const subscription of state.subscriptions)
    if (subscription.group === undefined) apps.add(subscription.app)
    else await leaveForGood(node, provider, subscription, { name })
  for (const app of apps) await node.store.closeReader(app, sessionReader(state))
}
