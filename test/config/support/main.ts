/** The server as a command, for what it says and how it ends. */
import { MAIN, type Program, type Scope, startProgram, within } from '../../support/index.ts'

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

/** Runs it until it ends, which it does when it cannot start. */
export async function runMain(
  t: Scope,
  args: readonly string[],
  env: Record<string, string> = {},
  cwd?: string,
): Promise<Ended> {
  const program = startMain(t, args, env, cwd)
  const { code } = await within('the end of a server that cannot start', program.exited)
  return { code, output: program.stdout.received.join('\n'), errors: program.stderr.join('\n') }
}
