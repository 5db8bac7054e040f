/** This server, as its users run it: `dist/server/main.js`, embedded or on Redis. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Identity } from '../load/device.ts'
import { HttpPool, httpRequest } from '../load/http.ts'
import { Child, NODE_FLAGS } from '../run/processes.ts'
import { type Fsync, startRedis } from '../run/redis.ts'
import { APP, type Contender, type Target } from './contender.ts'

// From .build/bench/contenders/.
const MAIN = fileURLToPath(new URL('../../../dist/server/main.js', import.meta.url))
const PROVIDER_KEY = 'provider-key-of-the-benchmark'
const VERSION = '1.0.0'
const HTTP_SOCKETS = 32
/** As `mosquitto_passwd` writes it. */
const USER = { username: 'ann', password: 'secret1' }
const PASSWORDS =
  'ann:$7$101$chQ3oJ+MiHWIN+94$TiVlw4F9YIQiObA+Nf40kozx8s89G4q5QUV83sf5IH0LC7u778yRXev1bXSpWn7vTGTraGr5BhFB1JLgw6vngg==\n'

interface OursOptions {
  readonly name: string
  readonly about: string
  readonly fsync?: Fsync
  readonly settings?: Readonly<Record<string, string>>
  /** Processes that know nothing of each other but the Redis that they share; 1 when not given. */
  readonly nodes?: number
  readonly works?: readonly string[]
}

export function ours({ name, about, fsync, settings = {}, nodes = 1, works }: OursOptions): Contender {
  return {
    name,
    about,
    durable: true,
    ours: true,
    needs: fsync === undefined ? [] : ['redis-server'],
    ...(works === undefined ? {} : { works }),
    async start(folder, programs, profile): Promise<Target> {
      const nodeFlags = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
      const redis = fsync === undefined ? undefined : await startRedis(programs('redis-server'), folder, fsync)
      const passwords = join(folder, 'passwords')
      writeFileSync(passwords, PASSWORDS)
      const env = {
        PUSH_PASSWORD_FILE: passwords,
        PUSH_PROVIDER_KEY: PROVIDER_KEY,
        PUSH_LOG_LEVEL: 'error',
        // No others limit a client, 100 a second by default, nor the number of connections.
        PUSH_MAX_DEVICE_PUBLISHES: '0',
        PUSH_MAX_CONNECTIONS: '10000000',
        ...(redis === undefined ? {} : { PUSH_REDIS_URL: redis.url }),
        ...settings,
      }
      const all = Array.from({ length: nodes }, (_, place) => {
        const settingsOfNode = { ...env, PUSH_DATA_DIR: join(folder, `data-${place}`) }
        return new Server([...nodeFlags, MAIN], settingsOfNode, folder)
      })
      await Promise.all(all.map((node) => node.serving()))
      const [first] = all
      if (first === undefined) throw new Error('no node')
      const { mqtt, http } = first.ports
      return {
        mqttPort: mqtt,
        mqttPorts: all.map(({ ports }) => ports.mqtt),
        http: { port: http, providerKey: PROVIDER_KEY },
        ...(redis === undefined ? {} : { redis }),
        broadcastTopic: `${APP}/${VERSION}`,
        provider: { username: 'provider', password: PROVIDER_KEY },
        user: USER,
        serverPids: () => all.map(({ child }) => child.pid),
        identities: (from, count) => issueTokens(http, from, count),
        async restart() {
          await Promise.all(all.map(({ child }) => child.stop()))
          const at = performance.now()
          for (const node of all) node.start()
          return at
        },
        async kill() {
          await Promise.all(all.map(({ child }) => child.kill()))
          for (const node of all) node.start()
          await Promise.all(all.map((node) => node.serving()))
        },
        async stop() {
          await Promise.all(all.map(({ child }) => child.stop()))
          await redis?.stop()
        },
      }
    },
  }
}

/** One node; started again, it has the ports that it had. */
class Server {
  ports = { mqtt: 0, http: 0 }
  child: Child
  readonly #args: readonly string[]
  readonly #options: { readonly env: Readonly<Record<string, string>>; readonly cwd: string }

  constructor(args: readonly string[], env: Readonly<Record<string, string>>, cwd: string) {
    this.#args = args
    this.#options = { env, cwd }
    this.child = this.start()
  }

  start(): Child {
    const flags = ['--mqtt-port', String(this.ports.mqtt), '--http-port', String(this.ports.http)]
    this.child = new Child(process.execPath, [...NODE_FLAGS, ...this.#args, ...flags], this.#options)
    return this.child
  }

  async serving(): Promise<void> {
    this.ports = readPorts(await this.child.line(/^ready /))
  }
}

function readPorts(line: string): { mqtt: number; http: number } {
  const [, mqtt, http] = /mqtt=(\d+) http=(\d+)/.exec(line) ?? []
  return { mqtt: Number(mqtt), http: Number(http) }
}

interface Issued {
  readonly token: string
  readonly tokenId: string
  readonly topics: { readonly private: string; readonly broadcast: string }
}

async function issueTokens(port: number, from: number, count: number): Promise<Identity[]> {
  const pool = await HttpPool.open(port, Math.min(HTTP_SOCKETS, count))
  const issuing = Array.from({ length: count }, async (_, place): Promise<Identity> => {
    const device = `d${from + place}`
    const names = { app: APP, device, version: VERSION }
    const { status, body } = await pool.request(httpRequest('POST', '/v1/tokens', PROVIDER_KEY, names))
    if (status !== 201) throw new Error(`a token was not issued: ${status} ${body}`)
    const { token, tokenId, topics } = JSON.parse(body) as Issued
    const credentials = { clientId: device, username: 'device', password: token }
    return { ...credentials, tokenId, privateTopic: topics.private, broadcastTopic: topics.broadcast }
  })
  const identities = await Promise.all(issuing)
  pool.close()
  return identities
}
