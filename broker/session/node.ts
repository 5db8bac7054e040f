/** What the sessions of one node share, and what its device sessions share. */
import type { Logger } from 'pino'
import type { Auth } from '../../auth/contract.ts'
import type { Limits } from '../../common/limits.ts'
import type { Metrics } from '../../common/metrics.ts'
import type { Tracing } from '../../common/tracing.ts'
import type { Revocations } from '../../store/revocations.ts'
import type { BroadcastCounter } from '../../store/broadcast-counter.ts'
import type { Store } from '../../store/contract.ts'
import type { RateByKey, Rates } from '../../common/rates.ts'
import type { DelayedWills } from './delayed-wills.ts'
import type { DeviceSessions, DeviceSessionsLimits } from './device-sessions.ts'

/** Of any session. */
export type SessionLimits = Pick<
  Limits,
  | 'readBytes'
  | 'topicAliases'
  | 'idleTimeoutMs'
  | 'subscriptions'
  | 'sessionExpiry'
  | 'receiveMaximum'
  | 'maximumPacketSize'
  | 'topicAliasMaximum'
>

export type DeviceLimits = DeviceSessionsLimits &
  SessionLimits &
  Pick<
    Limits,
    'window' | 'expiryGraceMs' | 'connectsPerToken' | 'devicePublishes' | 'payloadBytes' | 'defaultTtl' | 'maximumTtl'
  >

export interface SessionNode {
  readonly store: Store
  readonly wills: DelayedWills
  readonly metrics: Metrics
  readonly logger: Logger
  /** Milliseconds since the epoch, for dates. */
  readonly now: () => number
  readonly randomId: () => string
}

export interface DeviceNode extends SessionNode {
  readonly revocations: Pick<Revocations, 'fresh' | 'isRevoked'>
  /** A connection ends with the token it came with, whatever has been issued since. */
  readonly strictExpiry: boolean
  readonly auth: Auth
  readonly sessions: DeviceSessions
  readonly counts: Pick<BroadcastCounter, 'acknowledged' | 'sent'>
  readonly limits: DeviceLimits
  /** Milliseconds of a monotonic clock, for durations. */
  readonly monotonic: () => number
  /** Absent: nothing is traced. */
  readonly tracing?: Tracing | undefined
  /** By token id and generation. */
  readonly connects: RateByKey
  /** By token id. */
  readonly publishes: Rates
}
