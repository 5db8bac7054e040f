/**
 * Every limit of the product, once: its setting, default, range and unit. `createPush` takes
 * them as `limits`; the server takes them as settings, and has `--help`, its checks and docs/operations.md from here.
 */
import {
  BYTES,
  DAY,
  GIB,
  KIB,
  type Limit,
  limit,
  MIB,
  MS,
  SECONDS,
  SECONDS_TO_MS,
  YEAR,
  ZERO_IS_NONE,
} from './limit.ts'

/** The name of each is that of the option. */
export const LIMITS = {
  defaultTokenTtl: limit('PUSH_TOKEN_TTL', 90 * DAY, [1, 10 * YEAR], 'life of a message token', SECONDS),
  maximumTokenTtl: limit('PUSH_TOKEN_TTL_MAX', 400 * DAY, [1, 10 * YEAR], 'longest life of a message token', SECONDS),

  renewalMs: limit(
    'PUSH_RENEWAL',
    90 * DAY,
    [0, 400 * DAY],
    'how long a device renews its token itself, from the last proof of its account, unless the provider says otherwise',
    SECONDS_TO_MS,
  ),
  expiryGraceMs: limit(
    'PUSH_EXPIRY_GRACE',
    60,
    [0, 3600],
    'a connection goes on for so long after the end of its token while the store does not say whether there is a newer one',
    SECONDS_TO_MS,
  ),
  accountDevices: limit('PUSH_MAX_ACCOUNT_DEVICES', 1_000, [1, 10_000], 'devices of one account of an app'),
  revokedAccounts: limit(
    'PUSH_MAX_REVOKED_ACCOUNTS',
    100_000,
    [1, 10_000_000],
    'accounts of one app whose tokens were all revoked and might not have ended yet; each takes 300 bytes in every process',
  ),

  defaultTtl: limit('PUSH_MESSAGE_TTL', 7 * DAY, [1, YEAR], 'time to live of a message', SECONDS),
  maximumTtl: limit('PUSH_MESSAGE_TTL_MAX', 28 * DAY, [1, YEAR], 'longest time to live of a message', SECONDS),
  payloadBytes: limit('PUSH_MAX_PAYLOAD', 256 * KIB, [1, 16 * MIB], 'largest payload', BYTES),

  privateMessages: limit('PUSH_MAX_PENDING_MESSAGES', 1_000, [1, 30_000], 'messages that wait for one device'),
  privateBytes: limit('PUSH_MAX_PENDING_BYTES', 4 * MIB, [1, GIB], 'payload bytes that wait for one device'),
  webPushMessages: limit(
    'PUSH_MAX_WEB_PUSH',
    100,
    [1, 10_000],
    'Web Push messages that wait for one device, beside its other messages',
  ),
  webPushBytes: limit(
    'PUSH_MAX_WEB_PUSH_BYTES',
    4 * KIB,
    // RFC 8030 section 7.2: a push service takes that much.
    [4 * KIB, MIB],
    'largest body of a Web Push message',
    BYTES,
  ),
  webPushRequests: limit(
    'PUSH_MAX_WEB_PUSH_REQUESTS',
    60,
    [0, 1_000_000],
    'Web Push messages a minute through one endpoint',
    ZERO_IS_NONE,
  ),
  broadcastMessages: limit('PUSH_MAX_BROADCASTS', 10_000, [1, 1_000_000], 'messages in the broadcast log of an app'),
  broadcastBytes: limit(
    'PUSH_MAX_BROADCAST_BYTES',
    64 * MIB,
    [1, 16 * GIB],
    'payload bytes in the broadcast log of an app',
  ),
  retainedBroadcasts: limit(
    'PUSH_MAX_RETAINED_BROADCASTS',
    1_000,
    [1, 100_000],
    'different retained broadcasts of an app',
  ),
  upstreamMessages: limit(
    'PUSH_MAX_UPSTREAM',
    1_000_000,
    [100, 100_000_000],
    'unread messages in the upstream log of an app',
  ),
  upstreamBytes: limit(
    'PUSH_MAX_UPSTREAM_BYTES',
    256 * MIB,
    [MIB, 16 * GIB],
    'payload bytes in the upstream log of an app',
    BYTES,
  ),
  eventMessages: limit(
    'PUSH_MAX_EVENTS',
    1_000_000,
    [100, 100_000_000],
    'events in the event log of an app that a reader has not passed',
  ),
  eventBytes: limit(
    'PUSH_MAX_EVENT_BYTES',
    256 * MIB,
    [MIB, 16 * GIB],
    'payload bytes in the event log of an app',
    BYTES,
  ),
  upstreamRetained: limit('PUSH_MAX_RETAINED_UPSTREAM', 100, [1, 10_000], 'retained upstream messages of a device'),
  dedupeMs: limit('PUSH_DEDUPE_WINDOW', DAY, [1, YEAR], 'how long a message id is remembered', SECONDS_TO_MS),
  lateAckMs: limit(
    'PUSH_LATE_ACK',
    30,
    [0, 3600],
    'a message that expired can still be acknowledged for so long, where its end is told of (an id of the provider, a receipt)',
    SECONDS_TO_MS,
  ),
  deviceHoldMs: limit(
    'PUSH_DEVICE_HOLD',
    28 * DAY,
    [0, 10 * YEAR],
    'how long after the end of its newest token an account keeps its device',
    SECONDS_TO_MS,
  ),
  sweepMs: limit(
    'PUSH_SWEEP',
    60,
    [1, 3600],
    'pause between two sweeps that take what has expired out of the store',
    SECONDS_TO_MS,
  ),

  cachedTokens: limit(
    'PUSH_CACHED_TOKENS',
    50_000,
    [100, 10_000_000],
    'token ids that the embedded store keeps in memory, some 500 bytes each',
  ),
  diskCalls: limit('PUSH_MAX_DISK_CALLS', 100_000, [100, 10_000_000], 'calls that wait for the disk at one time'),
  diskBytes: limit('PUSH_MAX_DISK_BYTES', 64 * MIB, [MIB, 16 * GIB], 'bytes held by calls that wait for the disk'),
  redisCalls: limit('PUSH_MAX_REDIS_CALLS', 20_000, [100, 10_000_000], 'calls that wait for Redis at one time'),
  redisBytes: limit('PUSH_MAX_REDIS_BYTES', 64 * MIB, [MIB, 16 * GIB], 'bytes held by calls that wait for Redis'),
  redisTimeoutMs: limit(
    'PUSH_REDIS_TIMEOUT',
    2,
    [1, 60],
    'calls are given up when Redis answers nothing for this time',
    SECONDS_TO_MS,
  ),
  redisOpenMs: limit(
    'PUSH_REDIS_OPEN_TIMEOUT',
    10,
    [1, 600],
    'a start ends when Redis is not ready within this time',
    SECONDS_TO_MS,
  ),
  redisProbeMs: limit(
    'PUSH_REDIS_PROBE',
    5,
    [1, 600],
    'pause between two probes of what Redis delivers, and two looks at the secrets in it',
    SECONDS_TO_MS,
  ),

  window: limit('PUSH_WINDOW', 20, [1, 1_000], 'unacknowledged messages to one device or user'),
  providerWindow: limit('PUSH_PROVIDER_WINDOW', 256, [1, 10_000], 'unacknowledged messages to one provider'),
  readBytes: limit(
    'PUSH_MAX_READ',
    MIB,
    [1, GIB],
    'payload bytes that one read of a log brings to a device; one message always fits',
  ),
  commitMs: limit(
    'PUSH_COMMIT_INTERVAL',
    10,
    [1, 10_000],
    'pause between two writes of what devices have acknowledged',
    MS,
  ),
  retryMs: limit(
    'PUSH_RETRY_INTERVAL',
    500,
    [10, 60_000],
    'pause before the log of a device is read again that could not be read',
    MS,
  ),
  sessionRecheckMs: limit(
    'PUSH_SESSION_RECHECK',
    30,
    [1, 3600],
    'every connected device is looked at again within this time, whatever wake was lost',
    SECONDS_TO_MS,
  ),
  subscriptions: limit('PUSH_MAX_SUBSCRIPTIONS', 100, [1, 10_000], 'subscriptions of one client'),
  receiveMaximum: limit('PUSH_RECEIVE_MAXIMUM', 64, [1, 65_535], 'unacknowledged messages from one client'),
  sessionExpiry: limit('PUSH_SESSION_EXPIRY_MAX', 0, [0, 10 * YEAR], 'longest Session Expiry Interval', {
    ...SECONDS,
    ...ZERO_IS_NONE,
  }),
  queuedMessages: limit('PUSH_MAX_QUEUED', 1_000, [1, 65_535], 'messages held in memory for one user'),
  queuedBytes: limit('PUSH_MAX_QUEUED_BYTES', 4 * MIB, [1, GIB], 'payload bytes held in memory for one user'),
  queuedBytesInAll: limit(
    'PUSH_MAX_QUEUED_BYTES_IN_ALL',
    256 * MIB,
    [MIB, 64 * GIB],
    'bytes held in memory for all users of a process; whoever holds most gives way',
  ),
  storedMessages: limit(
    'PUSH_MAX_STORED',
    10_000,
    [1, 10_000_000],
    'messages stored for one session of a user, or one shared subscription of users',
  ),
  storedBytes: limit(
    'PUSH_MAX_STORED_BYTES',
    64 * MIB,
    [KIB, 16 * GIB],
    'payload bytes stored for one session of a user',
    BYTES,
  ),
  topicAliases: limit('PUSH_TOPIC_ALIASES', 16, [0, 65_535], 'topic aliases made for one client that takes them'),
  topicAliasMaximum: limit('PUSH_TOPIC_ALIAS_MAXIMUM', 10, [0, 65_535], 'topic aliases taken from one client'),

  connections: limit('PUSH_MAX_CONNECTIONS', 100_000, [1, 10_000_000], 'connections in all, MQTT and HTTP'),
  connectionsPerAddress: limit(
    'PUSH_MAX_CONNECTIONS_PER_ADDRESS',
    0,
    [0, 10_000_000],
    'connections from one address, or IPv6 network of 64 bits',
    ZERO_IS_NONE,
  ),
  connectTimeoutMs: limit(
    'PUSH_CONNECT_TIMEOUT',
    10,
    [1, 600],
    'time from a connection to its CONNECT, and from there to its answer',
    SECONDS_TO_MS,
  ),
  stallTimeoutMs: limit(
    'PUSH_STALL_TIMEOUT',
    30,
    [1, 3600],
    'a client that takes no byte of what waits for it for this long is disconnected',
    SECONDS_TO_MS,
  ),
  idleTimeoutMs: limit(
    'PUSH_IDLE_TIMEOUT',
    0,
    [0, YEAR],
    'a client without keep alive that sends nothing for this long is disconnected',
    { ...SECONDS_TO_MS, ...ZERO_IS_NONE },
  ),
  outputHighWater: limit(
    'PUSH_MAX_OUTPUT',
    64 * KIB,
    [KIB, GIB],
    'bytes that wait for a slow reader before deliveries to it pause',
  ),
  maximumPacketSize: limit(
    'PUSH_MAX_PACKET',
    320 * KIB,
    [128, 64 * MIB],
    'largest MQTT packet of a client, fixed header included',
    BYTES,
  ),
  // It comes from somebody who is not known yet.
  maximumConnectSize: limit('PUSH_MAX_CONNECT', 128 * KIB, [128, 64 * MIB], 'largest CONNECT', BYTES),
  // MQTT obliges a server to take 23.
  clientIdBytes: limit('PUSH_MAX_CLIENT_ID', KIB, [23, 65_535], 'longest client id', BYTES),
  // Aedes' matcher takes no more, so that the gate need not either.
  topicLevels: limit('PUSH_MAX_TOPIC_LEVELS', 100, [8, 100], 'levels of a topic or filter, empty ones included'),
  topicBytes: limit('PUSH_MAX_TOPIC_BYTES', 4 * KIB, [512, 65_535], 'bytes of a topic or filter'),
  connectsPerAddress: limit(
    'PUSH_MAX_CONNECTS_PER_ADDRESS',
    0,
    [0, 10_000_000],
    'connects a minute from one address, or IPv6 network of 64 bits',
    ZERO_IS_NONE,
  ),
  connectsPerToken: limit(
    'PUSH_MAX_CONNECTS_PER_TOKEN',
    300,
    [0, 1_000_000],
    'connects a minute with one token id',
    ZERO_IS_NONE,
  ),
  devicePublishes: limit(
    'PUSH_MAX_DEVICE_PUBLISHES',
    100,
    [0, 1_000_000],
    'publishes a second of one device, ten times as many at once',
    ZERO_IS_NONE,
  ),
  providerPublishes: limit(
    'PUSH_MAX_PROVIDER_PUBLISHES',
    0,
    [0, 10_000_000],
    'MQTT publishes a second of one provider, ten times as many at once',
    ZERO_IS_NONE,
  ),
  providerUnderWay: limit(
    'PUSH_MAX_PROVIDER_UNDER_WAY',
    8,
    [1, 100_000],
    'messages of one provider that a process stores at one time, over HTTP and MQTT, while other providers publish as well; the rest waits',
  ),
  work: limit(
    'PUSH_MAX_WORK',
    1_000_000,
    [0, 1_000_000_000],
    'units of work a second for the packets of one session, or the HTTP requests of one provider or device; a second of them at once',
    ZERO_IS_NONE,
  ),

  // The largest payload as base64, or 1,000 tokens, and room to spare.
  bodyBytes: limit('PUSH_MAX_BODY', MIB, [KIB, 64 * MIB], 'largest HTTP request body', BYTES),
  headerBytes: limit('PUSH_MAX_HEADERS', 16 * KIB, [KIB, MIB], 'largest HTTP request line with all headers', BYTES),
  requestTimeoutMs: limit(
    'PUSH_REQUEST_TIMEOUT',
    30,
    [1, 3600],
    'time to send the headers, and the whole of an HTTP request',
    SECONDS_TO_MS,
  ),
  requestsPerMinute: limit(
    'PUSH_MAX_REQUESTS',
    0,
    [0, 10_000_000],
    'HTTP requests a minute from one address',
    ZERO_IS_NONE,
  ),
  tokenRequests: limit(
    'PUSH_MAX_TOKEN_REQUESTS',
    60,
    [0, 1_000_000],
    'tokens a minute for one device that renews, one account of an identity provider, or one enrolment code',
    ZERO_IS_NONE,
  ),
  tokens: limit('PUSH_MAX_TOKENS', 1_000, [1, 10_000], 'tokens that one HTTP request may name'),
  keys: limit('PUSH_MAX_KEYS', 10_000, [1, 100_000], 'provider keys that the store keeps'),
  webhooks: limit('PUSH_MAX_WEBHOOKS', 100, [1, 10_000], 'webhooks of one provider'),
  webhooksInAll: limit(
    'PUSH_MAX_WEBHOOKS_IN_ALL',
    10_000,
    [1, 100_000],
    'webhooks of all providers; each takes a kilobyte in every process',
  ),
  webhookCalls: limit(
    'PUSH_MAX_WEBHOOK_CALLS',
    32,
    [1, 10_000],
    'calls to receivers of webhooks that a process has under way',
  ),
  webhookCallsOfProvider: limit(
    'PUSH_MAX_PROVIDER_WEBHOOK_CALLS',
    8,
    [1, 10_000],
    'calls to receivers of the webhooks of one provider that a process has under way',
  ),
  webhookBytes: limit(
    'PUSH_MAX_WEBHOOK_BYTES',
    256 * KIB,
    [1, 16 * MIB],
    'payload bytes in one call to a receiver of a webhook; one event always fits',
  ),
  webhookTimeoutMs: limit(
    'PUSH_WEBHOOK_TIMEOUT',
    15,
    [1, 60],
    'time for one call to a receiver of a webhook, from the look-up of its name to the end of its answer',
    SECONDS_TO_MS,
  ),
  lookupMessages: limit('PUSH_MAX_LOOKUP', 100, [1, 10_000], 'messages in one answer to a lookup'),
  lookupBytes: limit(
    'PUSH_MAX_LOOKUP_BYTES',
    MIB,
    [1, GIB],
    'payload bytes read from each log for one answer to a lookup; one message always fits',
  ),
  lookupScan: limit(
    'PUSH_MAX_LOOKUP_SCAN',
    2_000,
    [1, 1_000_000],
    'broadcasts that one lookup goes through in search of those for its version',
  ),
  // nginx gives up after 60.
  waitSeconds: limit('PUSH_MAX_WAIT', 50, [0, 600], 'longest wait of a long poll', SECONDS),
  waiting: limit('PUSH_MAX_WAITING', 10_000, [0, 1_000_000], 'long polls and streams at one time'),
  waitingPerToken: limit(
    'PUSH_MAX_WAITING_PER_TOKEN',
    4,
    [1, 1_000],
    'long polls and streams at one time with one token, or of one consumer of events; the oldest is ended to make room',
  ),
  streamCommentMs: limit(
    'PUSH_STREAM_COMMENT',
    20,
    [1, 600],
    'a stream is quiet for no longer: it writes a comment, so that no proxy takes it for dead',
    SECONDS_TO_MS,
  ),
  streamBytes: limit(
    'PUSH_MAX_STREAM_BYTES',
    64 * MIB,
    [MIB, 64 * GIB],
    'bytes of all streams that their clients have not taken yet; beyond it, those are closed that have waited longest',
    BYTES,
  ),
  longPollRecheckMs: limit(
    'PUSH_LONG_POLL_RECHECK',
    10,
    [1, 600],
    'a long poll or stream looks again after this time, whatever wake was lost',
    SECONDS_TO_MS,
  ),

  consoleIdleMs: limit(
    'PUSH_CONSOLE_IDLE',
    1800,
    [60, DAY],
    'a session of the console that nobody uses ends after this time',
    SECONDS_TO_MS,
  ),
  consoleSessionMs: limit(
    'PUSH_CONSOLE_SESSION',
    DAY / 2,
    [60, 30 * DAY],
    'a session of the console ends after this time, also where it is used',
    SECONDS_TO_MS,
  ),
  consoleSessions: limit(
    'PUSH_MAX_CONSOLE_SESSIONS',
    100,
    [1, 1_000],
    'sessions of the console at one time; beyond it, the one that would end first goes',
  ),
  signIns: limit('PUSH_MAX_SIGN_INS', 10, [1, 10_000], 'attempts a minute to sign in to the console from one address'),
} as const satisfies Record<string, Limit>

export type LimitName = keyof typeof LIMITS
/** In the unit of the option. */
export type Limits = { readonly [N in LimitName]: number }

export const LIMIT_NAMES = Object.keys(LIMITS) as readonly LimitName[]

export const DEFAULT_LIMITS: Limits = Object.freeze(
  limitsFrom((name) => LIMITS[name].default * LIMITS[name].optionFactor),
)

export function limitsFrom(valueOf: (name: LimitName) => number): Limits {
  return Object.fromEntries(LIMIT_NAMES.map((name) => [name, valueOf(name)])) as Limits
}
