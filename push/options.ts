/** The options of `createPush`, and their checks. */
import type { BlockList } from 'node:net'
import type { Logger } from 'pino'
import { checkFields, type Algorithm, type ProviderKey, type Secrets } from '../auth/index.ts'
import { fitLimits, allowedRange, wholeFrom } from '../common/limit-checks.ts'
import { DEFAULT_LIMITS, LIMIT_NAMES, LIMITS, type LimitName, type Limits } from '../common/limits.ts'
import type { Metrics } from '../common/metrics.ts'
import type { Tracing } from '../common/tracing.ts'
import type { GeneralRules, Users } from '../broker/index.ts'
import type { ConsoleMode, WebhookRules } from '../bridge/index.ts'
import type { Tally } from '../common/tally.ts'
import * as checks from './option-checks.ts'

export type PushLimits = Limits

/** `dataDir`, `redisUrl`, or both. */
export type PushOptions = CommonOptions & ({ readonly dataDir: string } | { readonly redisUrl: string })

export interface CommonOptions {
  /**
   * Directory of the embedded store and the signing keys. With Redis, these are in Redis, and the directory is only
   * read, for keys of an earlier embedded store; without it, no file is touched.
   */
  readonly dataDir?: string
  /**
   * Who may send: name, key of at least 16 characters, and apps (absent: all); or a function that finds them, with the
   * secrets that all nodes share.
   */
  readonly providers: readonly ProviderKey[] | ((secrets: Secrets) => Promise<readonly ProviderKey[]>)
  /** Who may connect besides devices and providers, to use topics that are not push topics. Default: nobody. */
  readonly users?: Users
  /** Rules for all users; each field is read whenever it is needed, so you may change it at any time. */
  readonly generalRules?: GeneralRules
  /**
   * Where general topics are stored: sessions of users, their messages and subscriptions, and retained messages.
   * `memory`: they end with the process, and push messages stay durable; embedded store only. Default: `durable`.
   */
  readonly generalStore?: 'durable' | 'memory'
  /** Redis instead of the embedded store: `redis://`, `rediss://`, several comma-separated URLs for a Cluster. */
  readonly redisUrl?: string
  /** Prefix of every key and channel in Redis, so that installations can share one. */
  readonly redisPrefix?: string
  /** Replicas of Redis that must have a message before it is accepted; not with a Cluster. */
  readonly redisReplicas?: number
  readonly algorithm?: Algorithm
  /** Signing keys from a file, instead of generated ones. */
  readonly keysFile?: string
  readonly issuer?: string
  readonly audience?: string
  /**
   * JSON file with the identity providers whose tokens a device may exchange for a message token; may change at any
   * time.
   */
  readonly issuersFile?: string
  /** True: a connection ends when its token expires. Default: it continues while its token id has a newer token. */
  readonly strictExpiry?: boolean
  /** Limits; docs/operations.md lists them in the third column of its table, with defaults and ranges. */
  readonly limits?: Partial<PushLimits>
  /**
   * Host names that HTTP and WebSocket clients may use, and whose pages may connect, besides those of the machine
   * itself; `*` allows all. Default: none on a loopback address, otherwise all.
   */
  readonly allowedHosts?: readonly string[]
  /**
   * Origins, such as `https://app.example.com`, of pages that may make the HTTP calls of devices; `*` allows all. Never
   * with a provider key. Default: none.
   */
  readonly corsOrigins?: readonly string[]
  /** Proxies whose `Forwarded` or `X-Forwarded-For` header is trusted for the client address. Default: none. */
  readonly trustedProxies?: BlockList
  /**
   * Where else webhooks may lead, besides public addresses over HTTPS: `networks`, and `httpHosts` without TLS; and
   * `retries`, the delays between attempts in seconds.
   */
  readonly webhooks?: WebhookRules
  /**
   * Public URL of the HTTP API, such as `https://push.example.com`; enables Web Push endpoints. Default: no Web Push.
   */
  readonly publicUrl?: string
  /**
   * The console at `/console`: `local` for a browser on this machine without a proxy in between, `on` for everybody.
   * Default: `off`.
   */
  readonly console?: ConsoleMode
  /** Default: silent. */
  readonly logger?: Logger
  /** Returns the text of `/metrics`, if it covers more than this process. */
  readonly metricsText?: (metrics: Metrics) => () => Promise<string>
  /**
   * Records spans: one for each HTTP request, and one for each delivery of its message, from PUBLISH to PUBACK. The
   * device receives the place in the trace as the user property `traceparent`. Default: no traces.
   */
  readonly tracing?: Tracing
  /** Exchanges counts with other processes of the same server, so that limits apply to all of them together. */
  readonly tally?: Tally
  /** Milliseconds since the epoch: for dates, such as when a token or a message expires. */
  readonly now?: () => number
  /** Milliseconds of a monotonic clock: for durations, such as a keep alive. */
  readonly monotonic?: () => number
}

