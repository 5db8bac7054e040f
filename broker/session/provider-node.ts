/** What the sessions of providers of one node share. */
import type { Auth } from '../../auth/contract.ts'
import type { Limits } from '../../common/limits.ts'
import type { Provider } from '../../topics/index.ts'
import type { QuotaLeases } from '../../store/quota-leases.ts'
import type { Will } from '../codec/packets.ts'
import type { Accept } from '../accept.ts'
import type { SessionLimits, SessionNode } from './node.ts'
import type { ProviderSessions } from './provider-sessions.ts'

export type ProviderLimits = SessionLimits &
  Pick<Limits, 'providerWindow' | 'commitMs' | 'retryMs' | 'sessionRecheckMs'>

/** PUBLISH or will. */
export type StateMessage = Pick<Will, 'topic' | 'payload' | 'qos' | 'retain'>

export interface ProviderNode extends SessionNode {
  readonly auth: Pick<Auth, 'providerNow' | 'providerWithKey' | 'providerOfUser'>
  readonly sessions: ProviderSessions
  readonly limits: ProviderLimits
  readonly accept: Accept
  readonly quotas: QuotaLeases
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number
  /** False if this provider publishes faster than it may, over all its connections to this node. */
  mayPublish(provider: Provider): boolean
  /** The state of a bridge, for users, as a general topic. Without users it goes to nobody. */
  publishState(from: string, state: StateMessage): Promise<void>
  /** What to await before more of a provider is stored, if anything. */
  room(provider: Provider): Promise<void> | undefined
}
