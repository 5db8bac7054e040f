/** Aedes as it comes, in memory or with its Redis persistence: bench/servers/aedes.ts. */
import { fileURLToPath } from 'node:url'
import { Child, freePort, NODE_FLAGS } from '../run/processes.ts'
import { startRedis } from '../run/redis.ts'
import { type Contender, PLAIN_BROADCAST, plainIdentities, type Target } from './contender.ts'

const SERVER = fileURLToPath(new URL('../servers/aedes.js', import.meta.url))

export function aedes(name: string, about: string, onRedis: boolean): Contender {
  return {
    name,
    about,
    durable: onRedis,
    ours: false,
    needs: onRedis ? ['redis-server'] : [],
    async start(folder, programs): Promise<Target> {
      const redis = onRedis ? await startRedis(programs('redis-server'), folder, 'everysec') : undefined
      const mqttPort = await freePort()
      const args = [...NODE_FLAGS, SERVER, String(mqttPort), ...(redis === undefined ? [] : [redis.url])]
      const launch = (): Child => new Child(process.execPath, args, { cwd: folder })
      let child = launch()
      await child.line(/^ready/)
      return {
        mqttPort,
        ...(redis === undefined ? {} : { redis }),
        broadcastTopic: PLAIN_BROADCAST,
        provider: {},
        user: {},
        serverPids: () => [child.pid],
        identities: async (from, count) =>
          plainIdentities(from, count).map((identity) => ({ ...identity, oneByOne: onRedis })),
        async restart() {
          await child.stop()
          const at = performance.now()
          child = launch()
          return at
        },
        async stop() {
          await child.stop()
          await redis?.stop()
        },
      }
    },
  }
}
