/** What Redis did: commands by name, bytes on the wire, CPU. */
import { readFileSync } from 'node:fs'
import { Redis as Client } from 'ioredis'
import type { Redis, Scope } from '../../support/index.ts'

export interface RedisWork {
  /** Calls by command, those that scripts made among them. */
  readonly commands: Readonly<Record<string, number>>
  readonly total: number
  readonly bytesIn: number
  readonly bytesOut: number
  /** Microseconds, user and system. */
  readonly cpu: number
}

interface Snapshot {
  readonly calls: Map<string, number>
  readonly bytesIn: number
  readonly bytesOut: number
  readonly cpu: number
  /** What it took to ask. */
  readonly asked: number
}

/** Looks at a Redis over a connection of its own, whose own part it leaves out. */
export class RedisObserver {
  readonly #client: Client

  constructor(t: Scope, redis: Pick<Redis, 'port'>) {
    this.#client = new Client({ port: redis.port, disableClientInfo: true, retryStrategy: () => null })
    // A Redis that a test has ended: its next question fails all the same.
    this.#client.on('error', () => undefined)
    t.teardown(() => this.#client.disconnect())
  }

  async of(work: () => Promise<unknown>): Promise<RedisWork> {
    // The connection itself is no work of anybody.
    await this.#snapshot()
    const before = await this.#snapshot()
    await work()
    const after = await this.#snapshot()
    const commands: Record<string, number> = {}
    for (const [name, calls] of after.calls) {
      const more = calls - (before.calls.get(name) ?? 0)
      if (name !== 'info' && more > 0) commands[name] = more
    }
    return {
      commands,
      total: Object.values(commands).reduce((sum, calls) => sum + calls, 0),
      bytesIn: after.bytesIn - before.bytesIn - INFO_BYTES,
      bytesOut: after.bytesOut - before.bytesOut - before.asked,
      cpu: after.cpu - before.cpu,
    }
  }

  async #snapshot(): Promise<Snapshot> {
    const text = await this.#client.info('everything')
    const field = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(text)?.[1] ?? 0)
    const calls = new Map<string, number>()
    for (const [, name, count] of text.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)) calls.set(name ?? '', Number(count))
    return {
      calls,
      bytesIn: field('total_net_input_bytes'),
      bytesOut: field('total_net_output_bytes'),
      cpu: Math.round((field('used_cpu_user') + field('used_cpu_sys')) * 1_000_000),
      asked: Buffer.byteLength(text) + `$${Buffer.byteLength(text)}\r\n\r\n`.length,
    }
  }
}

const INFO_BYTES = '*2\r\n$4\r\ninfo\r\n$10\r\neverything\r\n'.length

/** The round that cost least: what a probe or a sweep did besides is not in it. */
export async function least(rounds: number, measure: () => Promise<RedisWork>): Promise<RedisWork> {
  const all: RedisWork[] = []
  while (all.length < rounds) all.push(await measure())
  return all.reduce((best, one) => (one.total < best.total ? one : best))
}

/** User and system time of a process so far, microseconds. */
export function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}
