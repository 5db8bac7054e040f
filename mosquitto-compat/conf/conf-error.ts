/** What is wrong with a configuration file, and where. */

export interface Place {
  readonly file: string
  /** From 1. */
  readonly line: number
}

export function placed({ file, line }: Place): string {
  return `${file}:${line}`
}

/** The message begins as Mosquitto's does, so that who looks for it in a log finds it. */
export class ConfError extends Error {
  override readonly name = 'ConfError'
  /** Undefined if it is no line: a file that cannot be read. */
  readonly place: Place | undefined

  constructor(message: string, place?: Place, options?: ErrorOptions) {
    super(message, options)
    this.place = place
  }

  /** Message, then where. */
  get lines(): string[] {
    const message = `Error: ${this.message}`
    return this.place === undefined ? [message] : [message, `Error found at ${placed(this.place)}.`]
  }
}

/** Everything that is refused at once: who moves over sees all of it, not one at a time. */
export class ConfErrors extends Error {
  override readonly name = 'ConfErrors'
  readonly errors: readonly ConfError[]

  constructor(errors: readonly ConfError[]) {
    super(errors.map(({ message }) => message).join(' '))
    this.errors = errors
  }

  get lines(): string[] {
    return this.errors.flatMap((each) => each.lines)
  }
}
