/**
 * What a process does for its work, counted where no busy machine shows: promises made, and bytes allocated on the heap. Loaded
 * into the server by `--import`; it says what it has counted when it gets SIGUSR2.
 */
import { writeSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promiseHooks } from 'node:v8'
import type { ServerProcess } from './server-process.ts'
import { eventually } from './waiting.ts'

export interface WorkCounts {
  readonly promises: number
  /** Bytes in use: as long as nothing is collected, what was allocated. */
  readonly heap: number
}

const MARK = 'work counts '

/** Nothing is collected before 64 MB are full, so that the heap only grows for as long as a test looks. */
export const COUNTING_FLAGS: readonly string[] = [
  '--min-semi-space-size=64',
  '--max-semi-space-size=64',
  '--expose-gc',
  '--import',
  fileURLToPath(import.meta.url),
]

/** @param collects everything that can go goes first */
export async function workCounts(server: ServerProcess, collects = false): Promise<WorkCounts> {
  const before = server.logs.filter((line) => line.startsWith(MARK)).length
  process.kill(server.pid, collects ? 'SIGWINCH' : 'SIGUSR2')
  const line = await eventually('what was counted', () => server.logs.filter((each) => each.startsWith(MARK))[before])
  return JSON.parse(line.slice(MARK.length)) as WorkCounts
}

/** Only in the process that counts: the test imports this file as well. */
if (process.execArgv.includes('--expose-gc')) {
  let promises = 0
  promiseHooks.onInit(() => void (promises += 1))
  const say = (): void => {
    const counts: WorkCounts = { promises, heap: process.memoryUsage().heapUsed }
    writeSync(2, `${MARK}${JSON.stringify(counts)}\n`)
  }
  process.on('SIGUSR2', say)
  process.on('SIGWINCH', () => {
    globalThis.gc?.()
    say()
  })
}
