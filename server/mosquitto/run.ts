/** `aedes-push mosquitto`: from its command line to a running server, and to its end. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { packageVersion } from '../../common/package-version.ts'
import {
  ALL_LOG_TYPES,
  ConfError,
  ConfErrors,
  type ConfFiles,
  type LogType,
  type MosquittoConf,
  readConf,
} from '../../mosquitto-compat/index.ts'
import type { Invocation } from '../command-process.ts'
import { ConfigError, SETTINGS } from '../settings.ts'
import { importHint } from '../import-mosquitto.ts'
import { installLastResort } from '../last-resort.ts'
import { ArgumentsError, type MosquittoArguments, readArguments, USAGE } from './arguments.ts'
import { MosquittoLog } from './log.ts'
import { dropPrivileges, PrivilegesError } from './privileges.ts'
import { writePidFile } from './pid-file.ts'
import { serveMosquitto } from './serve.ts'
import { type MosquittoSettings, readMosquittoSettings, withConf } from './settings.ts'

const EXIT_CONF = 3
const EXIT_SETTING = 2

const FILES: ConfFiles = { read: (path) => readFileSync(path), list: (folder) => readdirSync(folder) }

/** `argv`: behind `mosquitto`. */
export async function runMosquitto(argv: readonly string[], invocation: Invocation): Promise<void> {
  const { env, ending, process } = invocation
  if (argv.includes('-h') || argv.includes('--help')) return void process.stdout.write(USAGE)
  if (argv.includes('--version')) return void process.stdout.write(`mosquitto for aedes-push ${packageVersion()}\n`)
  const log = new MosquittoLog({
    stderr: process.stderr,
    stdout: process.stdout,
    maximumBytes: SETTINGS.PUSH_MAX_LOG_WAITING.default,
    linesPerMinute: SETTINGS.PUSH_MAX_LOG_LINES.default,
    now: Date.now,
    monotonic: () => performance.now(),
  })
  ending.onExit((timeoutMs) => log.flush(timeoutMs))
  process.once('exit', () => log.flushNow())
  try {
    const settings = readMosquittoSettings(env)
    const args = readArguments(argv)
    await start(args, settings, log, invocation)
  } catch (error) {
    for (const line of linesOf(error)) log.write('error', line)
    await ending.exit(exitCodeOf(error))
  }
}

async function start(
  args: MosquittoArguments,
  settings: MosquittoSettings,
  log: MosquittoLog,
  { argv, env, ending, process }: Invocation,
): Promise<void> {
  const conf = readFile(args)
  if (args.testConfig) {
    if (args.path === undefined) throw new ArgumentsError('Please provide a configuration file to test.')
    for (const warning of conf.warnings) log.write('warning', `Warning: ${warning}`)
    log.write('information', 'Configuration file is OK.')
    return await ending.exit(0)
  }
  if (args.daemon) return await goOn(argv, ending)
  ending.abortWith(0)
  const config = withConf(settings, conf)
  const hint = importHint(join(conf.persistenceLocation ?? '', conf.persistenceFile), config)
  if (conf.persistence && hint !== undefined) log.write('notice', hint)
  dropPrivileges({
    process,
    user: conf.user,
    env,
    dataDir: config.PUSH_DATA_DIR,
    say: (line) => log.write('warning', line),
  })
  const removePidFile = conf.pidFile === undefined ? undefined : writePidFile(conf.pidFile, process.pid)
  if (removePidFile !== undefined) process.once('exit', removePidFile)
  log.set(conf.log)
  log.write('information', `mosquitto for aedes-push ${packageVersion()} starting`)
  for (const warning of conf.warnings) log.write('warning', `Warning: ${warning}`)
  for (const name of settings.unknown) log.logger.warn({ name }, 'ignoring a variable that looks like a setting')
  const lastResort = installLastResort(process, { logger: log.logger, end: () => ending.fail() })
  const serving = await serveMosquitto({
    conf,
    config,
    log,
    opened: ({ logLost }) => log.watch((lines) => logLost.inc(lines)),
  })
  ending.onHangUp(() => reload(args, log, (now) => serving.set(now)))
  ending.onEnd(async () => {
    log.write('information', 'stopping')
    await serving.close()
    return 0
  })
  lastResort.serve(serving.push.metrics)
  const ports = conf.listeners.map(({ port, host }) => `mqtt=${port === 0 ? host : port}`)
  const others = Object.entries(serving.ports).map(([name, port]) => `${name}=${port}`)
  process.stdout.write(`ready ${[...new Set(ports), ...others].join(' ')}\n`)
}

/** In the background: a process of its own, which no terminal ends. */
async function goOn(argv: readonly string[], ending: Invocation['ending']): Promise<void> {
  const others = argv.filter((word) => word !== '-d' && word !== '--daemon')
  const [, main = ''] = process.argv
  const child = spawn(process.execPath, [...process.execArgv, main, ...others], { detached: true, stdio: 'ignore' })
  await once(child, 'spawn')
  child.unref()
  await ending.exit(0)
}

function readFile({ path, ports, quiet, verbose }: MosquittoArguments): MosquittoConf {
  const conf = readConf({ path, files: FILES, hostname: hostname(), ports })
  if (!quiet && !verbose) return conf
  const types = new Set<LogType>(quiet ? [] : ALL_LOG_TYPES)
  return { ...conf, log: { ...conf.log, types } }
}

/** A file that cannot be used changes nothing. */
function reload(args: MosquittoArguments, log: MosquittoLog, set: (conf: MosquittoConf) => void): void {
  log.write('information', 'Reloading config.')
  try {
    const conf = readFile(args)
    set(conf)
    log.set(conf.log)
    for (const warning of conf.warnings) log.write('warning', `Warning: ${warning}`)
  } catch (error) {
    for (const line of linesOf(error)) log.write('error', line)
    log.write('error', 'Error: The configuration stays as it was.')
  }
}

function linesOf(error: unknown): string[] {
  if (error instanceof ConfError || error instanceof ConfErrors) return error.lines
  return [`Error: ${error instanceof Error ? error.message : String(error)}`]
}

function exitCodeOf(error: unknown): number {
  if (error instanceof ConfError || error instanceof ConfErrors || error instanceof ArgumentsError) return EXIT_CONF
  if (error instanceof PrivilegesError) return EXIT_CONF
  return error instanceof ConfigError ? EXIT_SETTING : 1
}
