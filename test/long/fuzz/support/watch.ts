/** What is looked at while the fuzzer runs: the process, its memory, how long it does one thing, and what it gives away. */
import { readdirSync, readFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { residentMiB } from '../../../hostile/support/memory.ts'
import { request, type ServerProcess } from '../../../support/index.ts'

export interface Watch {
  /** Resident memory in MiB after the first fifth of the run, and the most since. */
  readonly memory: { readonly warm: number; readonly most: number }
  /** The most processor time that the server took between a question and its answer, ms. */
  readonly longestMs: number
  readonly openFiles: number
  /** Resolves when the server has done what it was sent before, unless it waits for something. */
  roundTrips(): Promise<void>
  /** Throws when there is a secret in what a client was sent. */
  checkSecrets(text: string): void
  stop(): Promise<void>
}

const EVERY_MS = 50
const ROUND_TRIPS = 2

/** `share` says how much of the run is over. */
export function watchServer(server: ServerProcess, secrets: readonly string[], share: () => number): Watch {
  const agent = new Agent({ keepAlive: true })
  const memory = { warm: 0, most: 0 }
  let longestMs = 0
  let over = false

  async function look(): Promise<void> {
    const before = processorMs(server.pid)
    await request(server, 'GET', '/healthz', { bearer: null, agent })
    longestMs = Math.max(longestMs, processorMs(server.pid) - before)
    const now = residentMiB(server.pid)
    if (share() < 0.2) memory.warm = Math.max(memory.warm, now)
    else memory.most = Math.max(memory.most, now)
  }
  const looking = (async () => {
    while (!over && server.running) {
      await look()
      await pause(EVERY_MS)
    }
  })()
  // `stop` tells it; until then it is no unhandled rejection.
  looking.catch(() => undefined)

  return {
    memory,
    get longestMs() {
      return longestMs
    },
    get openFiles() {
      return readdirSync(`/proc/${server.pid}/fd`).length
    },
    async roundTrips() {
      for (let trip = 0; trip < ROUND_TRIPS; trip++) await request(server, 'GET', '/readyz', { bearer: null, agent })
    },
    checkSecrets(text) {
      const found = secrets.findIndex((secret) => text.includes(secret))
      if (found >= 0) throw new Error(`secret ${found} is in an answer: ${text.slice(0, 2_000)}`)
    },
    async stop() {
      over = true
      await looking
      agent.destroy()
    },
  }
}

/** Of its main thread: what other processes of the machine do is not in it. */
function processorMs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6
}
