/** The command in the test's own process, for what it says and how it ends. */
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Readable, type Writable } from 'node:stream'
import { Ending } from '../../server/ending.ts'
import { temporaryFolder } from './folders.ts'
import type { Scope } from './scope.ts'
import { within } from './waiting.ts'

export interface Ended {
  readonly code: number | null
  readonly output: string
  readonly errors: string
}

/** Ends nothing: who runs in it waits for ever, as who is gone does no more. */
class NoEnding extends Ending {
  readonly exited: Promise<number>
  #exit: (code: number) => void = () => undefined
  #flush: (timeoutMs: number) => Promise<void> = async () => undefined

  constructor() {
    super(
      {
        on: () => undefined,
        exit: () => {
          throw new Error('it ends by itself')
        },
      },
      () => performance.now(),
    )
    this.exited = new Promise((resolve) => (this.#exit = resolve))
  }

  override onExit(flush: (timeoutMs: number) => Promise<void>): void {
    this.#flush = flush
  }

  override async exit(code: number): Promise<void> {
    await this.#flush(1_000)
    this.#exit(code)
    await new Promise(() => undefined)
  }
}

export interface Streams {
  readonly stdin?: Readable
  /** In place of `output`. */
  readonly stdout?: Writable
}

/** Runs the command until it ends: because it cannot start, or because it has done what it was asked to. */
export async function runCommand(
  t: Scope,
  argv: readonly string[],
  env: Record<string, string> = {},
  streams: Streams = {},
): Promise<Ended> {
  const { run } = await import('../../server/command.ts')
  const path = join(temporaryFolder(t, 'stderr'), 'stderr')
  const fd = openSync(path, 'a')
  const output: string[] = []
  const kept = new PassThrough()
  kept.on('data', (chunk: Buffer) => output.push(chunk.toString()))
  const { stdin = Readable.from([]), stdout = kept } = streams
  const ending = new NoEnding()
  const own = {
    pid: process.pid,
    stdin,
    stdout,
    stderr: Object.assign(new PassThrough(), { fd }),
    umask: (mask: number) => process.umask(mask),
    once: () => undefined,
    on: () => undefined,
  }
  const running = run({ argv, env, ending, process: own })
  // What only prints something comes to its end without an exit.
  const printed = running.then(() => (output.length > 0 ? 0 : ending.exited))
  const code = await within('the end of a command', Promise.race([printed, ending.exited]))
  closeSync(fd)
  return { code, output: output.join('').trimEnd(), errors: readFileSync(path, 'utf8').trimEnd() }
}
