/** A Redis of a contender's own. */
import { join } from 'node:path'
import { mkdirSync } from 'node:fs'
import { Redis as Client } from 'ioredis'
import { Child, freePort } from './processes.ts'

export type Fsync = 'everysec' | 'always'

export interface RedisServer {
  readonly url: string
  readonly pid: number
  /** `used_memory` without the buffers of connections, bytes. */
  usedMemory(): Promise<number>
  stop(): Promise<void>
}

export async function startRedis(program: string, folder: string, appendfsync: Fsync): Promise<RedisServer> {
  const port = await freePort()
  const dir = join(folder, 'redis')
  mkdirSync(dir)
  const settings = { port, bind: '127.0.0.1', dir, save: '', appendonly: 'yes', appendfsync }
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])
  const child = new Child(program, args, { cwd: dir })
  await child.line(/Ready to accept connections/)
  const client = new Client({ port, disableClientInfo: true })
  client.on('error', () => undefined)
  return {
    url: `redis://127.0.0.1:${port}`,
    pid: child.pid,
    async usedMemory() {
      const memory = await client.info('memory')
      const field = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(memory)?.[1])
      return field('used_memory') - field('mem_clients_normal') - field('mem_aof_buffer')
    },
    async stop() {
      client.disconnect()
      await child.stop()
    },
  }
}
