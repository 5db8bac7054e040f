/**
 * The commands that run the server or open its store: serving, the bridge, export and import. The only file that wires
 * things.
 */
import cluster from 'node:cluster'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { configOf } from './arguments.ts'
import {
  checkIssuersFile,
  fileSecrets,
  loadKeysFromFile,
  openAuth,
  createProviders,
  type Secrets,
} from '../auth/index.ts'
import type { RemoteBridgeOptions } from '../bridge/remote.ts'
import { EXIT } from './cli/command-error.ts'
import type { ServerCall } from './cli/command-line.ts'
import { type Config, ConfigError, named } from './settings.ts'
import { limitsOf, trustedProxiesOf } from './settings-fit.ts'
import type { CommandProcess, Invocation } from './command-process.ts'
import { exitCodeOf } from './ending.ts'
import { PushError } from '../errors.ts'
import { packageVersion } from '../common/package-version.ts'
import { installLastResort, type LastResort } from './last-resort.ts'
import { checkListeners, listenBridge } from './listen.ts'
import { loggerOf } from './logging.ts'
import type { LogDestination } from './logs.ts'
import { fileProviders, providersOf } from './providers.ts'
import { isReloadable, startServing } from './serve.ts'
import { DEFAULT_LIMITS } from '../common/limits.ts'
import { createMetrics, type Metrics } from '../common/metrics.ts'
import { redisFault } from '../store/index.ts'
import type { TransferOptions } from './transfer.ts'
import { checkAclFile, checkPasswordFile } from './users.ts'
import { welcomeText } from './welcome.ts'
import { joinSupervisor, signalWorkers, supervise, type Ports } from './workers.ts'

/** What every command has. */
interface Program extends Invocation {
  readonly config: Config
  readonly logger: Logger
  /** Standard error, for lines that are no log. */
  readonly say: (line: string) => void
  /** The same, for programs. */
  readonly tell: (line: string) => void
  readonly lastResort: LastResort
  /** Counts lines of log that are lost. */
  readonly countLost: (metrics: Metrics) => void
}

/** Keys that sign and verify nothing that anybody keeps. */
const NO_SECRETS: Secrets = { secret: async (_name, create) => create() }

interface Streams {
  readonly errors: LogDestination
  readonly say: Program['say']
}

export async function runServerCommand(
  call: ServerCall,
  invocation: Invocation,
  { errors, say }: Streams,
): Promise<void> {
  const { env, ending, process } = invocation
  const tell = (line: string) => errors.write(`${line}\n`)
  let config: Config | undefined
  try {
    const read = configOf(call.flags, env)
    config = read.config
    errors.maximumBytes = config.PUSH_MAX_LOG_WAITING
    const { logger, countLost } = watchedLogger(config, errors)
    for (const name of read.unknown) logger.warn({ name }, 'ignoring a variable that looks like a setting')
    const lastResort = installLastResort(process, { logger, end: () => ending.fail() })
    await runCommand(call, { ...invocation, logger, countLost, lastResort, config, say, tell })
  } catch (error) {
    say(startErrorOf(error, config))
    await ending.exit(isWrongSetting(error) ? EXIT.usage : 1)
  }
}

async function runCommand(call: ServerCall, program: Program): Promise<void> {
  const { config } = program
  await checkFiles(config, call.command)
  if (call.command === 'bridge') await bridge(program)
  else if (call.command !== undefined) await transfer(call.command, call, program)
  else if (config.PUSH_WORKERS > 1 && cluster.isPrimary) serveWithWorkers(program)
  else await serve(program)
}

/** Lines that standard error does not take are counted, and said when it takes some again. */
function watchedLogger(config: Config, destination: LogDestination): Pick<Program, 'logger' | 'countLost'> {
  const logger = loggerOf(config, destination)
  const recovered = (lines: number) => logger.warn({ lines }, 'lost log lines: standard error was blocked')
  destination.watch({ lost: () => undefined, recovered })
  const countLost = ({ logLost }: Metrics) => destination.watch({ lost: (lines) => logLost.inc(lines), recovered })
  return { logger, countLost }
}

