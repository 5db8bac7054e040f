import type { ConnectionOptions } from 'node:tls'
import type { Limits } from '../../common/limits.ts'
import type { StoreLimits, StoreOptions } from '../contract.ts'

export type RedisLimits = StoreLimits &
  Pick<Limits, 'redisCalls' | 'redisBytes' | 'redisTimeoutMs' | 'redisOpenMs' | 'redisProbeMs' | 'sessionRecheckMs'>

export interface RedisStoreOptions extends StoreOptions {
  /** See `address.ts` for the forms. */
  readonly url: string
  /** Installations that share one Redis have different ones. */
  readonly prefix?: string
  /** The name that other nodes wake this one by; random by default, and it must differ between processes. */
  readonly node?: string
  /**
   * Number of replicas that must have a write before it is answered, so that a failover to one of them does not lose
   * it. Not with a Cluster.
   */
  readonly replicas?: number
  /** For `rediss:`; what Node trusts by default. */
  readonly tls?: ConnectionOptions
  readonly limits?: Partial<RedisLimits>
  /** 8 characters, another each time; a test may replace it. */
  readonly randomName?: () => string
}
