/** How long a session outlives its connection (MQTT 5 section 3.1.2.11.2). */
import type { Limits } from '../../common/limits.ts'
import { PushError } from '../../errors.ts'
import type { ConnectPacket } from '../codec/packets.ts'

/** A Session Expiry Interval that never ends. */
const NEVER = 0xffff_ffff

type ExpiryLimits = Pick<Limits, 'sessionExpiry'>

export class Expiry {
  readonly #limits: ExpiryLimits
  readonly #declared: number
  /** 0: it ends with the connection. */
  seconds: number

  constructor(connect: ConnectPacket, limits: ExpiryLimits) {
    this.#limits = limits
    this.#declared = declaredExpiry(connect)
    this.seconds = allowedExpiry(this.#declared, limits)
  }

  /** Seconds, when that is not what the client asked for [MQTT-3.2.2-21]. */
  get granted(): number | undefined {
    return this.seconds === this.#declared ? undefined : this.seconds
  }

  /** By DISCONNECT. @throws PROTOCOL_ERROR */
  change(interval: number | undefined): void {
    if (interval === undefined) return
    // [MQTT-3.14.2-2] a session that was to end with the connection cannot be kept by DISCONNECT
    if (this.#declared === 0 && interval > 0)
      throw new PushError('PROTOCOL_ERROR', 'Session Expiry Interval was 0 in CONNECT')
    this.seconds = allowedExpiry(secondsOf(interval), this.#limits)
  }
}

/** Session Expiry Interval as the CONNECT asks for it, seconds. */
export function declaredExpiry(connect: ConnectPacket): number {
  // Before MQTT 5 a session that is not clean has no end.
  if (connect.level !== 5) return connect.cleanStart ? 0 : Number.POSITIVE_INFINITY
  return secondsOf(connect.properties.sessionExpiryInterval ?? 0)
}

/** What is kept of it. */
export function allowedExpiry(declared: number, { sessionExpiry }: ExpiryLimits): number {
  return sessionExpiry === 0 ? declared : Math.min(declared, sessionExpiry)
}

function secondsOf(interval: number): number {
  return interval === NEVER ? Number.POSITIVE_INFINITY : interval
}
