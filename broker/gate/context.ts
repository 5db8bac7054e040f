import type { Logger } from 'pino'
import type { Limits } from '../../common/limits.ts'
import type { Metrics } from '../../common/metrics.ts'
import type { DecoderLimits } from '../codec/decoder.ts'
import type { Framers } from '../codec/framing.ts'
import type { ConnectPacket } from '../codec/packets.ts'
import type { AdmissionLimits } from './admission.ts'
import type { Flusher } from './outbox.ts'
import type { Traffic } from './traffic.ts'
import type { TimerWheel } from './timer-wheel.ts'
import type { WorkBudgets } from '../../common/work-budgets.ts'

export type GateLimits = DecoderLimits &
  AdmissionLimits &
  Pick<
    Limits,
    | 'connectTimeoutMs'
    | 'stallTimeoutMs'
    | 'outputHighWater'
    | 'idleTimeoutMs'
    | 'work'
    | 'connectsPerAddress'
    | 'providerPublishes'
    | 'providerUnderWay'
  >

/** What all connections of one gate share; `C` is what a connection is. */
export interface GateContext<C> {
  readonly limits: GateLimits
  readonly wheel: TimerWheel
  readonly flusher: Flusher
  readonly framers: Framers
  readonly budgets: WorkBudgets
  readonly metrics: Metrics
  readonly traffic: Traffic
  readonly logger: Logger
  /** Milliseconds since the epoch: for dates, such as the end of a token. */
  readonly now: () => number
  /** Milliseconds of a monotonic clock: for durations, which a step of the wall clock must not touch. */
  readonly monotonic: () => number
  readonly connections: Set<C>
  /** Decides what a CONNECT is; answers it, and admits a handler or refuses. */
  route(connection: C, connect: ConnectPacket): Promise<void>
}
