/**
 * Every limit of the product: its setting, default, range and unit. `createPush` takes them as `limits`, the server as
 * settings. `--help`, the checks and docs/operations.md are generated from this table.
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

/** The key is the name of the option. */
export const LIMITS = {
  defaultTokenTtl: limit('PUSH_TOKEN_TTL', 90 * DAY, [1, 10 * YEAR], 'default lifetime of a message token', SECONDS),
  maximumTokenTtl: limit(
    'PUSH_TOKEN_TTL_MAX',
    400 * DAY,
    [1, 10 * YEAR],
    'maximum lifetime of a message token',
    SECONDS,
  ),

  renewalMs: limit(
    'PUSH_RENEWAL',
    90 * DAY,
    [0, 400 * DAY],
    'how long after the last proof of its account a device may renew its own token, unless the provider sets another time',
    SECONDS_TO_MS,
  ),
  expiryGraceMs: limit(
    'PUSH_EXPIRY_GRACE',
    60,
    [0, 3600],
    'how long a connection stays open after its token has expired if the store cannot say whether there is a newer token',
    SECONDS_TO_MS,
  ),
  accountDevices: limit('PUSH_MAX_ACCOUNT_DEVICES', 1_000, [1, 10_000], 'devices of one account in an app'),
  revokedAccounts: limit(
    'PUSH_MAX_REVOKED_ACCOUNTS',
    100_000,
    [1, 10_000_000],
    'accounts of one app whose tokens were all revoked and may not have expired yet; each takes 300 bytes in every process',
  ),

  defaultTtl: limit('PUSH_MESSAGE_TTL', 7 * DAY, [1, YEAR], 'default time to live of a message', SECONDS),
  maximumTtl: limit('PUSH_MESSAGE_TTL_MAX', 28 * DAY, [1, YEAR], 'maximum time to live of a message', SECONDS),
  payloadBytes: limit('PUSH_MAX_PAYLOAD', 256 * KIB, [1, 16 * MIB], 'maximum payload size', BYTES),

  privateMessages: limit('PUSH_MAX_PENDING_MESSAGES', 1_000, [1, 30_000], 'pending messages of one device'),
  privateBytes: limit(
    'PUSH_MAX_PENDING_BYTES',
    4 * MIB,
    [1, GIB],
    'payload bytes of the pending messages of one device',
  ),
  webPushMessages: limit(
    'PUSH_MAX_WEB_PUSH',
    100,
    [1, 10_000],
    'pending Web Push messages of one device, in addition to its other messages',
  ),
  webPushBytes: limit(
    'PUSH_MAX_WEB_PUSH_BYTES',
    4 * KIB,
    // RFC 8030 section 7.2: a push service must accept at least 4 KiB.
    [4 * KIB, MIB],
    'maximum body size of a Web Push message',
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
    'distinct retained broadcasts of an app',
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
  eventMessages: limit('PUSH_MAX_EVENTS', 1_000_000, [100, 100_000_000], 'unread events in the event log of an app'),
  eventBytes: limit(
    'PUSH_MAX_EVENT_BYTES',
    256 * MIB,
    [MIB, 16 * GIB],
    'payload bytes in the event log of an app',
    BYTES,
  ),
  upstreamRetained: limit('PUSH_MAX_RETAINED_UPSTREAM', 100, [1, 10_000], 'retained upstream messages of one device'),
  dedupeMs: limit(
    'PUSH_DEDUPE_WINDOW',
    DAY,
    [1, YEAR],
    'how long a message id is remembered, to recognise duplicates',
    SECONDS_TO_MS,
  ),
  lateAckMs: limit(
    'PUSH_LATE_ACK',
    30,
    [0, 3600],
    'how long an expired message can still be acknowledged, if its end is reported (the provider set its id, or asked for a receipt)',
    SECONDS_TO_MS,
  ),
  deviceHoldMs: limit(
    'PUSH_DEVICE_HOLD',
    28 * DAY,
    [0, 10 * YEAR],
    'how long an account keeps its device after its newest token has expired',
    SECONDS_TO_MS,
  ),
  sweepMs: limit(
    'PUSH_SWEEP',
    60,
    [1, 3600],
    'interval of the sweeps that remove expired entries from the store',
    SECONDS_TO_MS,
  ),

  cachedTokens: limit(
    'PUSH_CACHED_TOKENS',
    50_000,
    [100, 10_000_000],
    'token ids that the embedded store caches in memory, about 500 bytes each',
  ),
  diskCalls: limit('PUSH_MAX_DISK_CALLS', 100_000, [100, 10_000_000], 'calls waiting for the disk at one time'),
  diskBytes: limit('PUSH_MAX_DISK_BYTES', 64 * MIB, [MIB, 16 * GIB], 'bytes held by calls waiting for the disk'),
  redisCalls: limit('PUSH_MAX_REDIS_CALLS', 20_000, [100, 10_000_000], 'calls waiting for Redis at one time'),
  redisBytes: limit('PUSH_MAX_REDIS_BYTES', 64 * MIB, [MIB, 16 * GIB], 'bytes held by calls waiting for Redis'),
  redisTimeoutMs: limit(
    'PUSH_REDIS_TIMEOUT',
    2,
    [1, 60],
    'how long Redis may be silent before waiting calls fail',
    SECONDS_TO_MS,
  ),
  redisOpenMs: limit(
    'PUSH_REDIS_OPEN_TIMEOUT',
    10,
    [1, 600],
    'how long a starting server waits for Redis to be ready',
    SECONDS_TO_MS,
  ),
  redisProbeMs: limit(
    'PUSH_REDIS_PROBE',
    5,
    [1, 600],
    'interval of the probes that check whether Redis delivers wakes, and of the checks of the secrets in Redis',
    SECONDS_TO_MS,
  ),

  window: limit('PUSH_WINDOW', 20, [1, 1_000], 'unacknowledged messages to one device or user'),
  providerWindow: limit('PUSH_PROVIDER_WINDOW', 256, [1, 10_000], 'unacknowledged messages to one provider'),
  readBytes: limit(
    'PUSH_MAX_READ',
    MIB,
    [1, GIB],
    'payload bytes that one read of a log fetches for a device; one message always fits',
  ),
  commitMs: limit(
    'PUSH_COMMIT_INTERVAL',
    50,
    [1, 10_000],
    'longest interval of the writes of acknowledgements to the store; 10 ms at most while there are few, and for messages with an id or a receipt',
    MS,
  ),
  retryMs: limit(
    'PUSH_RETRY_INTERVAL',
    500,
    [10, 60_000],
    'delay before a failed read of the log of a device is repeated',
    MS,
  ),
  sessionRecheckMs: limit(
    'PUSH_SESSION_RECHECK',
    30,
    [1, 3600],
    'time within which a lost wake is found: a node asks Redis for the number of its wakes, or reads the log of every connected device in the embedded store',
    SECONDS_TO_MS,
  ),
  subscriptions: limit('PUSH_MAX_SUBSCRIPTIONS', 100, [1, 10_000], 'subscriptions of one client'),
  receiveMaximum: limit('PUSH_RECEIVE_MAXIMUM', 64, [1, 65_535], 'unacknowledged messages from one client'),
  sessionExpiry: limit('PUSH_SESSION_EXPIRY_MAX', 0, [0, 10 * YEAR], 'maximum Session Expiry Interval', {
    ...SECONDS,
    ...ZERO_IS_NONE,
  }),
  queuedMessages: limit('PUSH_MAX_QUEUED', 1_000, [1, 65_535], 'messages held in memory for one user'),
  queuedBytes: limit('PUSH_MAX_QUEUED_BYTES', 4 * MIB, [1, GIB], 'payload bytes held in memory for one user'),
  queuedBytesInAll: limit(
    'PUSH_MAX_QUEUED_BYTES_IN_ALL',
    256 * MIB,
    [MIB, 64 * GIB],
    'bytes held in memory for all users of a process; beyond it, the largest queue is cut first',
  ),
  storedMessages: limit(
    'PUSH_MAX_STORED',
    10_000,
    [1, 10_000_000],
    'messages stored for one session of a user, or for one shared subscription of users',
  ),
  storedBytes: limit(
    'PUSH_MAX_STORED_BYTES',
    64 * MIB,
    [KIB, 16 * GIB],
    'payload bytes stored for one session of a user',
    BYTES,
  ),
  topicAliases: limit('PUSH_TOPIC_ALIASES', 16, [0, 65_535], 'topic aliases that the server assigns to one client'),
  topicAliasMaximum: limit('PUSH_TOPIC_ALIAS_MAXIMUM', 10, [0, 65_535], 'topic aliases that one client may assign'),

  connections: limit('PUSH_MAX_CONNECTIONS', 100_000, [1, 10_000_000], 'connections in total, MQTT and HTTP'),
  connectionsPerAddress: limit(
    'PUSH_MAX_CONNECTIONS_PER_ADDRESS',
    0,
    [0, 10_000_000],
    'connections from one address, or one IPv6 /64 network',
    ZERO_IS_NONE,
  ),
  connectTimeoutMs: limit(
    'PUSH_CONNECT_TIMEOUT',
    10,
    [1, 600],
    'timeout for the CONNECT packet after a connection is opened, and for the server to answer it',
    SECONDS_TO_MS,
  ),
  stallTimeoutMs: limit(
    'PUSH_STALL_TIMEOUT',
    30,
    [1, 3600],
    'how long a client may read nothing of what is buffered for it before it is disconnected',
    SECONDS_TO_MS,
  ),
  idleTimeoutMs: limit(
    'PUSH_IDLE_TIMEOUT',
    0,
    [0, YEAR],
    'how long a client without keep alive may be silent before it is disconnected',
    { ...SECONDS_TO_MS, ...ZERO_IS_NONE },
  ),
  outputHighWater: limit(
    'PUSH_MAX_OUTPUT',
    64 * KIB,
    [KIB, GIB],
    'bytes buffered for a slow reader before deliveries to it pause',
  ),
  maximumPacketSize: limit(
    'PUSH_MAX_PACKET',
    320 * KIB,
    [128, 64 * MIB],
    'maximum size of an MQTT packet from a client, with its fixed header',
    BYTES,
  ),
  // Lower than the packet limit, because the sender is not authenticated yet.
  maximumConnectSize: limit('PUSH_MAX_CONNECT', 128 * KIB, [128, 64 * MIB], 'maximum size of a CONNECT packet', BYTES),
  // MQTT requires a server to accept 23 bytes.
  clientIdBytes: limit('PUSH_MAX_CLIENT_ID', KIB, [23, 65_535], 'maximum length of a client id', BYTES),
  // The matcher of Aedes accepts no more.
  topicLevels: limit('PUSH_MAX_TOPIC_LEVELS', 100, [8, 100], 'levels of a topic or filter, including empty ones'),
  topicBytes: limit('PUSH_MAX_TOPIC_BYTES', 4 * KIB, [512, 65_535], 'bytes of a topic or filter'),
  connectsPerAddress: limit(
    'PUSH_MAX_CONNECTS_PER_ADDRESS',
    0,
    [0, 10_000_000],
    'connects a minute from one address, or one IPv6 /64 network',
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
    'publishes a second by one device; a burst may be ten times as large',
    ZERO_IS_NONE,
  ),
  providerPublishes: limit(
    'PUSH_MAX_PROVIDER_PUBLISHES',
    0,
    [0, 10_000_000],
    'MQTT publishes a second by one provider; a burst may be ten times as large',
    ZERO_IS_NONE,
  ),
  providerUnderWay: limit(
    'PUSH_MAX_PROVIDER_UNDER_WAY',
    8,
    [1, 100_000],
    'messages of one provider that a process stores at one time, over HTTP and MQTT, while other providers publish too; the rest queue',
  ),
  work: limit(
    'PUSH_MAX_WORK',
    1_000_000,
    [0, 1_000_000_000],
    'units of work a second for the packets of one session, or the HTTP requests of one provider or device; a burst may use a whole second at once',
    ZERO_IS_NONE,
  ),

  // The largest payload as base64, or 1,000 tokens, and room to spare.
  bodyBytes: limit('PUSH_MAX_BODY', MIB, [KIB, 64 * MIB], 'maximum size of an HTTP request body', BYTES),
  headerBytes: limit(
    'PUSH_MAX_HEADERS',
    16 * KIB,
    [KIB, MIB],
    'maximum size of an HTTP request line with all headers',
    BYTES,
  ),
  requestTimeoutMs: limit(
    'PUSH_REQUEST_TIMEOUT',
    30,
    [1, 3600],
    'timeout for receiving the headers, and the whole of an HTTP request',
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
    'tokens a minute issued to one renewing device, one account of an identity provider, or one enrolment code',
    ZERO_IS_NONE,
  ),
  tokens: limit('PUSH_MAX_TOKENS', 1_000, [1, 10_000], 'tokens in one HTTP request'),
  keys: limit('PUSH_MAX_KEYS', 10_000, [1, 100_000], 'provider keys in the store'),
  webhooks: limit('PUSH_MAX_WEBHOOKS', 100, [1, 10_000], 'webhooks of one provider'),
  webhooksInAll: limit(
    'PUSH_MAX_WEBHOOKS_IN_ALL',
    10_000,
    [1, 100_000],
    'webhooks of all providers together; each takes a kilobyte in every process',
  ),
  webhookCalls: limit('PUSH_MAX_WEBHOOK_CALLS', 32, [1, 10_000], 'webhook calls that a process has in flight'),
  webhookCallsOfProvider: limit(
    'PUSH_MAX_PROVIDER_WEBHOOK_CALLS',
    8,
    [1, 10_000],
    'webhook calls of one provider that a process has in flight',
  ),
  webhookBytes: limit(
    'PUSH_MAX_WEBHOOK_BYTES',
    256 * KIB,
    [1, 16 * MIB],
    'payload bytes in one webhook call; one event always fits',
  ),
  webhookTimeoutMs: limit(
    'PUSH_WEBHOOK_TIMEOUT',
    15,
    [1, 60],
    'timeout of one webhook call, from the DNS lookup to the end of the response',
    SECONDS_TO_MS,
  ),
  lookupMessages: limit('PUSH_MAX_LOOKUP', 100, [1, 10_000], 'messages in the response to one lookup'),
  lookupBytes: limit(
    'PUSH_MAX_LOOKUP_BYTES',
    MIB,
    [1, GIB],
    'payload bytes that one lookup reads from each log; one message always fits',
  ),
  lookupScan: limit(
    'PUSH_MAX_LOOKUP_SCAN',
    2_000,
    [1, 1_000_000],
    'broadcasts that one lookup scans for those that match its version',
  ),
  // nginx gives up after 60.
  waitSeconds: limit('PUSH_MAX_WAIT', 50, [0, 600], 'maximum wait of a long poll', SECONDS),
  waiting: limit('PUSH_MAX_WAITING', 10_000, [0, 1_000_000], 'open long polls and streams'),
  waitingPerToken: limit(
    'PUSH_MAX_WAITING_PER_TOKEN',
    4,
    [1, 1_000],
    'open long polls and streams of one token, or of one consumer of events; beyond it, the oldest ends',
  ),
  streamCommentMs: limit(
    'PUSH_STREAM_COMMENT',
    20,
    [1, 600],
    'interval of the comments that keep an idle stream alive through proxies',
    SECONDS_TO_MS,
  ),
  streamBytes: limit(
    'PUSH_MAX_STREAM_BYTES',
    64 * MIB,
    [MIB, 64 * GIB],
    'bytes buffered for the clients of all streams; beyond it, the streams that have been blocked longest are closed',
    BYTES,
  ),
  longPollRecheckMs: limit(
    'PUSH_LONG_POLL_RECHECK',
    10,
    [1, 600],
    'interval at which a long poll or stream checks for messages, in case a wake was lost',
    SECONDS_TO_MS,
  ),

  consoleIdleMs: limit(
    'PUSH_CONSOLE_IDLE',
    1800,
    [60, DAY],
    'how long a console session may be idle before it ends',
    SECONDS_TO_MS,
  ),
  consoleSessionMs: limit(
    'PUSH_CONSOLE_SESSION',
    DAY / 2,
    [60, 30 * DAY],
    'maximum duration of a console session, even if it is in use',
    SECONDS_TO_MS,
  ),
  consoleSessions: limit(
    'PUSH_MAX_CONSOLE_SESSIONS',
    100,
    [1, 1_000],
    'open console sessions; beyond it, the one closest to its end is closed',
  ),
  signIns: limit('PUSH_MAX_SIGN_INS', 10, [1, 10_000], 'sign-in attempts a minute at the console from one address'),
} as const satisfies Record<string, Limit>

export type LimitName = keyof typeof LIMITS
/** Values are in the units of the options. */
export type Limits = { readonly [N in LimitName]: number }

export const LIMIT_NAMES = Object.keys(LIMITS) as readonly LimitName[]

export const DEFAULT_LIMITS: Limits = Object.freeze(
  limitsFrom((name) => LIMITS[name].default * LIMITS[name].optionFactor),
)

export function limitsFrom(valueOf: (name: LimitName) => number): Limits {
  return Object.fromEntries(LIMIT_NAMES.map((name) => [name, valueOf(name)])) as Limits
}
