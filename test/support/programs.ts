/** Real processes beside the test, none of which outlives it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Scope } from './scope.ts'
import { ArrivalQueue } from './waiting.ts'

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface ProgramOptions {
  /** The whole environment of the program, besides PATH and HOME. */
  readonly env?: Record<string, string>
  readonly cwd?: string
  /** `ignore` gives an empty input. Default `ignore`. */
  readonly stdin?: 'ignore' | 'pipe'
  /** A process group of its own, as a shell gives to a command that a person types. */
  readonly ownGroup?: boolean
}

export interface Program {
  readonly child: ChildProcess
  readonly pid: number
  /** Lines of its standard output; ends when the program does. */
  readonly stdout: ArrivalQueue<string>
  /** Lines of its standard error so far. */
  readonly stderr: string[]
  readonly exited: Promise<Exit>
  readonly running: boolean
  /** Sends a signal and awaits the end. */
  kill(signal?: NodeJS.Signals): Promise<Exit>
  /** Signals the whole group, as Ctrl-C does, and awaits the end; needs `ownGroup`. */
  killGroup(signal: NodeJS.Signals): Promise<Exit>
}

/**
 * A command line that runs a program with this environment and nothing else. The test runner adds its own loaders to the
 * environment of whatever is spawned; `env -i` drops them again, so that a program runs as it does for its users.
 */
export function bareCommand(env: Record<string, string>, command: string, args: readonly string[]): string[] {
  const { PATH = '', HOME = '', TMPDIR } = process.env
  const whole = { PATH, HOME, ...(TMPDIR === undefined ? {} : { TMPDIR }), ...env }
  return ['-i', ...Object.entries(whole).map(([name, value]) => `${name}=${value}`), command, ...args]
}

/** Starts a program with a bare environment. */
export function startProgram(
  t: Scope,
  command: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Program {
  const child = spawn('env', bareCommand(options.env ?? {}, command, args), {
    stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe'],
    detached: options.ownGroup === true,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  const name = `${command} ${args.join(' ')}`
  const stdout = new ArrivalQueue<string>(`a line of ${name}`)
  const stderr: string[] = []
  const killNow = () => {
    if (options.ownGroup === true) signalGroup(child, 'SIGKILL')
    else child.kill('SIGKILL')
  }
  process.setMaxListeners(0)
  process.once('exit', killNow)

  const { stdout: out, stderr: err } = child
  if (out === null || err === null) throw new Error(`${name} has no output`)
  createInterface({ input: out }).on('line', (line) => stdout.push(line))
  createInterface({ input: err }).on('line', (line) => stderr.push(line))

  const exited = new Promise<Exit>((resolve, reject) => {
    child.once('error', (error) => {
      process.off('exit', killNow)
      stdout.end(error)
      reject(error)
    })
    child.once('close', (code, signal) => {
      process.off('exit', killNow)
      stdout.end(new Error(`${name} ended (${signal ?? code})\n${stderr.slice(-20).join('\n')}`))
      resolve({ code, signal })
    })
  })
  // Who awaits it sees the failure; nobody has to.
  exited.catch(() => undefined)

  const program: Program = {
    child,
    pid: child.pid ?? 0,
    stdout,
    stderr,
    exited,
    get running() {
      return child.exitCode === null && child.signalCode === null && child.pid !== undefined
    },
    kill(signal = 'SIGTERM') {
      if (program.running) child.kill(signal)
      return exited
    },
    killGroup(signal) {
      signalGroup(child, signal)
      return exited
    },
  }
  t.teardown(async () => {
    if (options.ownGroup === true) await program.killGroup('SIGKILL')
    else if (program.running) await program.kill('SIGKILL')
  })
  return program
}

/** A group whose processes have all ended is no error. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Runs a program to its end and gives what it said; fails with its error output when it ends badly. */
export async function runProgram(
  t: Scope,
  command: string,
  args: readonly string[],
  options: ProgramOptions & { readonly input?: string } = {},
): Promise<string> {
  const program = startProgram(t, command, args, { ...options, stdin: options.input === undefined ? 'ignore' : 'pipe' })
  program.child.stdin?.end(options.input)
  const { code, signal } = await program.exited
  const output = program.stdout.received.join('\n')
  if (code !== 0) {
    throw new Error(
      `${command} ${args.join(' ')} ended with ${signal ?? code}\n${output}\n${program.stderr.join('\n')}`,
    )
  }
  return output
}
