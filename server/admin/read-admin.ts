/** Which command for a running server the command line asks for, and with what. */
import { ConfigError } from '../settings.ts'
import type { AdminCommand, AdminOptions } from './admin-command.ts'
import { COMMON_OPTIONS, commandOf, groupOf } from './groups.ts'
import type { AdminCall } from './run-admin.ts'

export interface AskedCommand {
  /** `keys create`. */
  readonly name: string
  readonly command: AdminCommand
  readonly options: AdminOptions
}

/** Undefined: the first word is none of them. @throws ConfigError when the second is none */
export function adminCommandOf([word, verb]: readonly string[]): AskedCommand | undefined {
  const group = groupOf(word)
  if (word === undefined || group === undefined) return undefined
  const command = commandOf(group, verb)
  if (command !== undefined)
    return { name: `${word} ${verb}`, command, options: { ...COMMON_OPTIONS, ...command.options } }
  const given = verb === undefined ? 'a word is missing' : `${JSON.stringify(verb)} is not expected`
  const verbs = Object.keys(group.commands).join(', ')
  throw new ConfigError(`${word}: ${given}; it takes one of ${verbs}, and ${word} --help has examples`)
}

export function adminCall(
  { name, command, options }: AskedCommand,
  words: readonly string[],
  flags: ReadonlyMap<string, string>,
): AdminCall {
  const [, , word, more] = words
  if (command.takes !== undefined && word === undefined)
    throw new ConfigError(`${name}: ${command.takes} is missing; write it behind ${name}`)
  const tooMuch = command.takes === undefined ? word : more
  if (tooMuch !== undefined) throw unexpected(tooMuch)
  const values = Object.entries(options).map(([option, { required, allowed, parse }]) => {
    const text = flags.get(option)
    if (text === undefined && required === true)
      throw new ConfigError(`${name}: --${option} is missing; it must be ${allowed}`)
    const value = text === undefined ? undefined : parse(text)
    if (text !== undefined && value === undefined)
      throw new ConfigError(`--${option}: ${JSON.stringify(text)} is not allowed; it must be ${allowed}`)
    return [option, value] as const
  })
  return { command, word: word ?? '', options: Object.fromEntries(values) }
}

export function unexpected(word: string | undefined): ConfigError {
  return new ConfigError(`${JSON.stringify(word)} is not expected; flags are written --name value`)
}
