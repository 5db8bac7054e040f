/** Every setting of the server: its name, purpose, default and allowed values. The limits come from `LIMITS`. */
import type { BlockList } from 'node:net'
import { aboutLimit, wholeFrom } from '../common/limit-checks.ts'
import { LIMIT_NAMES, LIMITS, type LimitName } from '../common/limits.ts'
import type { Limit } from '../common/limit.ts'
import { isOrigin } from '../common/origins.ts'
import { parseNetworks } from '../common/networks.ts'
import { CONSOLE_MODES } from '../bridge/console/availability.ts'
import { isPublicUrl } from '../bridge/public-url.ts'
import { isRetries, STANDARD_RETRIES } from '../bridge/webhooks/schedule.ts'
import { isTargetHost } from '../bridge/webhooks/target.ts'
import { isRedisUrl } from '../store/redis/address.ts'
import { isAppName } from '../topics/index.ts'

/** An invalid setting. The message gives the setting, its value and what is allowed. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

export interface Setting<T> {
  /** Its purpose and unit; `docs/operations.md` shows this text. */
  readonly about: string
  readonly default: T
  /** The allowed values, for the error message. */
  readonly allowed: string
  /** Keeps the value out of errors and logs. */
  readonly secret?: boolean
  /** The option of `createPush` that is the same limit. */
  readonly limit?: LimitName
  /** Undefined if the text is not allowed. */
  parse(text: string): T | undefined
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
const ALGORITHMS = ['HS256', 'EdDSA', 'ES256', 'RS256'] as const

function whole(about: string, standard: number, minimum: number, maximum: number): Setting<number> {
  return {
    about,
    default: standard,
    allowed: wholeFrom(minimum, maximum),
    parse(text) {
      const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
      return value >= minimum && value <= maximum ? value : undefined
    },
  }
}

function text(about: string, standard: string): Setting<string> {
  return {
    about,
    default: standard,
    allowed: 'a non-empty text',
    parse: (value) => (value === '' ? undefined : value),
  }
}

function prefix(about: string, standard: string): Setting<string> {
  return {
    about,
    default: standard,
    allowed: '1 to 64 letters, digits, `-`, `_`, `.` or `:`',
    parse: (value) => (/^[A-Za-z0-9_.:-]{1,64}$/.test(value) ? value : undefined),
  }
}

function optional(
  about: string,
  allowed: string,
  valid: (value: string) => boolean,
  secret = false,
): Setting<string | undefined> {
  return { about, default: undefined, allowed, secret, parse: (value) => (valid(value) ? value : undefined) }
}

function path(about: string): Setting<string | undefined> {
  return optional(about, 'a path', (value) => value !== '')
}

function choice<const T extends string>(about: string, values: readonly T[], standard: T): Setting<T> {
  return {
    about,
    default: standard,
    allowed: `one of ${values.join(', ')}`,
    parse: (value) => values.find((each) => each === value),
  }
}

function networks(about: string): Setting<BlockList | undefined> {
  return {
    about,
    default: undefined,
    allowed: 'comma-separated addresses or networks, such as 10.0.0.0/8,fd00::1',
    parse: parseNetworks,
  }
}

/** A listener that can be turned off. */
function port(about: string, standard: number | 'off'): Setting<number | 'off'> {
  const number = whole(about, 0, 0, 65_535)
  return {
    about,
    default: standard,
    allowed: `${number.allowed}, or off`,
    parse: (value) => (value === 'off' ? value : number.parse(value)),
  }
}

/** Host names, in lower case. */
function names(about: string): Setting<readonly string[] | undefined> {
  return {
    about,
    default: undefined,
    allowed: '* or comma-separated names without port, such as push.example.com,app.example.com',
    parse(text) {
      const each = text.split(',').map((part) => part.trim().toLowerCase())
      return each.every((name) => /^(\*|[a-z0-9_.-]+)$/.test(name)) ? each : undefined
    },
  }
}

/** Origins of web pages, as browsers send them. */
function origins(about: string): Setting<readonly string[] | undefined> {
  return {
    about,
    default: undefined,
    allowed: '* or comma-separated origins, such as https://app.example.com,https://localhost:5173',
    parse(text) {
      const each = text.split(',').map((part) => part.trim().toLowerCase())
      return each.every((origin) => origin === '*' || isOrigin(origin)) ? each : undefined
    },
  }
}

function appNames(about: string): Setting<readonly string[] | undefined> {
  return {
    about,
    default: undefined,
    allowed: 'comma-separated names of apps, such as shop,news',
    parse(text) {
      const each = text.split(',').map((part) => part.trim())
      return each.every((name) => isAppName(name)) ? each : undefined
    },
  }
}

