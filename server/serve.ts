/** The ready server: push, general topics, and the listeners, as the settings say. */
import type { Logger } from 'pino'
import type { Metrics } from '../common/metrics.ts'
import { createPush, type Push } from '../index.ts'
import { passwordFileUsers } from '../mosquitto-compat/index.ts'
import { listen } from './listen.ts'
import { providersOf } from './providers.ts'
import { limitsOf, trustedProxiesOf } from './settings-fit.ts'
import type { Config } from './settings.ts'
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
  /** Reads certificates and identity providers again; absent where there are none. */
  readonly reload: (() => void) | undefined
  /** Takes nothing new, answers what is under way, and closes everything. */
  close(): Promise<void>
}

/** Resolves when every listener is ready. @throws ConfigError, ListenError, PushError */
export async function startServing({ config, logger, env = {}, membership, opened }: ServeOptions): Promise<Serving> {
  const users = usersOf(config, logger)
  const push = await createPush({
    ...(users === undefined ? {} : { users }),
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
    ...(config.PUSH_ALLOWED_HOSTS === undefined ? {} : { allowedHosts: config.PUSH_ALLOWED_HOSTS }),
    console: config.PUSH_CONSOLE,
    logger,
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
    return {
      ports: listening.ports,
      metrics: push.metrics,
      reload: reloadOf(config, push, listening),
      async close() {
        await listening.close()
        await push.close()
      },
    }
  } catch (error) {
    // What is told is why it did not start.
    await push
      .close()
      .catch((failure: unknown) => logger.warn({ err: failure }, 'could not close after a failed start'))
    throw error
  }
}

function reloadOf(config: Config, push: Push, listening: Pick<Serving, 'reload'>): Serving['reload'] {
  if (!isReloadable(config)) return undefined
  return () => {
    listening.reload?.()
    // It tells of what is wrong itself.
    push.reload().catch(() => undefined)
  }
}

/** Whether SIGHUP has something to read again. */
export function isReloadable(config: Config): boolean {
  return config.PUSH_TLS_CERT !== undefined || config.PUSH_ISSUERS_FILE !== undefined
}

/** Users besides devices and providers; without a file there are none. */
function usersOf({ PUSH_PASSWORD_FILE: path, PUSH_MAX_FAILED_LOGINS: failures }: Config, logger: Logger) {
  if (path === undefined) return undefined
  const broken = (error: unknown) =>
    logger.error({ err: error }, 'cannot read the password file; the previous users stay valid')
  return passwordFileUsers({ path, broken, failures, now: () => performance.now() })
}
