/** The Redis servers of the faults. */
import { eventually, type Redis, type RedisOptions, type Scope, startRedis } from '../../support/index.ts'

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