/** Redis refuses for good what the setting says of it. */
function isWrongSetting(error: unknown): boolean {
  return error instanceof ConfigError || (error instanceof PushError && redisFault(error)?.kind === 'lasting')
}

/** A start that failed is no request: what is wrong is in the detail, and it is about a setting. */
function startErrorOf(error: unknown, config: Config | undefined): string {
  if (!(error instanceof Error)) return String(error)
  if (!(error instanceof PushError) || error.code !== 'STORE_UNAVAILABLE') return error.message
  const setting = named(config?.PUSH_REDIS_URL === undefined ? 'PUSH_DATA_DIR' : 'PUSH_REDIS_URL')
  const { cause } = error
  return `${setting}: ${error.detail ?? (cause instanceof Error ? cause.message : 'the store cannot be opened')}`
}

/** An export or import that a signal cuts short has not succeeded. */
async function transfer(
  command: Exclude<ServerCall['command'], 'bridge' | undefined>,
  { path = '', byUserName, json }: ServerCall,
  { config, say, tell, ending, process }: Program,
): Promise<void> {
  const { progressTo } = await import('./cli/progress.ts')
  const options: TransferOptions = { config, limits: limitsOf(config), say, progress: progressTo(process.stderr, say) }
  ending.onEnd(async (signal) => {
    say(`${command} was ended by ${signal ?? 'an error'} and is not finished; it can be run again`)
    return signal === undefined ? 1 : exitCodeOf(signal)
  })
  let done: object | undefined
  if (command === 'import-mosquitto') {
    const { runImportMosquitto } = await import('./import-mosquitto.ts')
    done = await runImportMosquitto({ ...options, path, byUserName })
  } else {
    const { runExport, runImport } = await import('./transfer.ts')
    if (command === 'export') {
      const exported = await runExport(options, process.stdout)
      // The export itself has standard output.
      if (json) tell(JSON.stringify(exported))
    } else done = await runImport(options, process.stdin)
  }
  if (json && done !== undefined)
    await new Promise<void>((resolve) => process.stdout.write(`${JSON.stringify(done)}\n`, () => resolve()))
  await ending.exit(0)
}

