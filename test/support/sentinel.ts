/** Redis as Sentinels watch it: a master, replicas, and three Sentinels who agree on the next master. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from './folders.ts'
import { freePort } from './ports.ts'
import { runProgram, startProgram } from './programs.ts'
import { type Redis, type RedisOptions, startRedis } from './redis.ts'
import type { Scope } from './scope.ts'
import { eventually } from './waiting.ts'

/**
 * How a master is lost: its process ends; its machine stands still, and comes back in the belief that it is the master;
 * or an operator has another one, as docs/redis.md says to.
 */
export type Failover = 'killed' | 'frozen' | 'planned'

export interface SentinelOptions extends RedisOptions {
  /** Default 2: with one left, the new master still has a replica that it can write to. */
  readonly replicas?: number
}

export interface SentinelRedis {
  /** As PUSH_REDIS_URL takes it. */
  readonly url: string
  readonly servers: readonly Redis[]
  /** Who the Sentinels say is the master. */
  master(): Promise<Redis>
  /** Resolves when there is another master. */
  failOver(how: Failover): Promise<void>
  /** Brings the master that was lost last back. */
  bringBack(): Promise<void>
  /** Resolves when every server follows the present master; the Sentinels take some ten seconds for one that came back. */
  untilWhole(): Promise<void>
}

const NAME = 'main'
const SENTINELS = 3
const QUORUM = 2
/** A master that answers nothing for this long is down. */
const DOWN_AFTER_MS = 1_000
/** Twice this between two failovers that the Sentinels start by themselves. */
const FAILOVER_TIMEOUT_MS = 5_000
const PAUSE_MS = 5_000

export async function startSentinelRedis(t: Scope, options: SentinelOptions = {}): Promise<SentinelRedis> {
  const { replicas = 2, ...rest } = options
  const common = { 'repl-diskless-sync-delay': '0', ...rest.config }
  const first = await startRedis(t, { ...rest, config: common })
  const config = { ...common, replicaof: `${first.host} ${first.port}` }
  const others = await Promise.all(Array.from({ length: replicas }, () => startRedis(t, { ...rest, config })))
  const servers = [first, ...others]
  const ports = await Promise.all(Array.from({ length: SENTINELS }, () => startSentinel(t, first)))
  const ask = (...words: string[]) => runProgram(t, 'redis-cli', ['-p', String(ports[0]), 'sentinel', ...words])
  let lost = first

  async function master(): Promise<Redis> {
    const port = Number((await ask('get-master-addr-by-name', NAME)).split('\n')[1])
    const found = servers.find((server) => server.port === port)
    if (found === undefined) throw new Error(`the Sentinels name a master at port ${port}`)
    return found
  }

  async function whole(): Promise<boolean> {
    const now = await master()
    const states = await Promise.all(servers.map((server) => server.cli('info', 'replication')))
    return states.every((state, at) =>
      servers[at] === now
        ? new RegExp(`role:master[^]*connected_slaves:${replicas}\\b`).test(state)
        : new RegExp(`role:slave[^]*master_port:${now.port}\\b[^]*master_link_status:up`).test(state),
    )
  }

  async function known(): Promise<boolean> {
    const state = await ask('master', NAME)
    const others = new RegExp(`num-slaves\n${replicas}\n[^]*num-other-sentinels\n${SENTINELS - 1}\n`)
    return others.test(state)
  }

  await eventually('Sentinels that know each other and every replica', async () => (await known()) && (await whole()))
  return {
    url: `redis+sentinel://${ports.map((port) => `127.0.0.1:${port}`).join(',')}/${NAME}`,
    servers,
    master,
    async failOver(how) {
      lost = await master()
      if (how === 'killed') await lost.kill()
      if (how === 'frozen') lost.freeze()
      if (how === 'planned') {
        await lost.cli('client', 'pause', String(PAUSE_MS), 'write')
        await eventually('a failover', async () => /OK/.test(await ask('failover', NAME)))
      }
      await eventually('another master', async () => (await master()) !== lost)
    },
    async bringBack() {
      if (lost.running) lost.thaw()
      else await lost.restart()
    },
    async untilWhole() {
      await eventually('replicas that follow the master', whole)
    },
  }
}

/** Gives its port. */
async function startSentinel(t: Scope, { host, port: masterPort }: Redis): Promise<number> {
  const port = await freePort()
  const folder = temporaryFolder(t, 'sentinel')
  const file = join(folder, 'sentinel.conf')
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    `sentinel monitor ${NAME} ${host} ${masterPort} ${QUORUM}`,
    `sentinel down-after-milliseconds ${NAME} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${NAME} ${FAILOVER_TIMEOUT_MS}`,
    `sentinel parallel-syncs ${NAME} 2`,
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  const sentinel = startProgram(t, 'redis-server', [file, '--sentinel'])
  await sentinel.stdout.nextWhere((line) => line.includes('+monitor'))
  return port
}
