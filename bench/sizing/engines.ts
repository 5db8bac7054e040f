/** The two engines, each empty and on this machine, with a meter. */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLevelStore } from '../../store/index.ts'
import { openRedisStore } from '../../store/redis/index.ts'
import { cpuOf, findProgram } from '../run/processes.ts'
import { startRedis } from '../run/redis.ts'
import { Population } from './population.ts'

export const ENGINES = ['embedded', 'Redis'] as const
export type Engine = (typeof ENGINES)[number]

export interface Opened {
  readonly population: Population
  close(): Promise<void>
}

/** Nothing is dropped because there is much of it: that is not what is asked. */
const LIMITS = { storedMessages: 1e9, storedBytes: 1e12, broadcastMessages: 1e6, broadcastBytes: 1e10 }

export async function openPopulation(engine: Engine, payload: number): Promise<Opened> {
  const folder = mkdtempSync(join(tmpdir(), 'aedes-push-sizing-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove)
  if (engine === 'embedded') {
    const directory = join(folder, 'store')
    const meter = { redisCpu: () => 0, bytes: async () => sizeOf(directory) }
    const population = new Population((now) => openLevelStore({ directory, now, limits: LIMITS }), meter, payload)
    await population.store.open()
    return { population, close: async () => (await population.store.close(), remove()) }
  }
  const redis = await startRedis(findProgram('redis-server') ?? 'redis-server', folder, 'everysec')
  const meter = { redisCpu: () => cpuOf([redis.pid]), bytes: () => redis.usedMemory() }
  const open = (now: () => number) => openRedisStore({ url: redis.url, now, limits: LIMITS })
  const population = new Population(open, meter, payload)
  await population.store.open()
  const close = async (): Promise<void> => {
    await population.store.close()
    await redis.stop()
    remove()
  }
  return { population, close }
}

function sizeOf(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => {
    try {
      return sum + statSync(join(folder, name)).size
    } catch {
      // Compacted away meanwhile.
      return sum
    }
  }, 0)
}
