/** The server as a command, for what it says and how it ends. */
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { run } from '../../../server/command.ts'
import { Ending } from '../../../server/ending.ts'
import { MAIN, type Program, type Scope, startProgram, temporaryFolder, within } from '../../support/index.ts'

export interface Ended {
  readonly code: number | null
  readonly output: string
  readonly errors: string
}

/** Starts it with these arguments and this environment; nothing is added. */
export function startMain(t: Scope, args: readonly string[], env: Record<string, string> = {}, cwd?: string): Program {
  return startProgram(t, process.execPath, [MAIN, ...args], {
    env,
    ...(cwd === undefined ? {} : { cwd }),
  })
}

/** It ended: thrown where a process would be gone. */
class Exit extends Error {
  readonly code: number

  constructor(code: number) {
    super(`exit ${code}`)
    this.code = code
  }
}

/** Runs the command in this process until it ends, which it does when it cannot start. */
export async function runMain(t: Scope, args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const path = join(temporaryFolder(t, 'stderr'), 'stderr')
  const fd = openSync(path, 'a')
  const stdout = new PassThrough()
  const output: string[] = []
  stdout.on('data', (chunk: Buffer) => output.push(chunk.toString()))
  let exited: (code: number) => void = () => undefined
  const exit = new Promise<number>((resolve) => (exited = resolve))
  const ending = new Ending(
    {
      on: () => undefined,
      exit(code) {
        exited(code)
        throw new Exit(code)
      },
    },
    () => performance.now(),
  )
  const fake = {
    stdin: Readable.from([]),
    stdout,
    stderr: Object.assign(new PassThrough(), { fd }),
    umask: (mask: number) => process.umask(mask),
    once: () => undefined,
    on: () => undefined,
  }
  const running = run({ argv: args, env, ending, process: fake })
  running.catch(() => undefined)
  // What only prints something comes to its end without an exit.
  const done = running.then(
    () => (output.length > 0 ? 0 : exit),
    (error: unknown) => {
      if (error instanceof Exit) return error.code
      throw error
    },
  )
  const code = await within('the end of a command that cannot start', done)
  closeSync(fd)
  return { code, output: output.join('').trimEnd(), errors: readFileSync(path, 'utf8').trimEnd() }
}

/** As `runMain`, in a process of its own. */
export async function runMainProcess(
  t: Scope,
  args: readonly string[],
  env: Record<string, string> = {},
  cwd?: string,
): Promise<Ended> {
  const program = startMain(t, args, env, cwd)
  const { code } = await within('the end of a server that cannot start', program.exited)
  return { code, output: program.stdout.received.join('\n'), errors: program.stderr.join('\n') }
}
