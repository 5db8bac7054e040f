/** The server as a command, for what it says and how it ends. */
import { type Ended, MAIN, type Program, runCommand, type Scope, startProgram, within } from '../../support/index.ts'

/** Starts it with these arguments and this environment; nothing is added. */
export function startMain(t: Scope, args: readonly string[], env: Record<string, string> = {}, cwd?: string): Program {
  return startProgram(t, process.execPath, [MAIN, ...args], {
    env,
    ...(cwd === undefined ? {} : { cwd }),
  })
}

/** Runs the command in this process until it ends, which it does when it cannot start. */
export const runMain = runCommand

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
