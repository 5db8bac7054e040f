/** Checks whether Redis accepts writes, and which of its options put a guarantee at risk. */
import type { Redis } from 'ioredis'
import type { StoreHealth } from '../contract.ts'
import { type Client, servers } from './connection.ts'
import type { Replication } from './replication.ts'
import { unavailable } from './script.ts'

const RISKS = {
  appendonly:
    'Redis keeps no append-only file (appendonly is not yes): a crash of Redis loses accepted messages, tokens and cursors.',
  appendfsync:
    'Redis does not sync to disk before it answers (appendfsync is not always): a crash loses what was accepted in about the last second.',
  policy:
    'Redis evicts keys when its memory is full (maxmemory-policy is not noeviction): messages, tokens and sessions may be lost.',
  unknown:
    'The server cannot read the options of Redis (CONFIG GET and INFO are forbidden): it cannot tell whether accepted messages survive a crash.',
  fsyncUnknown:
    'The server cannot read appendfsync from Redis (CONFIG GET is forbidden): unless it is always, a crash loses what was accepted in about the last second.',
} as const

/** Number of keys to try, enough to hit every master of a Cluster with high probability. */
const PROBES = 16
const PROBE_SECONDS = 60
const REMEMBERED_MS = 60_000

interface HealthOptions {
  readonly client: Client
  readonly connections: () => number
  readonly replication?: Replication | undefined
  /** A key of this number, anywhere in the Cluster. */
  readonly probeKey: (number: number) => string
}

export class Health {
  readonly #options: HealthOptions
  #warnings: readonly string[] = []
  #lookedAt = -Infinity

  constructor(options: HealthOptions) {
    this.#options = options
  }

  /** @throws STORE_UNAVAILABLE */
  async check(): Promise<StoreHealth> {
    const { client, connections, replication, probeKey } = this.#options
    const probes = client.isCluster ? PROBES : 1
    try {
      const connection = connections()
      const writes: Promise<unknown>[] = []
      for (let probe = 0; probe < probes; probe += 1) writes.push(client.set(probeKey(probe), '1', 'EX', PROBE_SECONDS))
      await Promise.all(writes)
      await replication?.reached(connection)
      if (performance.now() - this.#lookedAt > REMEMBERED_MS) {
        const found = await Promise.all(servers(client).map((server) => warningsOf(server)))
        this.#warnings = [...new Set(found.flat())]
        this.#lookedAt = performance.now()
      }
    } catch (error) {
      this.#lookedAt = -Infinity
      throw unavailable('Redis takes no writes', error)
    }
    return { warnings: this.#warnings }
  }
}

async function warningsOf(server: Redis): Promise<readonly string[]> {
  const options = await settingsOf(server)
  if (options === undefined) return await warningsByInfo(server)
  const warnings: string[] = []
  if (options.get('appendonly') !== 'yes') warnings.push(RISKS.appendonly)
  else if (options.get('appendfsync') !== 'always') warnings.push(RISKS.appendfsync)
  if (options.get('maxmemory-policy') !== 'noeviction') warnings.push(RISKS.policy)
  return warnings
}

/** Undefined if CONFIG is forbidden or renamed. */
async function settingsOf(server: Redis): Promise<ReadonlyMap<string, string> | undefined> {
  const options = new Map<string, string>()
  for (const name of ['appendonly', 'appendfsync', 'maxmemory-policy']) {
    const answer = await server.config('GET', name).catch(ignoreRefusal)
    if (!Array.isArray(answer) || answer.length < 2) return undefined
    options.set(name, String(answer[1]))
  }
  return options
}

async function warningsByInfo(server: Redis): Promise<readonly string[]> {
  const persistence = await server.info('persistence').catch(ignoreRefusal)
  const memory = await server.info('memory').catch(ignoreRefusal)
  if (persistence === undefined || memory === undefined) return [RISKS.unknown]
  const warnings: string[] = []
  warnings.push(/aof_enabled:1/.test(persistence) ? RISKS.fsyncUnknown : RISKS.appendonly)
  if (!/maxmemory_policy:noeviction/.test(memory)) warnings.push(RISKS.policy)
  return warnings
}

/** A forbidden command is not a fault; a failing connection is. */
function ignoreRefusal(error: unknown): undefined {
  if (error instanceof Error && error.name === 'ReplyError') return undefined
  throw error
}
