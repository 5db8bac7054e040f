/** Settings of the environment next to a mosquitto.conf. */
import type { MosquittoConf } from '../../mosquitto-compat/index.ts'
import { readConfig } from '../arguments.ts'
import { type Config, ConfigError, named, type SettingName } from '../settings.ts'

/** Longest client id of MQTT itself, and the most that there can be: Mosquitto has no other limit. */
const LONGEST_CLIENT_ID = 65_535
const MOST_SUBSCRIPTIONS = 10_000

type Environment = Readonly<Record<string, string | undefined>>

/** What says the same in the file. */
const IN_THE_FILE: Partial<Record<SettingName, string>> = {
  PUSH_MQTT_PORT: 'listener',
  PUSH_MQTTS_PORT: 'listener, with certfile and keyfile',
  PUSH_PASSWORD_FILE: 'password_file',
  PUSH_ACL_FILE: 'acl_file',
  PUSH_SYS_INTERVAL: 'sys_interval',
  PUSH_PROXY_PROTOCOL: 'enable_proxy_protocol',
  PUSH_LOG_LEVEL: 'log_type',
}

export interface MosquittoSettings {
  readonly config: Config
  readonly unknown: readonly string[]
  isSet(name: SettingName): boolean
}

/** @throws ConfigError */
export function readMosquittoSettings(env: Environment): MosquittoSettings {
  const isSet = (name: SettingName) => (env[name] ?? '') !== ''
  for (const [name, option] of Object.entries(IN_THE_FILE))
    if ((env[name] ?? '') !== '')
      throw new ConfigError(`${name}: the configuration file says it with ${option}; unset the variable`)
  const { config, unknown } = readConfig([], env)
  if (config.PUSH_WORKERS > 1)
    throw new ConfigError(
      `${named('PUSH_WORKERS')}: with a mosquitto.conf one process serves; start more of them, with Redis, behind a balancer`,
    )
  return { config, unknown, isSet }
}

/** HTTP opens only where it is asked for; the data directory is that of the file unless it is said. */
export function withConf({ config, isSet }: MosquittoSettings, conf: MosquittoConf): Config {
  const { persistenceLocation } = conf
  return {
    ...config,
    PUSH_MQTT_PORT: 'off',
    PUSH_HTTP_PORT: isSet('PUSH_HTTP_PORT') ? config.PUSH_HTTP_PORT : 'off',
    PUSH_DATA_DIR:
      isSet('PUSH_DATA_DIR') || persistenceLocation === undefined ? config.PUSH_DATA_DIR : persistenceLocation,
    PUSH_MAX_CLIENT_ID: isSet('PUSH_MAX_CLIENT_ID') ? config.PUSH_MAX_CLIENT_ID : LONGEST_CLIENT_ID,
    PUSH_MAX_SUBSCRIPTIONS: isSet('PUSH_MAX_SUBSCRIPTIONS') ? config.PUSH_MAX_SUBSCRIPTIONS : MOST_SUBSCRIPTIONS,
    PUSH_MAX_CONNECTIONS: conf.maxConnections > 0 ? conf.maxConnections : config.PUSH_MAX_CONNECTIONS,
  }
}
