/** A command that asks a running server for something, over HTTP: what it takes, what it does, and what it prints. */

/** One option of such a command, which is no setting. */
export interface AdminOption<T> {
  readonly about: string
  /** How its value is called; absent: it has none. */
  readonly value?: string
  readonly required?: boolean
  /** For the error. */
  readonly allowed: string
  /** Undefined when the text is not allowed. */
  parse(text: string): T | undefined
}

export type AdminOptions = Readonly<Record<string, AdminOption<unknown>>>

type Given<O extends AdminOptions> = {
  readonly [N in keyof O]: (O[N] extends AdminOption<infer T> ? T : never) | (O[N] extends Required ? never : undefined)
}
interface Required {
  readonly required: true
}

/** Calls the server; resolves to what it answered, or rejects with what it said. */
export type Ask = (method: string, path: string, body?: object) => Promise<unknown>

export interface Printed {
  /** With `--json`. */
  readonly json: unknown
  /** Without. */
  readonly text: string
}

export interface AdminCommand {
  /** In one line. */
  readonly about: string
  /** The word behind the command, where it takes one. */
  readonly takes: string | undefined
  readonly options: AdminOptions
  /** Behind the name of the command. */
  readonly examples: readonly string[]
  run(ask: Ask, word: string, given: Readonly<Record<string, unknown>>): Promise<Printed>
}

/** A command whose `run` knows the types of its options. */
export function adminCommand<const O extends AdminOptions>(command: {
  readonly about: string
  readonly takes?: string
  readonly options: O
  readonly examples: readonly string[]
  run(ask: Ask, word: string, given: Given<O>): Promise<Printed>
}): AdminCommand {
  // The command line gives each option its own type, or undefined where it is not required.
  return { takes: undefined, ...command, run: (ask, word, given) => command.run(ask, word, given as Given<O>) }
}

/** `aedes-push <name> <verb>`. */
export interface AdminGroup {
  readonly about: string
  readonly commands: Readonly<Record<string, AdminCommand>>
}
