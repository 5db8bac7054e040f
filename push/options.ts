/** What `createPush` is given, and that nothing in it is misspelt. */
import type { Logger } from 'pino'
import { checkFields, type Algorithm, type ProviderKey, type Secrets } from '../auth/index.ts'
import { DEFAULT_HTTP_LIMITS, type HttpLimits, type TokenTtl } from '../bridge/index.ts'
import { DEFAULT_BROKER_LIMITS, type BrokerLimits } from '../broker/index.ts'
import type { Metrics } from '../common/metrics.ts'
import { DEFAULT_MESSAGE_LIMITS, DEFAULT_STORE_LIMITS, type MessageLimits, type StoreLimits } from '../store/index.ts'
import type { Tally } from '../common/tally.ts'

export type PushLimits = MessageLimits & StoreLimits & BrokerLimits & HttpLimits

export interface PushOptions {
  /** The embedded store, the signing keys and other MQTT state live here; with Redis, they are there. */
  readonly dataDir: string
  /**
   * Who may send: name, key of at least 16 characters, and apps (left out: all); or how to find them, with the secrets
   * that all nodes share.
   */
  readonly providers: readonly ProviderKey[] | ((secrets: Secrets) => Promise<readonly ProviderKey[]>)
  /** Redis in place of the embedded store: `redis://`, `rediss://`, several with commas for a Cluster. */
  readonly redisUrl?: string
  /** Before every key and channel in Redis, so that installations can share one (default `push`). */
  readonly redisPrefix?: string
  /** Replicas of Redis that have to have what is accepted before it is answered (default 0); not in a Cluster. */
  readonly redisReplicas?: number
  readonly algorithm?: Algorithm
  /** Signing keys from a file, in place of generated ones. */
  readonly keysFile?: string
  readonly issuer?: string
  readonly audience?: string
  readonly tokenTtl?: TokenTtl
  readonly limits?: Partial<PushLimits>
  /**
   * Names that HTTP and WebSocket clients may have in `Host`, and whose pages may connect, besides those of the machine
   * itself; `*` is all. Default: on a loopback address none, on any other all.
   */
  readonly allowedHosts?: readonly string[]
  /** Default: silent. */
  readonly logger?: Logger
  /** What `/metrics` answers, when it is more than this process' own. */
  readonly metricsText?: (metrics: Metrics) => () => Promise<string>
  /** What other processes of the same server count, where limits hold for all of them together. */
  readonly tally?: Tally
  /** Milliseconds since the epoch: for dates, such as when a token or a message expires. */
  readonly now?: () => number
  /** Milliseconds that only grow: for durations, such as a keep alive. */
  readonly monotonic?: () => number
}

/** The compiler keeps these complete. */
const PUSH_OPTIONS = {
  dataDir: true,
  providers: true,
  redisUrl: true,
  redisPrefix: true,
  redisReplicas: true,
  algorithm: true,
  keysFile: true,
  issuer: true,
  audience: true,
  tokenTtl: true,
  limits: true,
  allowedHosts: true,
  logger: true,
  metricsText: true,
  tally: true,
  now: true,
  monotonic: true,
} as const satisfies Record<keyof PushOptions, true>

const TOKEN_TTL = { default: true, maximum: true } as const satisfies Record<keyof TokenTtl, true>

/**
 * With the defaults, every limit.
 * @throws Error that names the option
 */
export function checkPushOptions(options: PushOptions): PushLimits {
  const { tokenTtl, limits = {} } = options
  checkFields(options, Object.keys(PUSH_OPTIONS), 'createPush')
  if (tokenTtl !== undefined) {
    checkFields(tokenTtl, Object.keys(TOKEN_TTL), 'createPush, tokenTtl')
    checkNumbers(tokenTtl, Object.keys(TOKEN_TTL), 'createPush, tokenTtl')
  }
  const defaults: PushLimits = {
    ...DEFAULT_MESSAGE_LIMITS,
    ...DEFAULT_STORE_LIMITS,
    ...DEFAULT_BROKER_LIMITS,
    ...DEFAULT_HTTP_LIMITS,
  }
  checkFields(limits, Object.keys(defaults), 'createPush, limits')
  checkNumbers(limits, Object.keys(limits), 'createPush, limits')
  return { ...defaults, ...limits }
}

/** Nothing is above a limit that is undefined or NaN: it would be none. */
function checkNumbers(values: object, names: readonly string[], where: string): void {
  for (const name of names) {
    const value: unknown = Reflect.get(values, name)
    if (typeof value !== 'number' || !(value >= 0)) throw new Error(`${where}: ${name} must be a number, 0 or more`)
  }
}
