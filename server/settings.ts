/** Every setting of the server: its name, what it is for, its default and what is allowed. */
import type { BlockList } from 'node:net'
import { parseNetworks } from '../broker/gate/networks.ts'
import { isRedisUrl } from '../store/redis/address.ts'

/** A setting that cannot be used: it names the setting, the value and what is allowed. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

export interface Setting<T> {
  /** What it is for, with its unit; the reference in `docs/operations.md` says the same. */
  readonly about: string
  readonly fallback: T
  /** What is allowed, for the error. */
  readonly allowed: string
  /** Never shown in an error or a log. */
  readonly secret?: boolean
  /** Undefined when the text is not allowed. */
  parse(text: string): T | undefined
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
const ALGORITHMS = ['HS256', 'EdDSA', 'ES256', 'RS256'] as const

function whole(about: string, fallback: number, minimum: number, maximum: number): Setting<number> {
  return {
    about,
    fallback,
    allowed: `a whole number from ${minimum} to ${maximum}`,
    parse(text) {
      const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
      return value >= minimum && value <= maximum ? value : undefined
    },
  }
}

function text(about: string, fallback: string): Setting<string> {
  return { about, fallback, allowed: 'a text that is not empty', parse: (value) => (value === '' ? undefined : value) }
}

function prefix(about: string, fallback: string): Setting<string> {
  return {
    about,
    fallback,
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
  return { about, fallback: undefined, allowed, secret, parse: (value) => (valid(value) ? value : undefined) }
}

function choice<const T extends string>(about: string, values: readonly T[], fallback: T): Setting<T> {
  return {
    about,
    fallback,
    allowed: `one of ${values.join(', ')}`,
    parse: (value) => values.find((each) => each === value),
  }
}

function networks(about: string): Setting<BlockList | undefined> {
  return {
    about,
    fallback: undefined,
    allowed: 'addresses or networks with commas, such as 10.0.0.0/8,fd00::1',
    parse: parseNetworks,
  }
}

/** A listener that can be left out. */
function port(about: string, fallback: number | 'off'): Setting<number | 'off'> {
  const number = whole(about, 0, 0, 65_535)
  return {
    about,
    fallback,
    allowed: `${number.allowed}, or off`,
    parse: (value) => (value === 'off' ? value : number.parse(value)),
  }
}

/** Host names, in lower case. */
function names(about: string): Setting<readonly string[] | undefined> {
  return {
    about,
    fallback: undefined,
    allowed: '* or names without port, with commas, such as push.example.com,app.example.com',
    parse(text) {
      const each = text.split(',').map((part) => part.trim().toLowerCase())
      return each.every((name) => /^(\*|[a-z0-9_.-]+)$/.test(name)) ? each : undefined
    },
  }
}

const YEAR = 366 * 24 * 60 * 60
const GIB = 1024 ** 3

export const SETTINGS = {
  PUSH_HOST: text('address of every listener', '127.0.0.1'),
  PUSH_MQTT_PORT: port('MQTT 3.1, 3.1.1 and 5 over TCP; 0 is any free port', 1883),
  PUSH_HTTP_PORT: port('HTTP API, and MQTT over WebSocket at /mqtt; 0 is any free port', 8080),
  PUSH_MQTTS_PORT: port('the same MQTT over TLS; 8883 is usual', 'off'),
  PUSH_HTTPS_PORT: port('the same HTTP and WebSocket over TLS; 443 or 8443 is usual', 'off'),
  PUSH_TLS_CERT: optional('PEM file with the certificate and its chain', 'a path', (value) => value !== ''),
  PUSH_TLS_KEY: optional('PEM file with the private key', 'a path', (value) => value !== ''),
  PUSH_TLS_CA: optional(
    'PEM file with the certificates that vouch for those of clients',
    'a path',
    (value) => value !== '',
  ),
  PUSH_TLS_MIN_VERSION: choice('least version of TLS', ['TLSv1.2', 'TLSv1.3'], 'TLSv1.2'),
  PUSH_TLS_CLIENT_AUTH: choice(
    'whether a TLS client must have a certificate that PUSH_TLS_CA vouches for',
    ['none', 'optional', 'required'],
    'none',
  ),
  PUSH_PROXY_PROTOCOL: choice('whether every listener expects the header of a balancer', ['off', 'v2'], 'off'),
  PUSH_PROXY_TRUSTED: networks('balancers that may send it'),
  PUSH_ALLOWED_HOSTS: names(
    'names besides localhost that HTTP and WebSocket requests may come for, and whose web pages may make them; * is all. When not set: none where PUSH_HOST is a loopback address, else all',
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
  PUSH_PROVIDERS_FILE: optional(
    'JSON file with more providers: [{"name", "key", "apps": [...]}]',
    'a path',
    (value) => value !== '',
  ),
  PUSH_PASSWORD_FILE: optional(
    'password file of mosquitto_passwd: its users may use every topic that is not a push topic',
    'a path',
    (value) => value !== '',
  ),
  PUSH_KEYS_FILE: optional(
    'JSON file with the signing keys, in place of generated ones',
    'a path',
    (value) => value !== '',
  ),
  PUSH_LOG_LEVEL: choice('least level that is logged', LOG_LEVELS, 'info'),
  PUSH_MAX_LOG_LINES: whole(
    'lines with the same message in a minute, of levels info to error; 0 is without limit',
    600,
    0,
    1_000_000,
  ),
  PUSH_MAX_LOG_WAITING: whole('bytes of log lines that wait for standard error', 1024 * 1024, 4096, GIB),

  PUSH_TOKEN_ALGORITHM: choice('algorithm of the generated signing key', ALGORITHMS, 'HS256'),
  PUSH_TOKEN_ISSUER: text('`iss` of message tokens', 'aedes-push'),
  PUSH_TOKEN_AUDIENCE: text('`aud` of message tokens', 'aedes-push'),
  PUSH_TOKEN_TTL: whole('life of a message token, s', 90 * 24 * 60 * 60, 1, 10 * YEAR),
  PUSH_TOKEN_TTL_MAX: whole('longest life of a message token, s', 400 * 24 * 60 * 60, 1, 10 * YEAR),

  PUSH_MESSAGE_TTL: whole('time to live of a message, s', 7 * 24 * 60 * 60, 1, YEAR),
  PUSH_MESSAGE_TTL_MAX: whole('longest time to live of a message, s', 28 * 24 * 60 * 60, 1, YEAR),
  PUSH_MAX_PAYLOAD: whole('largest payload, bytes', 256 * 1024, 1, 16 * 1024 * 1024),
  PUSH_MAX_PENDING_MESSAGES: whole('messages that wait for one device', 1_000, 1, 30_000),
  PUSH_MAX_PENDING_BYTES: whole('payload bytes that wait for one device', 4 * 1024 * 1024, 1, GIB),
  PUSH_MAX_BROADCASTS: whole('messages in the broadcast log of an app', 10_000, 1, 1_000_000),
  PUSH_MAX_BROADCAST_BYTES: whole('payload bytes in the broadcast log of an app', 64 * 1024 * 1024, 1, 16 * GIB),
  PUSH_MAX_RETAINED_BROADCASTS: whole('different retained broadcasts of an app', 1_000, 1, 100_000),
  PUSH_DEDUPE_WINDOW: whole('how long a message id is remembered, s', 24 * 60 * 60, 1, YEAR),

  PUSH_WINDOW: whole('unacknowledged messages to one device', 20, 1, 1_000),
  PUSH_MAX_CONNECTIONS: whole('connections in all, MQTT and HTTP', 100_000, 1, 10_000_000),
  PUSH_MAX_CONNECTIONS_PER_ADDRESS: whole(
    'connections from one address, or IPv6 network of 64 bits; 0 is without limit',
    0,
    0,
    10_000_000,
  ),
  PUSH_CONNECT_TIMEOUT: whole('time from a connection to its CONNECT, and from there to its answer, s', 10, 1, 600),
  PUSH_STALL_TIMEOUT: whole(
    'a client that takes no byte of what waits for it for this long is disconnected, s',
    30,
    1,
    3600,
  ),
  PUSH_MAX_OUTPUT: whole('bytes that wait for a slow reader before deliveries to it pause', 64 * 1024, 1024, GIB),
  PUSH_MAX_PACKET: whole('largest MQTT packet of a client, bytes', 320 * 1024, 128, 64 * 1024 * 1024),
  PUSH_MAX_QUEUED: whole('messages held in memory for one provider or user', 1_000, 1, 65_535),
  PUSH_MAX_QUEUED_BYTES: whole('their payload bytes', 4 * 1024 * 1024, 1, GIB),
  PUSH_MAX_STORED: whole(
    'messages stored for one session of a provider or user, or one shared subscription',
    10_000,
    1,
    10_000_000,
  ),
  PUSH_TOPIC_ALIASES: whole('topic aliases made for one client that takes them', 16, 0, 65_535),
  PUSH_TOPIC_ALIAS_MAXIMUM: whole('topic aliases taken from one client', 10, 0, 65_535),
  PUSH_MAX_CONNECT: whole('largest CONNECT, bytes', 128 * 1024, 128, 64 * 1024 * 1024),
  PUSH_MAX_CONNECTS_PER_ADDRESS: whole(
    'connects a minute from one address, or IPv6 network of 64 bits; 0 is without limit',
    0,
    0,
    10_000_000,
  ),
  PUSH_MAX_CONNECTS_PER_TOKEN: whole('connects a minute with one token id; 0 is without limit', 300, 0, 1_000_000),
  PUSH_MAX_FAILED_LOGINS: whole(
    'wrong passwords a minute of one user of the password file from one address; 0 is without limit',
    100,
    0,
    1_000_000,
  ),
  PUSH_MAX_DEVICE_PUBLISHES: whole(
    'publishes a second of one device, ten times as many at once; 0 is without limit',
    100,
    0,
    1_000_000,
  ),
  PUSH_MAX_PROVIDER_PUBLISHES: whole(
    'MQTT publishes a second of one provider, ten times as many at once; 0 is without limit',
    0,
    0,
    10_000_000,
  ),
  PUSH_MAX_WORK: whole(
    'units of work a second for the packets of one session, or the HTTP requests of one provider or device; a second of them at once; 0 is without limit',
    1_000_000,
    0,
    1_000_000_000,
  ),
  PUSH_MAX_TOPIC_LEVELS: whole('levels of a topic or filter', 100, 8, 100),
  PUSH_MAX_TOPIC_BYTES: whole('bytes of a topic or filter', 4096, 512, 65_535),
  PUSH_IDLE_TIMEOUT: whole(
    'a client without keep alive that sends nothing for this long is disconnected, s; 0 is without limit',
    0,
    0,
    YEAR,
  ),
  PUSH_MAX_SUBSCRIPTIONS: whole('subscriptions of one client', 100, 1, 10_000),
  PUSH_RECEIVE_MAXIMUM: whole('unacknowledged messages from one client', 64, 1, 65_535),
  PUSH_SESSION_EXPIRY_MAX: whole('longest Session Expiry Interval, s; 0 is without limit', 0, 0, 10 * YEAR),
  PUSH_SWEEP: whole('every device and every log is looked at again within this time, s', 30, 1, 3600),

  PUSH_MAX_BODY: whole('largest HTTP request body, bytes', 1024 * 1024, 1024, 64 * 1024 * 1024),
  PUSH_MAX_HEADERS: whole('largest HTTP request line with all headers, bytes', 16 * 1024, 1024, 1024 * 1024),
  PUSH_REQUEST_TIMEOUT: whole('time to send the headers, and the whole of an HTTP request, s', 30, 1, 3600),
  PUSH_MAX_WAIT: whole('longest wait of a long poll, s', 50, 0, 600),
  PUSH_MAX_WAITING: whole('long polls at one time', 10_000, 0, 1_000_000),
  PUSH_MAX_REQUESTS: whole('HTTP requests a minute from one address; 0 is without limit', 0, 0, 10_000_000),

  PUSH_BROKER_URL: optional(
    'for `aedes-push bridge`: the MQTT broker to publish to',
    'an mqtt://, mqtts://, ws:// or wss:// URL',
    (value) => /^(mqtts?|wss?|tcp|ssl):\/\/\S+$/.test(value),
    true,
  ),
  PUSH_BROKER_PROTOCOL: choice('for `aedes-push bridge`: the MQTT version that broker speaks', ['5', '3.1.1'], '5'),
} as const satisfies Record<string, Setting<unknown>>

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
