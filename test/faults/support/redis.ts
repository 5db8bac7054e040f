/** The Redis servers of the faults. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  eventually,
  freePort,
  type Redis,
  type RedisOptions,
  type Scope,
  startProgram,
  startRedis,
  temporaryFolder,
} from '../../support/index.ts'

/** A command gives up after 2 s (push) or 5 s (MQTT state); with `npm run test:long` everything does that waits at all. */
export const LONGER_THAN_COMMANDS_WAIT_MS = process.env.PUSH_TEST_LONG === undefined ? 6_000 : 40_000

export interface OneRedis {
  /** As `Fault.start`. */
  start(t: Scope): Promise<Record<string, string>>
  readonly server: Redis
  cli(...args: string[]): Promise<string>
}

export function oneRedis(options: RedisOptions = {}): OneRedis {
  let server: Redis | undefined
  const started = (): Redis => server ?? missing()
  return {
    async start(t) {
      server = await startRedis(t, options)
      return { PUSH_REDIS_URL: server.url }
    },
    get server() {
      return started()
    },
    cli: (...args) => started().cli(...args),
  }
}

export interface Sentinels {
  start(t: Scope): Promise<Record<string, string>>
  readonly master: Redis
  /** The replica has all that the master has. */
  upToDate(): Promise<unknown>
  /** The replica is the master, and answers. */
  promoted(): Promise<unknown>
}

/** A master with a replica, and a Sentinel that takes 300 ms to give the master up. */
export function sentinels(): Sentinels {
  let servers: { master: Redis; replica: Redis } | undefined
  return {
    async start(t) {
      const master = await startRedis(t)
      const replica = await startRedis(t, { config: { replicaof: `${master.host} ${master.port}` } })
      servers = { master, replica }
      return { PUSH_REDIS_URL: `redis+sentinel://127.0.0.1:${await startSentinel(t, master)}/main` }
    },
    get master() {
      return (servers ?? missing()).master
    },
    upToDate() {
      const { master, replica } = servers ?? missing()
      return eventually('a replica that is up to date', async () => {
        const offset = /master_repl_offset:(\d+)/.exec(await master.cli('info', 'replication'))?.[1]
        return (
          offset !== undefined && (await replica.cli('info', 'replication')).includes(`slave_repl_offset:${offset}`)
        )
      })
    },
    promoted() {
      const { replica } = servers ?? missing()
      return eventually('a new master', async () => (await replica.cli('role')).startsWith('master'))
    },
  }
}

async function startSentinel(t: Scope, master: Redis): Promise<number> {
  const port = await freePort()
  const folder = temporaryFolder(t, 'sentinel')
  const settings = join(folder, 'sentinel.conf')
  const lines = [
    `port ${port}`,
    `dir ${folder}`,
    `sentinel monitor main ${master.host} ${master.port} 1`,
    'sentinel down-after-milliseconds main 300',
    'sentinel failover-timeout main 2000',
  ]
  writeFileSync(settings, `${lines.join('\n')}\n`)
  const sentinel = startProgram(t, 'redis-server', [settings, '--sentinel'])
  await sentinel.stdout.nextWhere((line) => line.includes('+slave'))
  return port
}

/** Every node of a Cluster says that it is whole. */
export function wholeAgain(nodes: readonly Redis[]): Promise<unknown> {
  return eventually('a whole Cluster', async () => {
    const states = await Promise.all(nodes.map((node) => node.cli('cluster', 'info')))
    return states.every((state) => state.includes('cluster_state:ok'))
  })
}

function missing(): never {
  throw new Error('the fault has not started its Redis')
}
