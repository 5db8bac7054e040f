/** Node without a broker: what no server in it can go below. bench/servers/bare.ts, bare-http.ts and fastify.ts. */
import { fileURLToPath } from 'node:url'
import { Child, freePort, NODE_FLAGS } from '../run/processes.ts'
import { startRedis } from '../run/redis.ts'
import { type Contender, PLAIN_BROADCAST, plainIdentities } from './contender.ts'

export function bare(name: string, about: string): Contender {
  return floor({ name, about, works: ['private', 'broadcast', 'general', 'idle'], server: 'bare' })
}

/** Stores each message before it acknowledges or forwards it. */
export function bareStored(name: string, about: string, argument: Place): Contender {
  return floor({ name, about, works: ['private', 'broadcast', 'general'], server: 'bare', argument })
}

export function bareHttp(name: string, about: string): Contender {
  return floor({ name, about, works: ['streams'], server: 'bare-http', isHttp: true })
}

export function fastify(name: string, about: string): Contender {
  return floor({ name, about, works: ['http'], server: 'fastify', isHttp: true, answersOnly: true })
}

/** Stores each message before it answers, and delivers it to the devices, which connect to an MQTT port of it. */
export function fastifyStored(name: string, about: string, argument: Place): Contender {
  return floor({ name, about, works: ['http'], server: 'fastify', argument, isHttp: true })
}

/** Where it stores; `redis`: one of its own. */
type Place = 'synced' | 'level' | 'redis'

interface Floor extends Pick<Contender, 'name' | 'about' | 'works' | 'answersOnly'> {
  /** The file in bench/servers. */
  readonly server: string
  readonly argument?: Place
  readonly isHttp?: boolean
}

function floor({ server, argument, isHttp, ...described }: Floor): Contender {
  return {
    ...described,
    durable: false,
    ours: false,
    needs: argument === 'redis' ? ['redis-server'] : [],
    async start(folder, programs) {
      const redis = argument === 'redis' ? await startRedis(programs('redis-server'), folder, 'everysec') : undefined
      const place = redis?.url ?? argument
      const port = await freePort()
      const mqttPort = isHttp === true ? await freePort() : port
      const main = fileURLToPath(new URL(`../servers/${server}.js`, import.meta.url))
      const args = [...NODE_FLAGS, main, String(port), ...(place === undefined ? [] : [place, String(mqttPort)])]
      const child = new Child(process.execPath, args, { cwd: folder })
      await child.line(/^ready/)
      return {
        mqttPort,
        ...(redis === undefined ? {} : { redis }),
        ...(isHttp === true ? { http: { port, providerKey: '' } } : {}),
        broadcastTopic: PLAIN_BROADCAST,
        provider: {},
        user: {},
        serverPids: () => [child.pid],
        identities: async (from, count) => plainIdentities(from, count),
        restart: () => Promise.reject(new Error('it keeps nothing')),
        async stop() {
          await child.stop()
          await redis?.stop()
        },
      }
    },
  }
}
