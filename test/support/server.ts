/** The ready server in the test's own process, as its settings make it: with its own data directory and ports. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Serving } from '../../server/serve.ts'
import { temporaryFolder } from './folders.ts'
import type { Scope } from './scope.ts'
import { eventually } from './waiting.ts'

export interface ServerOptions {
  /** Settings by their names in the environment, such as `PUSH_LOG_LEVEL`. */
  readonly settings?: Record<string, string>
  /** Flags after the program's name. */
  readonly flags?: readonly string[]
  /** Default: a folder of the test's own. */
  readonly dataDir?: string
}

export interface Server {
  readonly host: string
  readonly mqttPort: number
  readonly httpPort: number
  /** Everything that it listens on. */
  readonly ports: Readonly<Record<string, number>>
  readonly dataDir: string
  readonly providerKey: string
  /** Lines of its log, over all its lives. */
  readonly logs: readonly string[]
  /** Closes everything in order, as SIGTERM does; gives the exit code. */
  stop(): Promise<number | null>
  /** Starts again on the same ports and data directory, after `stop` when it still runs. */
  restart(settings?: Record<string, string>): Promise<void>
  /** The first log line, past or future, that fits. */
  waitForLog(fits: RegExp): Promise<string>
}

export async function startServer(t: Scope, options: ServerOptions = {}): Promise<Server> {
  const dataDir = options.dataDir ?? temporaryFolder(t, 'data')
  const logs: string[] = []
  let settings: Record<string, string> = {
    PUSH_DATA_DIR: dataDir,
    PUSH_MQTT_PORT: '0',
    PUSH_HTTP_PORT: '0',
    ...options.settings,
  }
  let serving: Serving | undefined
  let ports: Readonly<Record<string, number>> = {}

  // As the command does: what LevelDB makes is for the owner alone.
  process.umask(0o077)

  async function launch(): Promise<void> {
    // Not before it is needed: most of what a test process loads is this.
    const { readConfig } = await import('../../server/arguments.ts')
    const { loggerOf } = await import('../../server/logging.ts')
    const { startServing } = await import('../../server/serve.ts')
    const { config } = readConfig(options.flags ?? [], settings)
    if (config.PUSH_WORKERS > 1) throw new Error('workers are processes: use startServerProcess')
    const logger = loggerOf(config, { write: (line) => void logs.push(line.trimEnd()) })
    serving = await startServing({ config, logger })
    ports = serving.ports
  }

  const server: Server = {
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
    logs,
    async stop() {
      const ending = serving
      serving = undefined
      await ending?.close()
      return 0
    },
    async restart(changed = {}) {
      await server.stop()
      // Port 0 gave a port once; what comes back must be where it was.
      settings = { ...settings, PUSH_MQTT_PORT: String(ports.mqtt), PUSH_HTTP_PORT: String(ports.http), ...changed }
      await launch()
    },
    waitForLog: (fits) => eventually(`a log line ${fits}`, () => logs.find((line) => fits.test(line))),
  }
  t.teardown(() => server.stop())
  await launch()
  return server
}

function missing(name: string): never {
  throw new Error(`the server does not listen for ${name}`)
}
