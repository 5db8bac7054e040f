/** Every setting of the server: its name, what it is for, its default and what is allowed. Limits are those of `LIMITS`. */
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

/** A setting that cannot be used: it names the setting, the value and what is allowed. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

export interface Setting<T> {
  /** What it is for, with its unit; the reference in `docs/operations.md` says the same. */
  readonly about: string
  readonly default: T
  /** What is allowed, for the error. */
  readonly allowed: string
  /** Never shown in an error or a log. */
  readonly secret?: boolean
  /** The option of `createPush` that is the same limit. */
  readonly limit?: LimitName
  /** Undefined when the text is not allowed. */
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
    allowed: 'a text that is not empty',
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
    allowed: 'addresses or networks with commas, such as 10.0.0.0/8,fd00::1',
    parse: parseNetworks,
  }
}

/** A listener that can be left out. */
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
    allowed: '* or names without port, with commas, such as push.example.com,app.example.com',
    parse(text) {
      const each = text.split(',').map((part) => part.trim().toLowerCase())
      return each.every((name) => /^(\*|[a-z0-9_.-]+)$/.test(name)) ? each : undefined
    },
  }
}

/** Of pages, as browsers send them. */
function origins(about: string): Setting<readonly string[] | undefined> {
  return {
    about,
    default: undefined,
    allowed: '* or origins with commas, such as https://app.example.com,https://localhost:5173',
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
    allowed: 'names of apps with commas, such as shop,news',
    parse(text) {
      const each = text.split(',').map((part) => part.trim())
      return each.every((name) => isAppName(name)) ? each : undefined
    },
  }
}

