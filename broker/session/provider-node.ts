/** What the sessions of providers of one node share. */
import type { Logger } from 'pino'
import type { Limits } from '../../common/limits.ts'
import type { Metrics } from '../../common/metrics.ts'
import type { Store } from '../../store/contract.ts'
import type { Provider } from '../../topics/index.ts'
import type { Accept } from '../accept.ts'
import type { DelayedWills } from './delayed-wills.ts'
import type { ProviderSessions } from './provider-sessions.ts'

export type ProviderLimits = Pick<
  Limits,
  | 'providerWindow'
  | 'readBytes'
  | 'topicAliases'
  | 'idleTimeoutMs'
  | 'subscriptions'
  | 'sessionExpiry'
  | 'receiveMaximum'
  | 'maximumPacketSize'
  | 'topicAliasMaximum'
  | 'commitMs'
  | 'retryMs'
  | 'sessionRecheckMs'
>

export interface ProviderNode {
  readonly store: Store
  readonly sessions: ProviderSessions
  readonly wills: DelayedWills
  readonly metrics: Metrics
  readonly logger: Logger
  readonly limits: ProviderLimits
  /** Milliseconds since the epoch, for dates. */
  readonly now: () => number
  readonly randomId: () => string
  readonly accept: Accept
  /** False when this provider publishes faster than it may, over all its connections to this node. */
  mayPublish(provider: Provider): boolean
}
