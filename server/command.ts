/** Runs the command of the command line. Commands that call a running server load nothing of the server. */
import type { ClientCall } from './cli/client-command.ts'
import { CommandError, EXIT } from './cli/command-error.ts'
import { readCommandLine } from './cli/command-line.ts'
import { OutputClosed } from './cli/output.ts'
import type { Invocation } from './command-process.ts'
import { LogDestination, standardError } from './logs.ts'
import { ConfigError, SETTINGS } from './settings.ts'

/** Standard error, for lines that are no log. */
type Say = (line: string) => void

export async function run(invocation: Invocation): Promise<void> {
  const { argv, ending, process } = invocation
  const errors = new LogDestination(standardError(process.stderr), SETTINGS.PUSH_MAX_LOG_WAITING.default)
  const say = (line: string) => errors.write(`aedes-push: ${line}\n`)
  ending.onExit((timeoutMs) => errors.flush(timeoutMs))
  // For what LevelDB makes too: messages are nobody's but the user's who runs the server.
  process.umask(0o077)
  process.once('exit', () => errors.flushNow())
  // Who reads nothing of it is told nothing.
  process.stdout.on('error', () => undefined)
  const [first, ...others] = argv
  if (first === 'mosquitto') {
    const { runMosquitto } = await import('./mosquitto/run.ts')
    return await runMosquitto(others, invocation)
  }
  try {
    const asked = await readCommandLine(argv)
    if (asked.kind === 'text') return void process.stdout.write(asked.text)
    if (asked.kind === 'client') return await runAgainstServer(asked.call, invocation, say)
    const { runServerCommand } = await import('./server-command.ts')
    await runServerCommand(asked.call, invocation, { errors, say })
  } catch (error) {
    say(error instanceof Error ? error.message : String(error))
    await ending.exit(error instanceof ConfigError ? EXIT.usage : 1)
  }
}

/** A command that asks a server which runs elsewhere. A signal lets it leave things in order. */
async function runAgainstServer(call: ClientCall, { env, ending, process }: Invocation, say: Say): Promise<void> {
  const { runClient } = await import('./cli/client-command.ts')
  const stop = new AbortController()
  const { stdin, stdout } = process
  const running = runClient(call, { env, stdin, stdout, say, signal: stop.signal }).catch((error: unknown) => {
    if (error instanceof OutputClosed) return EXIT.done
    if (!(error instanceof CommandError)) throw error
    say(error.message)
    return error.exitCode
  })
  ending.onEnd(async () => {
    stop.abort()
    return await running
  })
  await ending.exit(await running)
}