/** The files that settings name are checked before anything starts: what is wrong in them is a wrong setting. */
async function checkFiles(config: Config, command: ServerCall['command']): Promise<void> {
  if (command === undefined) checkListeners(config)
  const { PUSH_PROVIDER_KEY: key, PUSH_KEYS_FILE: keys, PUSH_ISSUERS_FILE: issuers } = config
  const given = key === undefined ? [] : [{ name: 'provider', key }]
  await asSetting('PUSH_PROVIDER_KEY', () => createProviders(given))
  await asSetting('PUSH_PROVIDERS_FILE', async () => createProviders([...(await fileProviders(config)), ...given]))
  const { PUSH_PASSWORD_FILE: passwords, PUSH_ACL_FILE: acl } = config
  if (passwords !== undefined) await asSetting('PUSH_PASSWORD_FILE', () => checkPasswordFile(passwords))
  if (acl !== undefined) await asSetting('PUSH_ACL_FILE', () => checkAclFile(acl))
  if (acl !== undefined && passwords === undefined)
    throw new ConfigError(`${named('PUSH_ACL_FILE')}: it is for users of a password file; set PUSH_PASSWORD_FILE`)
  if (keys !== undefined) await asSetting('PUSH_KEYS_FILE', () => loadKeysFromFile(keys))
  if (issuers !== undefined)
    await asSetting('PUSH_ISSUERS_FILE', () => checkIssuersFile(issuers, config.PUSH_TOKEN_ISSUER))
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
function serveWithWorkers(program: Program): void {
  const { config, logger, ending, lastResort } = program
  if (config.PUSH_REDIS_URL === undefined)
    throw new ConfigError(
      'PUSH_WORKERS (--workers): more than one process needs Redis; set PUSH_REDIS_URL, or workers to 1',
    )
  ending.onHangUp(() => (isReloadable(config) ? signalWorkers('SIGHUP') : undefined))
  const supervisor = supervise({
    workers: config.PUSH_WORKERS,
    logger,
    ready: (ports) => announceServer(program, ports),
    failed: (code) => void ending.exit(code),
  })
  ending.onEnd(() => supervisor.stop())
  lastResort.serve()
}

function announce({ stdout }: CommandProcess, ports: Ports): void {
  const listening = Object.entries(ports).map(([listener, port]) => `${listener}=${port}`)
  stdout.write(`ready ${listening.join(' ')}\n`)
}

/** Programs read the first line, and only that is there where they do; a person is told what to do with it. */
function announceServer({ process, config, program, env }: Program, ports: Ports): void {
  announce(process, ports)
  if (process.stdout.isTTY === true) process.stdout.write(welcomeText({ config, ports, program, path: env.PATH }))
}

async function serve(program: Program): Promise<void> {
  const { config, env, logger, ending, lastResort, countLost } = program
  // Until it serves, a server has nothing to lose.
  ending.abortWith(0)
  const membership = cluster.isWorker ? joinSupervisor(config.PUSH_WORKERS) : undefined
  const serving = await startServing({ config, logger, env, membership, opened: countLost })
  ending.onHangUp(serving.reload ?? (() => logger.info('SIGHUP: nothing to reload')))
  ending.onEnd(async (signal) => {
    logger.info({ signal }, 'stopping')
    await serving.close()
    return 0
  })
  lastResort.serve(serving.metrics)
  membership?.settle()
  if (membership === undefined) announceServer(program, serving.ports)
  else membership.ready(serving.ports)
}

/** HTTP apart from the broker: publishes into the MQTT broker of `PUSH_BROKER_URL`. */
async function bridge({ config, logger, ending, lastResort, countLost, process }: Program): Promise<void> {
  if (config.PUSH_BROKER_URL === undefined)
    throw new ConfigError('PUSH_BROKER_URL (--broker-url): set it to the MQTT broker to publish to')
  if (config.PUSH_PROVIDER_KEY === undefined)
    throw new ConfigError('PUSH_PROVIDER_KEY (--provider-key): set it to the key that callers present')
  ending.abortWith(0)
  const metrics = createMetrics()
  countLost(metrics)
  // With its MQTT client, which no other command needs.
  const { createRemoteBridge } = await import('../bridge/remote.ts')
  const http = createRemoteBridge({
    version: packageVersion(),
    auth: await bridgeAuth(config, logger),
    upstream: upstreamOf(config.PUSH_BROKER_URL, config),
    metrics,
    limits: { ...DEFAULT_LIMITS, ...limitsOf(config) },
    allowedHosts: config.PUSH_ALLOWED_HOSTS,
    ...trustedProxiesOf(config),
    logger,
  })
  http.server.maxConnections = config.PUSH_MAX_CONNECTIONS
  const listening = await listenBridge(http, config)
  ending.onEnd(async (signal) => {
    logger.info({ signal }, 'stopping')
    listening.close()
    await http.close()
    return 0
  })
  lastResort.serve(metrics)
  announce(process, { http: listening.port })
}

/** Message tokens can be verified if the server's keys are available; otherwise callers use token ids. */
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
  if (!hasKeys) return { provider: auth.provider, providerShown: auth.providerShown }
  return auth
}

/** Credentials of the URL, or those of a provider. */
function upstreamOf(address: string, config: Config): RemoteBridgeOptions['upstream'] {
  const url = new URL(address)
  const username = url.username === '' ? 'provider' : decodeURIComponent(url.username)
  const password = url.username === '' ? config.PUSH_PROVIDER_KEY : decodeURIComponent(url.password)
  url.username = ''
  url.password = ''
  return {
    url: url.href,
    username,
    password,
    protocolVersion: config.PUSH_BROKER_PROTOCOL === '3.1.1' ? 4 : 5,
    timeoutMs: config.PUSH_BROKER_TIMEOUT * 1000,
    reconnectMs: config.PUSH_BROKER_RECONNECT * 1000,
    window: config.PUSH_BROKER_WINDOW,
  }
}
