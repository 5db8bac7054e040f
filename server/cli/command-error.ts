/** What is wrong with a command line, and how a command ends. */
import { type Command, CommanderError } from 'commander'
import { ConfigError } from '../settings.ts'

/** What a process of `aedes-push` exits with. `docs/cli.md` has the same table. */
export const EXIT = {
  done: 0,
  /** The server said no, or what was asked for did not come about. */
  failed: 1,
  /** The command line, a setting or a file that it names is wrong. */
  usage: 2,
  /** Nobody answers, or no server of ours. */
  unreachable: 3,
  /** The key or token is not taken, or may not do this. */
  forbidden: 4,
  /** `verify-isolation`: somebody received what is not theirs. */
  leak: 5,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** A command could not do what it was asked for. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: ExitCode

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}

/** Says what commander found wrong in our way, in one line. @throws ConfigError */
export function parsed<T>(command: Command, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    throw new ConfigError(`${said(error)}; ${nameOf(command)} --help has all of it`, { cause: error })
  }
}

/** What was given to an unknown option may be a secret. */
function said({ message }: CommanderError): string {
  return message
    .replace(/^error: /, '')
    .replace(/(unknown option '--[^'=]+)=[^\n]*'/, "$1'")
    .replaceAll('\n', ' ')
    .replace(/\.$/, '')
}

/** With those of its parents. */
export function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`
}
