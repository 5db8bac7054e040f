/** Node without a broker: what no server in it can go below. bench/servers/bare.ts and bare-http.ts. */
import { fileURLToPath } from 'node:url'
import { Child, freePort } from '../run/processes.ts'
import { type Contender, PLAIN_BROADCAST, plainIdentities } from './contender.ts'

export function bare(name: string, about: string): Contender {
  return floor({ name, about, works: ['private', 'broadcast', 'idle'] }, 'bare', () => ({}))
}

export function bareHttp(name: string, about: string): Contender {
  return floor({ name, about, works: ['streams'] }, 'bare-http', (port) => ({ http: { port, providerKey: '' } }))
}

function floor(
  described: Pick<Contender, 'name' | 'about' | 'works'>,
  server: string,
  more: (port: number) => { readonly http?: { readonly port: number; readonly providerKey: string } },
): Contender {
  return {
    ...described,
    durable: false,
    ours: false,
    needs: [],
    async start(folder) {
      const port = await freePort()
      const main = fileURLToPath(new URL(`../servers/${server}.js`, import.meta.url))
      const child = new Child(process.execPath, [main, String(port)], { cwd: folder })
      await child.line(/^ready/)
      return {
        mqttPort: port,
        ...more(port),
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
