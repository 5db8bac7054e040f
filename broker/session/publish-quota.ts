/**
 * Applies the quota of a provider's key to its publishes. MQTT 5 can refuse in the acknowledgement. If a message cannot
 * be refused, before MQTT 5 or with QoS 0, the connection is not read from until the next window.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { PushError } from '../../errors.ts'
import type { QuotaLeases } from '../../store/quota-leases.ts'
import type { Provider } from '../../topics/index.ts'
import type { ProtocolLevel, PublishPacket } from '../codec/packets.ts'
import type { Connection } from '../gate/connection.ts'

export interface QuotaContext {
  readonly node: { readonly quotas: QuotaLeases; readonly now: () => number; readonly monotonic: () => number }
  readonly connection: Pick<Connection, 'open' | 'isParting'>
  readonly provider: Provider
  readonly level: ProtocolLevel
  /** Keep alive of its CONNECT, seconds. */
  readonly keepAlive: number
}

/** It is checked so often whether there is room, and somebody to wait for, ms. */
const LOOK_MS = 1_000
/**
 * Nobody knows of a client that is not read from whether it is still there: it waits for as long as it might be silent,
 * and without a keep alive for this time, ms.
 */
const LONGEST_MS = 300_000

export class PublishQuota {
  readonly #session: QuotaContext

  constructor(session: QuotaContext) {
    this.#session = session
  }

  /** Undefined: it is counted. @throws QUOTA_EXCEEDED, STORE_UNAVAILABLE (rejects) */
  admit(packet: PublishPacket): Promise<void> | undefined {
    const taking = this.#take()
    if (taking === undefined) return undefined
    const { level } = this.#session
    return level === 5 && packet.qos > 0 ? taking : this.#waited(taking)
  }

  /** It was counted at that time or later, and is not stored. */
  giveBack(since: number): void {
    const { node, provider } = this.#session
    node.quotas.giveBack(provider, 1, since)
  }

  #take(): Promise<void> | undefined {
    const { node, provider } = this.#session
    return node.quotas.take(provider, 1)
  }

  async #waited(first: Promise<void>): Promise<void> {
    const { node, keepAlive } = this.#session
    const until = node.monotonic() + (keepAlive === 0 ? LONGEST_MS : keepAlive * 1500)
    for (let taking: Promise<void> | undefined = first; ; taking = this.#take()) {
      try {
        return await taking
      } catch (error) {
        const waitMs = Math.min(retryMs(error), until - node.monotonic())
        if (waitMs <= 0 || !this.#isThere()) throw error
        await sleep(Math.min(waitMs, LOOK_MS), undefined, { ref: false })
        if (!this.#isThere()) throw error
      }
    }
  }

  #isThere(): boolean {
    const { open, isParting } = this.#session.connection
    return open && !isParting
  }
}

/** 0: waiting is of no use. */
function retryMs(error: unknown): number {
  return error instanceof PushError && error.code === 'QUOTA_EXCEEDED' ? (error.retryAfter ?? 1) * 1000 : 0
}
