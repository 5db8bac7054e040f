/** Real Redis servers of the test's own: one, or a cluster of three masters. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from './ports.ts'
import { temporaryFolder } from './folders.ts'
import { type Exit, type Program, runProgram, startProgram } from './programs.ts'
import type { Scope } from './scope.ts'
import { eventually } from './waiting.ts'

export interface RedisOptions {
  /** Default `always`: what was answered is on disk. */
  readonly appendfsync?: 'always' | 'everysec' | 'no'
  /** Any other setting of redis.conf. */
  readonly config?: Record<string, string>
}

export interface Redis {
  readonly host: string
  readonly port: number
  readonly url: string
  readonly folder: string
  readonly pid: number
  readonly running: boolean
  readonly output: readonly string[]
  /** redis-cli; gives what it printed. */
  cli(...args: string[]): Promise<string>
  /** SIGKILL by default: nothing is flushed that was not already. */
  kill(signal?: NodeJS.Signals): Promise<Exit>
  /** Starts it again on the same port and folder; resolves when the data is loaded. */
  restart(): Promise<void>
  /** Freezes the process, as a machine that hangs: connections stay open and nothing is answered. */
  freeze(): void
  thaw(): void
}

export async function startRedis(t: Scope, options: RedisOptions = {}): Promise<Redis> {
  const port = await freePort()
  const folder = temporaryFolder(t, 'redis')
  const config = {
    port: String(port),
    bind: '127.0.0.1',
    dir: folder,
    daemonize: 'no',
    save: '',
    appendonly: 'yes',
    appendfsync: options.appendfsync ?? 'always',
    ...options.config,
  }
  // A file, as in production: a Sentinel writes into it what it makes of a server.
  const file = join(folder, 'redis.conf')
  writeFileSync(
    file,
    Object.entries(config)
      .map(([name, value]) => `${name} ${value === '' ? '""' : value}\n`)
      .join(''),
  )
  const lives: Program[] = []

  async function launch(): Promise<Program> {
    const program = startProgram(t, 'redis-server', [file])
    lives.push(program)
    await program.stdout.nextWhere((line) => line.includes('Ready to accept connections'))
    return program
  }

  let program = await launch()
  return {
    host: '127.0.0.1',
    port,
    url: `redis://127.0.0.1:${port}`,
    folder,
    get pid() {
      return program.pid
    },
    get running() {
      return program.running
    },
    get output() {
      return lives.flatMap((life) => life.stdout.received)
    },
    cli: (...command) => runProgram(t, 'redis-cli', ['-p', String(port), ...command]),
    kill: (signal = 'SIGKILL') => program.kill(signal),
    async restart() {
      if (program.running) await program.kill('SIGKILL')
      program = await launch()
    },
    freeze: () => void program.child.kill('SIGSTOP'),
    thaw: () => void program.child.kill('SIGCONT'),
  }
}

export interface RedisCluster {
  readonly nodes: readonly Redis[]
  /** The nodes, comma-separated, as PUSH_REDIS_URL takes them. */
  readonly url: string
}

/** Three masters that share the slots, without replicas. */
export async function startRedisCluster(t: Scope, options: RedisOptions = {}): Promise<RedisCluster> {
  const nodes: Redis[] = []
  for (let count = 0; count < 3; count += 1) {
    const config = {
      'cluster-enabled': 'yes',
      'cluster-node-timeout': '5000',
      'cluster-port': String(await freePort()),
      ...options.config,
    }
    nodes.push(await startRedis(t, { ...options, config }))
  }
  const addresses = nodes.map((node) => `${node.host}:${node.port}`)
  await runProgram(t, 'redis-cli', ['--cluster', 'create', ...addresses, '--cluster-yes'])
  await eventually('a cluster that is whole', async () => {
    const states = await Promise.all(nodes.map((node) => node.cli('cluster', 'info')))
    return states.every((state) => state.includes('cluster_state:ok') && state.includes('cluster_known_nodes:3'))
  })
  return { nodes, url: nodes.map((node) => node.url).join(',') }
}
