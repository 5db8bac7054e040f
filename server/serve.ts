/** The ready server: push, general topics and listeners, as the settings say. */
import type { Logger } from 'pino'
import type { Metrics } from '../common/metrics.ts'
import { createPush, type Push, type PushOptions } from '../index.ts'
import { listen } from './listen.ts'
import { openTracing } from './open-tracing.ts'
import { providersOf } from './providers.ts'
import { limitsOf, trustedProxiesOf } from './settings-fit.ts'
import type { Config } from './settings.ts'
import { publishSys } from './sys.ts'
import { fileUsers, type FileUsers } from './users.ts'
import { portsOf, type Membership, type Ports } from './workers.ts'

export interface ServeOptions {
  readonly config: Config
  readonly logger: Logger
  /** Where a supervisor says which ports its workers share. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Of a worker among others. */
  readonly membership?: Membership | undefined
  /** Hears of the metrics before anybody is served. */
  readonly opened?: (metrics: Metrics) => void
}

export interface Serving {
  readonly ports: Ports
  readonly metrics: Metrics
  /** Reads certificates, identity providers, users and their rules again; absent where there are none. */
  readonly reload: (() => void) | undefined
  /** Takes nothing new, answers what is under way, and closes everything. */
  close(): Promise<void>
}

/** Resolves when every listener is ready. @throws ConfigError, ListenError, PushError */
export async function startServing({ config, logger, env = {}, membership, opened }: ServeOptions): Promise<Serving> {
  const files = fileUsers(config, logger)
  const tracing = await openTracing(config)
  const push = await createPush({
    ...pushOptionsOf(config, logger),
    ...(tracing === undefined ? {} : { tracing }),
    ...(files === undefined ? {} : { users: files.users }),
    ...(config.PUSH_RESERVED_APPS === undefined ? {} : { generalRules: { reservedApps: config.PUSH_RESERVED_APPS } }),
    ...(membership === undefined
      ? {}
      : { tally: membership.tally, metricsText: ({ registry }) => membership.metricsText(registry) }),
  })
  try {
    opened?.(push.metrics)
    const wanted = portsOf(env, {
      mqtt: config.PUSH_MQTT_PORT,
      http: config.PUSH_HTTP_PORT,
      mqtts: config.PUSH_MQTTS_PORT,
      https: config.PUSH_HTTPS_PORT,
    })
    const listening = await listen(push, config, wanted, logger)
    const sys = publishSys(push, files === undefined ? 0 : config.PUSH_SYS_INTERVAL, logger)
    return {
      ports: listening.ports,
      metrics: push.metrics,
      reload: reloadOf(config, push, listening, files),
      async close() {
        files?.close()
        sys.close()
        await listening.close()
        await push.close()
        await tracing?.close()
      },
    }
  } catch (error) {
    files?.close()
    // What is told is why it did not start.
    await push
      .close()
      .catch((failure: unknown) => logger.warn({ err: failure }, 'could not close after a failed start'))
    throw error
  }
}

/** What settings say of `createPush`. */
export function pushOptionsOf(config: Config, logger: Logger): PushOptions {
  return {
    dataDir: config.PUSH_DATA_DIR,
    providers: (secrets) => providersOf(config, logger, secrets),
    ...(config.PUSH_REDIS_URL === undefined
      ? {}
      : {
          redisUrl: config.PUSH_REDIS_URL,
          redisPrefix: config.PUSH_REDIS_PREFIX,
          redisReplicas: config.PUSH_REDIS_WAIT,
        }),
    algorithm: config.PUSH_TOKEN_ALGORITHM,
    ...(config.PUSH_KEYS_FILE === undefined ? {} : { keysFile: config.PUSH_KEYS_FILE }),
    issuer: config.PUSH_TOKEN_ISSUER,
    audience: config.PUSH_TOKEN_AUDIENCE,
    ...(config.PUSH_ISSUERS_FILE === undefined ? {} : { issuersFile: config.PUSH_ISSUERS_FILE }),
    strictExpiry: config.PUSH_STRICT_EXPIRY === 'on',
    limits: limitsOf(config),
    ...trustedProxiesOf(config),
    webhooks: webhooksOf(config),
    ...(config.PUSH_ALLOWED_HOSTS === undefined ? {} : { allowedHosts: config.PUSH_ALLOWED_HOSTS }),
    ...(config.PUSH_CORS_ORIGINS === undefined ? {} : { corsOrigins: config.PUSH_CORS_ORIGINS }),
    ...(config.PUSH_PUBLIC_URL === undefined ? {} : { publicUrl: config.PUSH_PUBLIC_URL }),
    console: config.PUSH_CONSOLE,
    logger,
  }
}

function reloadOf(
  config: Config,
  push: Push,
  listening: Pick<Serving, 'reload'>,
  files: FileUsers | undefined,
): Serving['reload'] {
  if (!isReloadable(config)) return undefined
  return () => {
    listening.reload?.()
    files?.reload()
    // It tells of what is wrong itself.
    push.reload().catch(() => undefined)
  }
}

function webhooksOf({ PUSH_WEBHOOK_NETWORKS: networks, PUSH_WEBHOOK_HTTP_HOSTS: httpHosts, ...config }: Config) {
  return { networks, httpHosts, retries: config.PUSH_WEBHOOK_RETRIES }
}

/** Whether SIGHUP has something to read again. */
export function isReloadable(config: Config): boolean {
  const files = [config.PUSH_TLS_CERT, config.PUSH_ISSUERS_FILE, config.PUSH_PASSWORD_FILE]
  return files.some((file) => file !== undefined)
}
