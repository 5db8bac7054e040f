/** What the device sessions of one node share. */
import type { Logger } from 'pino'
import type { Auth } from '../../auth/contract.ts'
import type { Limits } from '../../common/limits.ts'
import type { Metrics } from '../../common/metrics.ts'
import type { Store } from '../../store/contract.ts'
import type { RateByKey, Rates } from '../gate/rates.ts'
import type { DelayedWills } from './delayed-wills.ts'
import type { DeviceSessions, DeviceSessionsLimits } from './device-sessions.ts'

export type DeviceLimits = DeviceSessionsLimits &
  Pick<
    Limits,
    | 'window'
    | 'readBytes'
    | 'topicAliases'
    | 'connectsPerToken'
    | 'devicePublishes'
    | 'idleTimeoutMs'
    | 'subscriptions'
    | 'sessionExpiry'
    | 'receiveMaximum'
    | 'maximumPacketSize'
    | 'topicAliasMaximum'
    | 'payloadBytes'
    | 'defaultTtl'
    | 'maximumTtl'
  >

export interface DeviceNode {
  readonly auth: Auth
  readonly store: Store
  readonly sessions: DeviceSessions
  readonly wills: DelayedWills
  readonly metrics: Metrics
  readonly logger: Logger
  readonly limits: DeviceLimits
  /** Milliseconds since the epoch, for dates. */
  readonly now: () => number
  /** Milliseconds that only grow, for durations. */
  readonly monotonic: () => number
  /** By token id and generation. */
  readonly connects: RateByKey
  /** By token id. */
  readonly publishes: Rates
  readonly randomId: () => string
}