/** The compiler keeps it complete. */
const CHECKS = {
  dataDir: checks.path,
  providers: checks.providers,
  users: checks.users,
  generalRules: checks.object,
  generalStore: checks.generalStore,
  redisUrl: checks.redisUrl,
  redisPrefix: checks.redisPrefix,
  redisReplicas: checks.redisReplicas,
  algorithm: checks.algorithm,
  keysFile: checks.path,
  issuer: checks.text,
  audience: checks.text,
  issuersFile: checks.path,
  strictExpiry: checks.flag,
  limits: checks.object,
  allowedHosts: checks.allowedHosts,
  corsOrigins: checks.corsOrigins,
  trustedProxies: checks.blockList,
  webhooks: checks.webhooks,
  publicUrl: checks.publicUrl,
  console: checks.consoleMode,
  logger: checks.logger,
  metricsText: checks.func,
  tracing: checks.object,
  tally: checks.tally,
  now: checks.func,
  monotonic: checks.func,
} as const satisfies Record<keyof CommonOptions, checks.Check>

/**
 * With the defaults, every limit.
 * @throws Error that names the option
 */
export function checkPushOptions(options: PushOptions): PushLimits {
  checkOptions(options)
  return checkLimits(options.limits ?? {}, 'createPush, limits')
}

/** Applies the same ranges as the server's settings, and adjusts limits that were not given in the same way. */
function checkLimits(limits: Partial<Limits>, where: string): Limits {
  checkFields(limits, LIMIT_NAMES, where)
  const given = new Set(LIMIT_NAMES.filter((name) => Object.hasOwn(limits, name)))
  for (const name of given) checkLimit(name, limits[name], where)
  return fitLimits({ ...DEFAULT_LIMITS, ...limits }, given, ({ lower, upper, why }, values) => {
    const value = `${values[lower]}${given.has(lower) ? '' : ' by default'}`
    return new Error(`${where}: ${lower} is ${value}, which does not fit ${upper}, which is ${values[upper]}: ${why}`)
  })
}

/** An undefined option counts as absent. */
function checkOptions(options: unknown): void {
  if (typeof options !== 'object' || options === null) throw new Error('createPush: it takes an object of options')
  checkFields(options, Object.keys(CHECKS), 'createPush')
  const given: Readonly<Record<string, unknown>> = { ...options }
  for (const [name, check] of Object.entries(CHECKS))
    if (given[name] !== undefined) checks.checkOption(name, check, given[name], 'createPush')
  checks.checkTogether(given, 'createPush')
}

/** A comparison with undefined or NaN is never true, so such a limit would not limit anything. */
function checkLimit(name: LimitName, value: number | undefined, where: string): void {
  const { minimum, maximum } = allowedRange(LIMITS[name])
  if (value === undefined || !Number.isInteger(value) || value < minimum || value > maximum)
    throw new Error(`${where}: ${name} must be ${wholeFrom(minimum, maximum)}, and is ${String(value)}`)
}
