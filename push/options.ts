/** What `createPush` is given, and that nothing in it is misspelt, missing or of the wrong kind. */
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
   * The embedded store and the signing keys live here. With Redis, they are there, and the directory is
   * only read, for keys that it holds from embedded days; without it, no file is touched.
   */
  readonly dataDir?: string
  /**
   * Who may send: name, key of at least 16 characters, and apps (left out: all); or how to find them, with the secrets
   * that all nodes share.
   */
  readonly providers: readonly ProviderKey[] | ((secrets: Secrets) => Promise<readonly ProviderKey[]>)
  /** Who may connect besides devices and providers, to use topics that are not push topics. Default: nobody. */
  readonly users?: Users
  /** What holds for all users; each field is read whenever it is needed, so that it may change at any time. */
  readonly generalRules?: GeneralRules
  /**
   * Where general topics are kept: sessions of users, their messages and subscriptions, and what is retained. `memory`: they are
   * gone with the process, and push stays as durable as ever; embedded only. Default: `durable`.
   */
  readonly generalStore?: 'durable' | 'memory'
  /** Redis instead of the embedded store: `redis://`, `rediss://`, several with commas for a Cluster. */
  readonly redisUrl?: string
  /** Before every key and channel in Redis, so that installations can share one. */
  readonly redisPrefix?: string
  /** Replicas of Redis that have to have what is accepted before it is answered; not in a Cluster. */
  readonly redisReplicas?: number
  readonly algorithm?: Algorithm
  /** Signing keys from a file, instead of generated ones. */
  readonly keysFile?: string
  readonly issuer?: string
  readonly audience?: string
  /** JSON file of identity providers whose tokens let devices ask for message tokens; it may change at any time. */
  readonly issuersFile?: string
  /** A connection ends with the token it came with. Default: it goes on while its token id has a newer one. */
  readonly strictExpiry?: boolean
  /** Each with its default and range stands in the table of docs/operations.md, third column. */
  readonly limits?: Partial<PushLimits>
  /**
   * Names that HTTP and WebSocket clients may have in `Host`, and whose pages may connect, besides those of the machine
   * itself; `*` is all. Default: on a loopback address none, on any other all.
   */
  readonly allowedHosts?: readonly string[]
  /**
   * Origins, such as `https://app.example.com`, of pages that may call over HTTP what devices call; `*` is all. Never with a
   * provider key. Default: none.
   */
  readonly corsOrigins?: readonly string[]
  /**
   * Proxies whose `Forwarded` or `X-Forwarded-For` says whose an HTTP request is, for the limits by address. Default: nobody
   * is believed.
   */
  readonly trustedProxies?: BlockList
  /**
   * Where webhooks may lead besides public addresses over HTTPS: `networks`, and `httpHosts` without TLS; and `retries`, seconds
   * from one attempt to the next.
   */
  readonly webhooks?: WebhookRules
  /**
   * Under which others reach the HTTP API, `https://push.example.com` for one: then devices that ask for it get Web Push
   * endpoints. Default: there is no Web Push.
   */
  readonly publicUrl?: string
  /**
   * The console at `/console`: `local` for a browser on this machine that no proxy stands before, `on` for everybody.
   * Default: `off`.
   */
  readonly console?: ConsoleMode
  /** Default: silent. */
  readonly logger?: Logger
  /** What `/metrics` answers, when it is more than this process' own. */
  readonly metricsText?: (metrics: Metrics) => () => Promise<string>
  /**
   * Writes spans: one for each request over HTTP, and one for each message that it sent, from PUBLISH to PUBACK, whose place
   * in the trace the device gets as the user property `traceparent`. Default: nothing is traced.
   */
  readonly tracing?: Tracing
  /** What other processes of the same server count, where limits hold for all of them together. */
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

/** The same ranges as the server's settings, and what is not given gives way in the same way. */
function checkLimits(limits: Partial<Limits>, where: string): Limits {
  checkFields(limits, LIMIT_NAMES, where)
  const given = new Set(LIMIT_NAMES.filter((name) => Object.hasOwn(limits, name)))
  for (const name of given) checkLimit(name, limits[name], where)
  return fitLimits({ ...DEFAULT_LIMITS, ...limits }, given, ({ lower, upper, why }, values) => {
    const value = `${values[lower]}${given.has(lower) ? '' : ' by default'}`
    return new Error(`${where}: ${lower} is ${value}, which does not fit ${upper}, which is ${values[upper]}: ${why}`)
  })
}

/** An option that is undefined is as if it was not given. */
function checkOptions(options: unknown): void {
  if (typeof options !== 'object' || options === null) throw new Error('createPush: it takes an object of options')
  checkFields(options, Object.keys(CHECKS), 'createPush')
  const given: Readonly<Record<string, unknown>> = { ...options }
  for (const [name, check] of Object.entries(CHECKS))
    if (given[name] !== undefined) checks.checkOption(name, check, given[name], 'createPush')
  checks.checkTogether(given, 'createPush')
}

/** Nothing is above a limit that is undefined or NaN: it would be none. */
function checkLimit(name: LimitName, value: number | undefined, where: string): void {
  const { minimum, maximum } = allowedRange(LIMITS[name])
  if (value === undefined || !Number.isInteger(value) || value < minimum || value > maximum)
    throw new Error(`${where}: ${name} must be ${wholeFrom(minimum, maximum)}, and is ${String(value)}`)
}