/** The settings that are no limits of `createPush`. */
const SERVER_SETTINGS = {
  PUSH_HOST: text('address of every listener', '127.0.0.1'),
  PUSH_MQTT_PORT: port('MQTT 3.1, 3.1.1 and 5 over TCP; 0 is any free port', 1883),
  PUSH_HTTP_PORT: port('HTTP API, and MQTT over WebSocket at /mqtt; 0 is any free port', 8080),
  PUSH_MQTTS_PORT: port('the same MQTT over TLS; 8883 is usual', 'off'),
  PUSH_HTTPS_PORT: port('the same HTTP and WebSocket over TLS; 443 or 8443 is usual', 'off'),
  PUSH_TLS_CERT: path('PEM file with the certificate and its chain'),
  PUSH_TLS_KEY: path('PEM file with the private key'),
  PUSH_TLS_CA: path('PEM file with the certificates that vouch for those of clients'),
  PUSH_TLS_MIN_VERSION: choice('minimum TLS version', ['TLSv1.2', 'TLSv1.3'], 'TLSv1.2'),
  PUSH_TLS_CLIENT_AUTH: choice(
    'whether a TLS client must have a certificate that PUSH_TLS_CA vouches for',
    ['none', 'optional', 'required'],
    'none',
  ),
  PUSH_PROXY_PROTOCOL: choice('whether every listener expects the header of a balancer', ['off', 'v2'], 'off'),
  PUSH_PROXY_TRUSTED: networks(
    'proxies that are believed whose connection or request it is: by that header where it is expected, else by Forwarded or X-Forwarded-For of HTTP',
  ),
  PUSH_ALLOWED_HOSTS: names(
    'names besides localhost that HTTP and WebSocket requests may come for, and whose web pages may make them; * is all. When not set: none where PUSH_HOST is a loopback address, else all',
  ),
  PUSH_CORS_ORIGINS: origins(
    'web pages of other origins that may look up, stream and acknowledge messages, and ask for tokens, as a device; * is all. Never with a provider key',
  ),
  PUSH_PUBLIC_URL: optional(
    'under which others reach the HTTP API; when set, a device that asks for it gets a Web Push endpoint',
    'an http:// or https:// URL without user, query and fragment',
    isPublicUrl,
  ),
  PUSH_CONSOLE: choice(
    'who gets the console at /console: local is a browser on this machine that no proxy stands before, on is everybody who can sign in',
    CONSOLE_MODES,
    'local',
  ),
  PUSH_DATA_DIR: text('embedded store, signing keys, generated provider key', './data'),
  PUSH_REDIS_URL: optional(
    'use Redis instead of the embedded store',
    'a redis:// or rediss:// URL, or several with commas, as docs/redis.md lists them; in a password, write , as %2C and % as %25',
    isRedisUrl,
    true,
  ),
  PUSH_REDIS_PREFIX: prefix(
    'before every key and channel in Redis; installations that share one have different ones',
    'push',
  ),
  PUSH_REDIS_WAIT: whole(
    'replicas of Redis that must have what is accepted before it is answered; not in a Cluster',
    0,
    0,
    100,
  ),
  PUSH_WORKERS: whole('processes that serve, with Redis only', 1, 1, 256),
  PUSH_PROVIDER_KEY: optional(
    'key of the provider who may act for every app; generated when not set',
    '16 to 256 bytes without white space',
    (value) => /^\S{1,256}$/.test(value) && Buffer.byteLength(value) >= 16 && Buffer.byteLength(value) <= 256,
    true,
  ),
  PUSH_PROVIDERS_FILE: path('JSON file with more providers: [{"name", "key", "apps": [...], "user"}]'),
  PUSH_PASSWORD_FILE: path(
    'password file of mosquitto_passwd: its users may use topics of their own, which devices and providers never see',
  ),
  PUSH_ACL_FILE: path('ACL file of Mosquitto: which topics each user of the password file may use; when not set, all'),
  PUSH_ACL_SUBSCRIBE: choice(
    'whether a user is granted each subscription, and gets what it may read (granted), or is refused one of which it may read no topic (strict)',
    ['granted', 'strict'],
    'granted',
  ),
  PUSH_RESERVED_APPS: appNames(
    'apps whose topics users of the password file neither publish nor subscribe to: topics that begin with the name of one, which look like push topics and are none',
  ),
  PUSH_SYS_INTERVAL: whole(
    'seconds between two updates of $SYS/broker/..., which users of the password file may subscribe to; 0 is none at all',
    0,
    0,
    65_535,
  ),
  PUSH_KEYS_FILE: path('JSON file with the signing keys, in place of generated ones'),
  PUSH_LOG_LEVEL: choice('minimum level that is logged', LOG_LEVELS, 'info'),
  PUSH_MAX_LOG_LINES: whole(
    'lines with the same message in a minute, of levels info to error; 0 is without limit',
    600,
    0,
    1_000_000,
  ),
  PUSH_MAX_LOG_WAITING: whole('bytes of log lines that wait for standard error', 1024 * 1024, 4096, 1024 ** 3),
  PUSH_TRACES_URL: optional(
    'OpenTelemetry collector that gets traces, by OTLP over HTTP',
    'an http:// or https:// URL with its path, such as http://127.0.0.1:4318/v1/traces',
    (value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol),
    true,
  ),
  PUSH_TRACES_PERCENT: whole(
    'of 100 traces that begin here, how many are recorded; what begins elsewhere says so itself, in `traceparent`',
    100,
    0,
    100,
  ),
  PUSH_MAX_FAILED_LOGINS: whole(
    'wrong passwords a minute of one user of the password file from one address; 0 is without limit',
    100,
    0,
    1_000_000,
  ),

  PUSH_TOKEN_ALGORITHM: choice('algorithm of the generated signing key', ALGORITHMS, 'HS256'),
  PUSH_TOKEN_ISSUER: text('`iss` of message tokens', 'aedes-push'),
  PUSH_STRICT_EXPIRY: choice(
    'on: an MQTT connection ends with the token it came with; off: it goes on while its token id has a newer one',
    ['off', 'on'],
    'off',
  ),
  PUSH_TOKEN_AUDIENCE: text('`aud` of message tokens', 'aedes-push'),
  PUSH_ISSUERS_FILE: path('JSON file of identity providers whose tokens let a device ask for a message token'),

  PUSH_WEBHOOK_NETWORKS: networks('networks that are not public, to which webhooks may lead all the same'),
  PUSH_WEBHOOK_HTTP_HOSTS: {
    about: 'names that webhooks may call by http://, without TLS; their networks have to be allowed too',
    default: undefined,
    allowed: 'names or addresses without port, with commas, such as hooks.internal,10.0.0.7',
    parse(value) {
      const each = value.split(',').map((part) => part.trim().toLowerCase())
      return each.every(isTargetHost) ? each : undefined
    },
  } satisfies Setting<readonly string[] | undefined>,
  PUSH_WEBHOOK_RETRIES: {
    about: 'from one attempt to call a webhook to the next, s; after the last one the webhook is disabled',
    default: STANDARD_RETRIES,
    allowed: '1 to 20 whole numbers from 1 to 604800 with commas, such as 5,300,1800',
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
  PUSH_BROKER_PROTOCOL: choice('for `aedes-push bridge`: the MQTT version that broker speaks', ['5', '3.1.1'], '5'),
  PUSH_BROKER_TIMEOUT: whole(
    'for `aedes-push bridge`: time for a connection to that broker, and from a request to its PUBACK, s',
    10,
    1,
    600,
  ),
  PUSH_BROKER_RECONNECT: whole(
    'for `aedes-push bridge`: pause before it tries to connect again, longer with each failure, s',
    1,
    1,
    60,
  ),
  PUSH_BROKER_WINDOW: whole(
    'for `aedes-push bridge`: messages without their PUBACK; the Receive Maximum of that broker may lower it',
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

/** How messages name a setting: `PUSH_MQTT_PORT (--mqtt-port)`. */
export function named(name: SettingName): string {
  return `${name} (--${flagOf(name)})`
}
