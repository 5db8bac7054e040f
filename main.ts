#!/usr/bin/env node
/** The server: settings in, listeners up, and down again in order. The only file that reads the environment. */
import cluster from 'node:cluster'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Aedes } from 'aedes'
import closeWithGrace, { type Options as GraceOptions } from 'close-with-grace'
import { pino, type Logger } from 'pino'
import {
  fileSecrets,
  firstFrom,
  generateProviderKey,
  loadKeysFromFile,
  loadProvidersFromFile,
  openAuth,
  providerLookup,
  type ProviderKey,
  type Secrets,
} from './auth/index.ts'
import { createRemoteBridge, DEFAULT_HTTP_LIMITS, type RemoteBridgeOptions } from './bridge/index.ts'
import { ConfigError, readConfig, type Config } from './config.ts'
import { createPush, type PushLimits } from './index.ts'
import { checkListeners, listen, portOf } from './listen.ts'
import { createMetrics } from './metrics.ts'
import { passwordFileUsers, Passwords } from './mosquitto-compat/index.ts'
import { DEFAULT_MESSAGE_LIMITS } from './store/index.ts'
import { runExport, runImport, type TransferOptions } from './transfer.ts'
import { portsOf, reportReady, sharedMetrics, signalWorkers, supervise, type Ports } from './workers.ts'

/** From SIGTERM to exit, at the most, ms. */
const GRACE_MS = 10_000
const EXIT_CONFIG = 2
const PROVIDER_KEY = 'provider.key'
/** Keys that sign and verify nothing that anybody keeps. */
const NO_SECRETS: Secrets = { secret: async (_name, create) => create() }

async function main(): Promise<void> {
  const { command, config } = readConfig(process.argv.slice(2), process.env)
  await checkFiles(config)
  // Logs go to stderr: stdout is for the one line that says ready.
  const logger = pino({ level: config.PUSH_LOG_LEVEL }, pino.destination({ fd: 2, sync: true }))
  if (command === undefined && config.PUSH_WORKERS > 1 && cluster.isPrimary) serveWithWorkers(config, logger)
  else if (command === undefined) await serve(config, logger)
  else if (command === 'bridge') await bridge(config, logger)
  else if (command === 'export') await runExport(transferOptions(config), process.stdout)
  else if (command === 'import') await runImport(transferOptions(config), process.stdin)
  else
    throw new ConfigError(
      `${JSON.stringify(command)} is not a command; run without one for the server, or with 'bridge', 'export' or 'import'`,
    )
}

function transferOptions(config: Config): TransferOptions {
  return { config, limits: limitsOf(config), say: (line) => void process.stderr.write(`aedes-push: ${line}\n`) }
}

/** The files that settings name are looked at before anything starts: what is wrong in them is a wrong setting. */
async function checkFiles(config: Config): Promise<void> {
  checkListeners(config)
  const { PUSH_PROVIDER_KEY: key, PUSH_KEYS_FILE: keys } = config
  const given = key === undefined ? [] : [{ name: 'provider', key }]
  await asSetting('PUSH_PROVIDERS_FILE', () => providerLookup([...fileProviders(config), ...given]))
  const { PUSH_PASSWORD_FILE: passwords } = config
  if (passwords !== undefined)
    await asSetting('PUSH_PASSWORD_FILE', () => new Passwords(readFileSync(passwords, 'utf8')))
  if (keys !== undefined) await asSetting('PUSH_KEYS_FILE', () => loadKeysFromFile(keys))
}

