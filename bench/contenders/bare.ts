/** Node without a broker: what no server in it can go below. bench/servers/bare.ts. */
import { fileURLToPath } from 'node:url'
import { Child, freePort } from '../run/processes.ts'
import { type Contender, PLAIN_BROADCAST, plainIdentities } from './contender.ts'

const SERVER = fileURLToPath(new URL('../servers/bare.js', import.meta.url))

export function bare(name: string, about: string): Contender {
  return {
    name,
    about,
    durable: false,
    ours: false,
    needs: [],
    works: ['private', 'broadcast', 'idle'],
    async start(folder) {
      const mqttPort = await freePort()
      const child = new Child(process.execPath, [SERVER, String(mqttPort)], { cwd: folder })
      await child.line(/^ready/)
      return {
        mqttPort,
        broadcastTopic: PLAIN_BROADCAST,
        provider: {},
        user: {},
        serverPids: () => [child.pid],
        identities: async (from, count) => plainIdentities(from, count),
        restart: () => Promise.reject(new Error('it keeps nothing')),
        stop: () => child.stop(),
      }
    },
  }
}
