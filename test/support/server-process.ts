/** The server as its users run it: a process of its own. For tests of signals, kills, memory and what it prints. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from './folders.ts'
import { freePort } from './ports.ts'
import { type Exit, type Program, startProgram } from './programs.ts'
import { MAIN } from './root.ts'
import type { Scope } from './scope.ts'
import type { Server, ServerOptions } from './server.ts'
import { eventually } from './waiting.ts'

export interface ServerProcessOptions extends ServerOptions {
  /** Flags of Node itself, such as `--max-old-space-size=64`. */
  readonly nodeFlags?: readonly string[]
}

export interface ServerProcess extends Server {
  readonly pid: number
  readonly running: boolean
  /** Lines on standard output, over all its lives. */
  readonly output: readonly string[]
  /** The end of the process that runs now. */
  readonly exited: Promise<Exit>
  /** Sends a signal (default SIGKILL) and awaits the end. */
  kill(signal?: NodeJS.Signals): Promise<Exit>
}

function parseReady(line: string): Record<string, number> | undefined {
  if (!line.startsWith('ready ')) return undefined
  return Object.fromEntries([...line.matchAll(/([a-z]+)=(\d+)/g)].map(([, name, port]) => [name, Number(port)]))
}

async function untilReady(program: Program): Promise<Record<string, number>> {
  for (;;) {
    const ports = parseReady(await program.stdout.next())
    if (ports !== undefined) return ports
  }
}

export async function startServerProcess(t: Scope, options: ServerProcessOptions = {}): Promise<ServerProcess> {
  const dataDir = options.dataDir ?? temporaryFolder(t, 'data')
  const args = [...(options.nodeFlags ?? []), MAIN, ...(options.flags ?? [])]
  const lives: Program[] = []
  let settings: Record<string, string> = {}
  let ports: Record<string, number> = {}
  let program: Program

  async function launch(): Promise<void> {
    program = startProgram(t, process.execPath, args, { env: settings, cwd: dataDir })
    lives.push(program)
    ports = await untilReady(program)
  }

  async function firstLaunch(triesLeft: number): Promise<void> {
    settings = {
      PUSH_DATA_DIR: dataDir,
      PUSH_MQTT_PORT: String(await freePort()),
      PUSH_HTTP_PORT: String(await freePort()),
      ...options.settings,
    }
    try {
      await launch()
    } catch (error) {
      // Another test may have taken the port between our look and the server's.
      if (triesLeft === 0 || !program.stderr.some((line) => /EADDRINUSE|in use/.test(line))) throw error
      await firstLaunch(triesLeft - 1)
    }
  }

  await firstLaunch(3)

  const server: ServerProcess = {
    host: settings.PUSH_HOST ?? '127.0.0.1',
    get mqttPort() {
      return ports.mqtt ?? missing('mqtt')
    },
    get httpPort() {
      return ports.http ?? missing('http')
    },
    get ports() {
      return ports
    },
    dataDir,
    get providerKey() {
      return settings.PUSH_PROVIDER_KEY ?? readFileSync(join(dataDir, 'provider.key'), 'utf8').trim()
    },
    get pid() {
      return program.pid
    },
    get running() {
      return program.running
    },
    get logs() {
      return lives.flatMap((life) => life.stderr)
    },
    get output() {
      return lives.flatMap((life) => life.stdout.received)
    },
    get exited() {
      return program.exited
    },
    kill: (signal = 'SIGKILL') => program.kill(signal),
    stop: async () => (await program.kill('SIGTERM')).code,
    async restart(changed = {}) {
      if (program.running) await server.stop()
      // Port 0 gave a port once; what comes back must be where it was.
      settings = { ...settings, PUSH_MQTT_PORT: String(ports.mqtt), PUSH_HTTP_PORT: String(ports.http), ...changed }
      await launch()
    },
    waitForLog: (fits) => eventually(`a log line ${fits}`, () => server.logs.find((line) => fits.test(line))),
  }
  return server
}

function missing(name: string): never {
  throw new Error(`the ready line of the server names no ${name} port`)
}