async function asSetting(name: string, check: () => unknown): Promise<void> {
  try {
    await check()
  } catch (error) {
    if (error instanceof ConfigError) throw error
    throw new ConfigError(`${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

/** The level engine is one process' own: only Redis can be shared. */
function serveWithWorkers(config: Config, logger: Logger): void {
  if (config.PUSH_REDIS_URL === undefined)
    throw new ConfigError(
      'PUSH_WORKERS (--workers): more than one process needs Redis; set PUSH_REDIS_URL, or workers to 1',
    )
  const stop = supervise({ workers: config.PUSH_WORKERS, logger, ready: announce })
  const hasTls = config.PUSH_TLS_CERT !== undefined
  closeWithGrace(endings(hasTls ? () => signalWorkers('SIGHUP') : undefined), async () => {
    process.exitCode = await stop()
  })
}

function announce(ports: Ports): void {
  const named = Object.entries(ports).map(([listener, port]) => `${listener}=${port}`)
  process.stdout.write(`ready ${named.join(' ')}\n`)
}

/** SIGHUP takes the TLS files anew where there are some, and otherwise ends the server like a terminal that closes. */
function endings(reload: (() => void) | undefined): GraceOptions {
  if (reload === undefined) return { delay: GRACE_MS, logger: false }
  process.on('SIGHUP', reload)
  return { delay: GRACE_MS, logger: false, skip: ['SIGHUP'] }
}

async function serve(config: Config, logger: Logger): Promise<void> {
  const push = await createPush({
    dataDir: config.PUSH_DATA_DIR,
    providers: (secrets) => providersOf(config, logger, secrets),
    ...(config.PUSH_REDIS_URL === undefined
      ? {}
      : { redisUrl: config.PUSH_REDIS_URL, redisPrefix: config.PUSH_REDIS_PREFIX }),
    algorithm: config.PUSH_TOKEN_ALGORITHM,
    ...(config.PUSH_KEYS_FILE === undefined ? {} : { keysFile: config.PUSH_KEYS_FILE }),
    issuer: config.PUSH_TOKEN_ISSUER,
    audience: config.PUSH_TOKEN_AUDIENCE,
    tokenTtl: { default: config.PUSH_TOKEN_TTL, maximum: config.PUSH_TOKEN_TTL_MAX },
    limits: limitsOf(config),
    logger,
    ...(cluster.isWorker ? { metricsText: ({ registry }) => sharedMetrics(registry) } : {}),
  })
  await Aedes.createBroker(push.aedesOptions(usersOf(config, logger)))
  const wanted = portsOf(process.env, {
    mqtt: config.PUSH_MQTT_PORT,
    http: config.PUSH_HTTP_PORT,
    mqtts: config.PUSH_MQTTS_PORT,
    https: config.PUSH_HTTPS_PORT,
  })
  const listening = await listen(push, config, wanted, logger)
  closeWithGrace(endings(listening.reload), async ({ err, signal }) => {
    if (err !== undefined) logger.fatal({ err }, 'stopping after an error that nobody handled')
    else logger.info({ signal }, 'stopping')
    await listening.close()
    await push.close()
  })
  if (cluster.isWorker) reportReady(listening.ports)
  else announce(listening.ports)
}

/** Users besides devices and providers; without a file there are none. */
function usersOf({ PUSH_PASSWORD_FILE: path }: Config, logger: Logger) {
  if (path === undefined) return {}
  const broken = (error: unknown) =>
    logger.error({ err: error }, 'the password file cannot be read, its former users stay')
  return passwordFileUsers({ path, broken, now: () => performance.now() })
}

/** HTTP apart from the broker: publishes into the MQTT broker of `PUSH_BROKER_URL`. */
async function bridge(config: Config, logger: Logger): Promise<void> {
  if (config.PUSH_BROKER_URL === undefined)
    throw new ConfigError('PUSH_BROKER_URL (--broker-url): set it to the MQTT broker to publish to')
  if (config.PUSH_PROVIDER_KEY === undefined)
    throw new ConfigError('PUSH_PROVIDER_KEY (--provider-key): set it to the key that callers present')
  const metrics = createMetrics()
  const http = createRemoteBridge({
    auth: await bridgeAuth(config, logger),
    upstream: upstreamOf(config.PUSH_BROKER_URL, config),
    metrics,
    limits: { ...DEFAULT_HTTP_LIMITS, ...DEFAULT_MESSAGE_LIMITS, ...limitsOf(config) },
    logger,
  })
  if (config.PUSH_HTTP_PORT === 'off')
    throw new ConfigError('PUSH_HTTP_PORT (--http-port): "off" leaves the bridge nothing to serve; set a port')
  await http.listen({ host: config.PUSH_HOST, port: config.PUSH_HTTP_PORT })
  closeWithGrace({ delay: GRACE_MS, logger: false }, () => http.close())
  process.stdout.write(`ready http=${portOf(http.server)}\n`)
}

/** Message tokens can be read where the server's keys are at hand; without them, callers name token ids. */
async function bridgeAuth(config: Config, logger: Logger): Promise<RemoteBridgeOptions['auth']> {
  const directory = join(config.PUSH_DATA_DIR, 'keys')
  const hasKeys = config.PUSH_KEYS_FILE !== undefined || existsSync(directory)
  const auth = await openAuth({
    secrets: hasKeys ? fileSecrets(directory, { warn: (message) => logger.warn(message) }) : NO_SECRETS,
    providers: await providersOf(config, logger),
    algorithm: config.PUSH_TOKEN_ALGORITHM,
    keysFile: config.PUSH_KEYS_FILE,
    issuer: config.PUSH_TOKEN_ISSUER,
    audience: config.PUSH_TOKEN_AUDIENCE,
  })
  if (!hasKeys) return { provider: (key) => auth.provider(key) }
  return auth
}

/** Credentials of the URL, or those of a provider. */
function upstreamOf(address: string, config: Config): RemoteBridgeOptions['upstream'] {
  const url = new URL(address)
  const username = url.username === '' ? 'provider' : decodeURIComponent(url.username)
  const password = url.username === '' ? config.PUSH_PROVIDER_KEY : decodeURIComponent(url.password)
  url.username = ''
  url.password = ''
  return { url: url.href, username, password, protocolVersion: config.PUSH_BROKER_PROTOCOL === '3.1.1' ? 4 : 5 }
}

/** The provider of `PUSH_PROVIDER_KEY`, or of the generated key, and those of the file. */
async function providersOf(config: Config, logger: Logger, shared?: Secrets): Promise<ProviderKey[]> {
  const key = config.PUSH_PROVIDER_KEY ?? (await generatedKey(config, logger, shared))
  return [{ name: 'provider', key }, ...fileProviders(config)]
}

function fileProviders({ PUSH_PROVIDERS_FILE: path }: Config): ProviderKey[] {
  return path === undefined ? [] : loadProvidersFromFile(path)
}

/** In `provider.key` of the data directory; nodes that share a Redis share one, and each has it in its file. */
async function generatedKey(config: Config, logger: Logger, shared: Secrets | undefined): Promise<string> {
  const files = fileSecrets(config.PUSH_DATA_DIR, { warn: (message) => logger.warn(message) })
  if (config.PUSH_REDIS_URL === undefined || shared === undefined)
    return await files.secret(PROVIDER_KEY, generateProviderKey)
  const key = await firstFrom(files, shared).secret(PROVIDER_KEY, generateProviderKey)
  const inFile = await files.secret(PROVIDER_KEY, () => key)
  if (inFile !== key)
    logger.warn('provider.key in the data directory is not the provider key that is in Redis; the one in Redis counts')
  return key
}

function limitsOf(config: Config): Partial<PushLimits> {
  return {
    payloadBytes: config.PUSH_MAX_PAYLOAD,
    defaultTtl: Math.min(config.PUSH_MESSAGE_TTL, config.PUSH_MESSAGE_TTL_MAX),
    maximumTtl: config.PUSH_MESSAGE_TTL_MAX,
    privateMessages: config.PUSH_MAX_PENDING_MESSAGES,
    privateBytes: config.PUSH_MAX_PENDING_BYTES,
    broadcastMessages: config.PUSH_MAX_BROADCASTS,
    broadcastBytes: config.PUSH_MAX_BROADCAST_BYTES,
    retainedBroadcasts: config.PUSH_MAX_RETAINED_BROADCASTS,
    dedupeMs: config.PUSH_DEDUPE_WINDOW * 1000,
    window: config.PUSH_WINDOW,
    connections: config.PUSH_MAX_CONNECTIONS,
    connectionsPerAddress: config.PUSH_MAX_CONNECTIONS_PER_ADDRESS,
    connectsPerAddress: config.PUSH_MAX_CONNECTS_PER_ADDRESS,
    connectsPerToken: config.PUSH_MAX_CONNECTS_PER_TOKEN,
    devicePublishes: config.PUSH_MAX_DEVICE_PUBLISHES,
    providerPublishes: config.PUSH_MAX_PROVIDER_PUBLISHES,
    maximumConnectSize: config.PUSH_MAX_CONNECT,
    work: config.PUSH_MAX_WORK,
    topicLevels: config.PUSH_MAX_TOPIC_LEVELS,
    topicBytes: config.PUSH_MAX_TOPIC_BYTES,
    idleTimeoutMs: config.PUSH_IDLE_TIMEOUT * 1000,
    connectTimeoutMs: config.PUSH_CONNECT_TIMEOUT * 1000,
    stallTimeoutMs: config.PUSH_STALL_TIMEOUT * 1000,
    outputHighWater: config.PUSH_MAX_OUTPUT,
    maximumPacketSize: config.PUSH_MAX_PACKET,
    queuedMessages: config.PUSH_MAX_QUEUED,
    queuedBytes: config.PUSH_MAX_QUEUED_BYTES,
    storedMessages: config.PUSH_MAX_STORED,
    topicAliases: config.PUSH_TOPIC_ALIASES,
    topicAliasMaximum: config.PUSH_TOPIC_ALIAS_MAXIMUM,
    subscriptions: config.PUSH_MAX_SUBSCRIPTIONS,
    receiveMaximum: config.PUSH_RECEIVE_MAXIMUM,
    sessionExpiry: config.PUSH_SESSION_EXPIRY_MAX === 0 ? Number.POSITIVE_INFINITY : config.PUSH_SESSION_EXPIRY_MAX,
    sweepMs: config.PUSH_SWEEP * 1000,
    bodyBytes: config.PUSH_MAX_BODY,
    waitSeconds: config.PUSH_MAX_WAIT,
    waiting: config.PUSH_MAX_WAITING,
    requestsPerMinute: config.PUSH_MAX_REQUESTS,
  }
}

main().catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error)
  process.stderr.write(`aedes-push: ${message}\n`)
  process.exit(error instanceof ConfigError ? EXIT_CONFIG : 1)
})
