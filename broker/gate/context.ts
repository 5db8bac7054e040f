import type { Logger } from 'pino'
import type { Metrics } from '../../common/metrics.ts'
import type { DecoderLimits } from '../codec/decoder.ts'
import type { ConnectPacket } from '../codec/packets.ts'
import type { AdmissionLimits } from './admission.ts'
import type { Flusher } from './outbox.ts'
import type { TimerWheel } from './timer-wheel.ts'
import type { WorkBudgets } from '../../common/work-budgets.ts'

export interface GateLimits extends AdmissionLimits {
  /** From the first byte of a connection to its CONNECT, ms. */
  readonly connectTimeoutMs: number
  /** A peer that does not read for this long, while something waits for it, is disconnected, ms. */
  readonly stallTimeoutMs: number
  /** Bytes that may wait for a peer before deliveries to it pause. */
  readonly outputHighWater: number
  /** A client without keep alive that sends nothing for this long is disconnected, ms; 0 is without limit. */
  readonly idleTimeoutMs: number
  /** Units of work a second that the packets of one session may cause; 0 is without limit. */
  readonly work: number
  /** CONNECT packets a minute from one address, or IPv6 network of 64 bits; 0 is without limit. */
  readonly connectsPerAddress: number
  /** Publishes a second of one provider, over all its connections; 0 is without limit. */
  readonly providerPublishes: number
  /** Largest CONNECT, bytes, fixed header included. */
  readonly maximumConnectSize: number
  /** Levels of a topic name or filter. */
  readonly topicLevels: number
  /** Bytes of a topic name or filter. */
  readonly topicBytes: number
  /** Largest packet of a client, bytes, fixed header included. */
  readonly maximumPacketSize: number
}

/** What all connections of one gate share; `C` is what a connection is. */
export interface GateContext<C> {
  readonly limits: GateLimits
  readonly decoder: DecoderLimits
  readonly wheel: TimerWheel
  readonly flusher: Flusher
  readonly budgets: WorkBudgets
  readonly metrics: Metrics
  readonly logger: Logger
  /** Milliseconds since the epoch: for dates, such as the end of a token. */
  readonly now: () => number
  /** Milliseconds that only grow: for durations, which a step of the wall clock must not touch. */
  readonly monotonic: () => number
  readonly connections: Set<C>
  /** Decides what a CONNECT is; answers it, and admits a handler or refuses. */
  route(connection: C, connect: ConnectPacket): Promise<void>
}