/** The settings that are not limits of `createPush`. */
const SERVER_SETTINGS = {
  PUSH_HOST: text('address that every listener binds to', '127.0.0.1'),
  PUSH_MQTT_PORT: port('MQTT 3.1, 3.1.1 and 5 over TCP; 0 picks a free port', 1883),
  PUSH_HTTP_PORT: port('HTTP API, and MQTT over WebSocket at /mqtt; 0 picks a free port', 8080),
  PUSH_MQTTS_PORT: port('MQTT over TLS; usually 8883', 'off'),
  PUSH_HTTPS_PORT: port('HTTPS, and MQTT over secure WebSocket; usually 443 or 8443', 'off'),
  PUSH_TLS_CERT: path('PEM file with the certificate and its chain'),
  PUSH_TLS_KEY: path('PEM file with the private key'),
  PUSH_TLS_CA: path('PEM file with the CA certificates that client certificates must chain to'),
  PUSH_TLS_MIN_VERSION: choice('minimum TLS version', ['TLSv1.2', 'TLSv1.3'], 'TLSv1.2'),
  PUSH_TLS_CLIENT_AUTH: choice(
    'whether a TLS client must present a certificate issued by a CA in PUSH_TLS_CA',
    ['none', 'optional', 'required'],
    'none',
  ),
  PUSH_PROXY_PROTOCOL: choice('whether every listener expects a PROXY protocol header', ['off', 'v2'], 'off'),
  PUSH_PROXY_TRUSTED: networks(
    'proxies whose word on the client address is trusted: in the PROXY header if PUSH_PROXY_PROTOCOL is on, otherwise in the HTTP headers Forwarded and X-Forwarded-For',
  ),
  PUSH_ALLOWED_HOSTS: names(
    'host names, besides localhost, that HTTP and WebSocket requests may use, and whose web pages may make them; * allows all. If not set: none if PUSH_HOST is a loopback address, otherwise all',
  ),
  PUSH_CORS_ORIGINS: origins(
    'origins of web pages that may look up, stream and acknowledge messages and request tokens, as a device; * allows all. Never with a provider key',
  ),
  PUSH_PUBLIC_URL: optional(
    'public URL of the HTTP API; if set, devices can request Web Push endpoints',
    'an http:// or https:// URL without user, query or fragment',
    isPublicUrl,
  ),
  PUSH_CONSOLE: choice(
    'who may open the console at /console. local: a browser on the same machine, without a proxy in between; on: everybody who can sign in',
    CONSOLE_MODES,
    'local',
  ),
  PUSH_DATA_DIR: text('directory of the embedded store, the signing keys and the generated provider key', './data'),
  PUSH_REDIS_URL: optional(
    'use Redis instead of the embedded store',
    'one or more comma-separated redis:// or rediss:// URLs, as docs/redis.md lists them; in a password, write , as %2C and % as %25',
    isRedisUrl,
    true,
  ),
  PUSH_REDIS_PREFIX: prefix(
    'prefix of every key and channel in Redis; installations that share a Redis need different prefixes',
    'push',
  ),
  PUSH_REDIS_WAIT: whole(
    'replicas of Redis that must have a message before it is accepted; not with a Cluster',
    0,
    0,
    100,
  ),
  PUSH_WORKERS: whole('number of server processes; more than 1 needs Redis', 1, 1, 256),
  PUSH_PROVIDER_KEY: optional(
    'key of the administrator, a provider that may act for every app; generated if not set',
    '16 to 256 bytes without whitespace',
    (value) => /^\S{1,256}$/.test(value) && Buffer.byteLength(value) >= 16 && Buffer.byteLength(value) <= 256,
    true,
  ),
  PUSH_PROVIDERS_FILE: path('JSON file with more providers: [{"name", "key", "apps": [...], "user"}]'),
  PUSH_PASSWORD_FILE: path(
    'password file as mosquitto_passwd writes it; its users have their own topics, which devices and providers never see',
  ),
  PUSH_ACL_FILE: path('Mosquitto ACL file: the topics that each user of the password file may use; if not set, all'),
  PUSH_ACL_SUBSCRIBE: choice(
    'what happens when a user subscribes to topics it may not read. granted: the subscription is granted, and messages it may not read are withheld; strict: the subscription is refused if the user may read none of its topics',
    ['granted', 'strict'],
    'granted',
  ),
  PUSH_RESERVED_APPS: appNames(
    'apps whose names users of the password file may not use as the first level of a topic, because such topics are easily mistaken for push topics',
  ),
  PUSH_SYS_INTERVAL: whole(
    'interval of updates to $SYS/broker/..., which users of the password file may subscribe to; 0 turns them off; s',
    0,
    0,
    65_535,
  ),
  PUSH_KEYS_FILE: path('JSON file with the signing keys, instead of generated ones'),
  PUSH_LOG_LEVEL: choice('minimum log level', LOG_LEVELS, 'info'),
  PUSH_MAX_LOG_LINES: whole(
    'log lines a minute with the same message, at levels info to error; 0 means no limit',
    600,
    0,
    1_000_000,
  ),
  PUSH_MAX_LOG_WAITING: whole(
    'bytes of log lines buffered while standard error is blocked',
    1024 * 1024,
    4096,
    1024 ** 3,
  ),
  PUSH_TRACES_URL: optional(
    'OpenTelemetry collector to export traces to, with OTLP over HTTP',
    'an http:// or https:// URL with its path, such as http://127.0.0.1:4318/v1/traces',
    (value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol),
    true,
  ),
  PUSH_TRACES_PERCENT: whole(
    'percentage of traces that start in this server to record; for the others, the caller decides in `traceparent`',
    100,
    0,
    100,
  ),
  PUSH_MAX_FAILED_LOGINS: whole(
    'wrong passwords a minute for one user of the password file from one address; 0 means no limit',
    100,
    0,
    1_000_000,
  ),

  PUSH_TOKEN_ALGORITHM: choice('algorithm of the generated signing key', ALGORITHMS, 'HS256'),
  PUSH_TOKEN_ISSUER: text('`iss` of message tokens', 'aedes-push'),
  PUSH_STRICT_EXPIRY: choice(
    'on: an MQTT connection ends when the token it was opened with expires; off: it stays open while its token id has a newer token',
    ['off', 'on'],
    'off',
  ),
  PUSH_TOKEN_AUDIENCE: text('`aud` of message tokens', 'aedes-push'),
  PUSH_ISSUERS_FILE: path(
    'JSON file with the identity providers whose tokens a device may exchange for a message token',
  ),

  PUSH_WEBHOOK_NETWORKS: networks('private networks that webhooks may call'),
  PUSH_WEBHOOK_HTTP_HOSTS: {
    about:
      'hosts that webhooks may call over http://, without TLS; a host in a private network also needs PUSH_WEBHOOK_NETWORKS',
    default: undefined,
    allowed: 'comma-separated names or addresses without port, such as hooks.internal,10.0.0.7',
    parse(value) {
      const each = value.split(',').map((part) => part.trim().toLowerCase())
      return each.every(isTargetHost) ? each : undefined
    },
  } satisfies Setting<readonly string[] | undefined>,
  PUSH_WEBHOOK_RETRIES: {
    about: 'delays between the attempts to call a webhook, s; after the last attempt the webhook is disabled',
    default: STANDARD_RETRIES,
    allowed: '1 to 20 comma-separated whole numbers from 1 to 604800, such as 5,300,1800',
    parse(value) {
      const each = value.split(',').map((part) => (/^\d{1,6}$/.test(part.trim()) ? Number(part) : Number.NaN))
      return isRetries(each) ? each : undefined
    },
  } satisfies Setting<readonly number[]>,

  PUSH_BROKER_URL: optional(
    'for `aedes-push bridge`: the MQTT broker to publish to',
    'an mqtt://, mqtts://, ws:// or wss:// URL',
    (value) => /^(mqtts?|wss?|tcp|ssl):\/\/\S+$/.test(value),
    true,
  ),
  PUSH_BROKER_PROTOCOL: choice(
    'for `aedes-push bridge`: the MQTT version to use with that broker',
    ['5', '3.1.1'],
    '5',
  ),
  PUSH_BROKER_TIMEOUT: whole(
    'for `aedes-push bridge`: timeout for connecting to that broker, and for each PUBACK, s',
    10,
    1,
    600,
  ),
  PUSH_BROKER_RECONNECT: whole(
    'for `aedes-push bridge`: initial delay before it reconnects; it grows with each failure, s',
    1,
    1,
    60,
  ),
  PUSH_BROKER_WINDOW: whole(
    'for `aedes-push bridge`: unacknowledged messages in flight; the Receive Maximum of that broker may lower it',
    1_000,
    1,
    65_535,
  ),
} as const satisfies Record<string, Setting<unknown>>

type LimitSettings = { readonly [N in LimitName as (typeof LIMITS)[N]['setting']]: Setting<number> }

function limitSetting(name: LimitName): Setting<number> {
  const row: Limit = LIMITS[name]
  return { ...whole(aboutLimit(row), row.default, row.minimum, row.maximum), limit: name }
}

const LIMIT_SETTINGS = Object.fromEntries(
  LIMIT_NAMES.map((name) => [LIMITS[name].setting, limitSetting(name)]),
) as LimitSettings

export const SETTINGS = { ...SERVER_SETTINGS, ...LIMIT_SETTINGS } as const satisfies Record<string, Setting<unknown>>

export type SettingName = keyof typeof SETTINGS
export type Config = { readonly [N in SettingName]: (typeof SETTINGS)[N] extends Setting<infer T> ? T : never }

/** `PUSH_MQTT_PORT` is `--mqtt-port`. */
export function flagOf(name: string): string {
  return name.slice('PUSH_'.length).toLowerCase().replaceAll('_', '-')
}

/** The setting as messages show it: `PUSH_MQTT_PORT (--mqtt-port)`. */
export function named(name: SettingName): string {
  return `${name} (--${flagOf(name)})`
}
