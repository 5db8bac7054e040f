/**
 * The command line and the settings: environment, the same name as a flag (`PUSH_MQTT_PORT` is `--mqtt-port`), or a JSON
 * file (`--config`); flags win over the environment, and that over the file. Read once, at start.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { nearest } from '../common/nearest.ts'
import type { AdminOptions } from './admin/admin-command.ts'
import { ADMIN_GROUPS } from './admin/groups.ts'
import { adminCall, adminCommandOf, unexpected } from './admin/read-admin.ts'
import type { AdminCall } from './admin/run-admin.ts'
import { ConfigError, flagOf, SETTINGS, type Config, type Setting, type SettingName } from './settings.ts'
import { fit } from './settings-fit.ts'
import { judgeUnknown } from './unknown-settings.ts'

export const COMMANDS = ['bridge', 'export', 'import', 'import-mosquitto'] as const

export type Command = (typeof COMMANDS)[number]

export interface Arguments {
  /** Undefined: the server. */
  readonly command: Command | undefined
  /** The file that `import-mosquitto` names. */
  readonly path?: string | undefined
  /** Options of that command that are given. */
  readonly options?: ReadonlySet<string>
  /** In place of all that. */
  readonly admin: AdminCall | undefined
  readonly config: Config
  /** Variables whose names begin like settings, and are none. */
  readonly unknown: readonly string[]
}

const IMPORT = 'import-mosquitto'
export const BY_USER_NAME = 'by-user-name'
/** It has no value. */
const IMPORT_OPTIONS: AdminOptions = {
  [BY_USER_NAME]: { about: 'sessions are known by user name and client id', allowed: '', parse: () => undefined },
}
const COMMAND_NAMES = [...COMMANDS, ...Object.keys(ADMIN_GROUPS)]
const NAMES = Object.keys(SETTINGS) as readonly SettingName[]
const FLAGS = ['config', ...NAMES.map(flagOf)]

type Environment = Readonly<Record<string, string | undefined>>

/** What is asked for instead of a run, wherever it stands: who wants help does not know the order. */
export function askedFor(argv: readonly string[]): 'help' | 'version' | undefined {
  if (argv.includes('--help') || argv.includes('-h')) return 'help'
  return argv.includes('--version') ? 'version' : undefined
}

/** @throws ConfigError */
export function readConfig(argv: readonly string[], env: Environment): Arguments {
  const asked = adminCommandOf(argv)
  const { words, flags } = readWords(argv, asked?.options ?? (argv.includes(IMPORT) ? IMPORT_OPTIONS : {}))
  const file = readFile(flags.get('config'))
  const values: Record<string, unknown> = {}
  const given = new Set<string>()
  for (const name of NAMES) {
    const text = flags.get(flagOf(name)) ?? nonEmpty(env[name]) ?? file.get(name)
    const setting: Setting<unknown> = SETTINGS[name]
    values[name] = text === undefined ? setting.default : parse(name, setting, text)
    if (text !== undefined) given.add(name)
  }
  // Every setting of the table has been given its value above.
  const config = fit(values as Config, given)
  const unknown = unknownVariables(env)
  if (asked !== undefined) return { command: undefined, admin: adminCall(asked, words, flags), config, unknown }
  const [word, ...more] = words
  const command = readCommand(word)
  const path = command === IMPORT ? more.shift() : undefined
  if (command === IMPORT && path === undefined) throw new ConfigError(`${IMPORT}: name the mosquitto.db`)
  if (more.length > 0) throw unexpected(more[0])
  const options = new Set(Object.keys(IMPORT_OPTIONS).filter((option) => flags.has(option)))
  return { command, path, options, admin: undefined, config, unknown }
}

function readCommand(word: string | undefined): Command | undefined {
  const command = COMMANDS.find((each) => each === word)
  if (command === undefined && word !== undefined)
    throw new ConfigError(
      `${JSON.stringify(word)} is not a command; run without one for the server, or with ${COMMAND_NAMES.map((each) => `'${each}'`).join(', ')}`,
    )
  return command
}

function unknownVariables(env: Environment): string[] {
  const unknown: string[] = []
  for (const name of Object.keys(env)) {
    const { meant, isForeign } = judgeUnknown(name, NAMES)
    if (meant !== undefined) throw new ConfigError(`${name} in the environment is not a setting${suggest(meant)}`)
    if (!isForeign) unknown.push(name)
  }
  return unknown
}

function suggest(name: string | undefined, prefix = ''): string {
  return name === undefined ? '; --help lists all of them' : `; ${prefix}${name} is the nearest, --help lists all`
}

function parse(name: string, setting: Setting<unknown>, given: string): unknown {
  const value = setting.parse(given)
  if (value !== undefined) return value
  const shown = setting.secret === true ? 'the given value' : JSON.stringify(given)
  throw new ConfigError(`${name} (--${flagOf(name)}): ${shown} is not allowed; it must be ${setting.allowed}`)
}

interface Words {
  /** Those that are no flags. */
  readonly words: readonly string[]
  readonly flags: ReadonlyMap<string, string>
}

/** Each flag takes the word behind it, whatever that is; the last of a name counts. */
function readWords(argv: readonly string[], own: AdminOptions): Words {
  const all = [...FLAGS, ...Object.keys(own)]
  const typeOf = (name: string) => (isValueless(own, name) ? 'boolean' : 'string')
  const options = Object.fromEntries(all.map((name) => [name, { type: typeOf(name) }] as const))
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true })
  const flags = new Map<string, string>()
  const words: string[] = []
  for (const token of tokens) {
    if (token.kind === 'option' && token.rawName.startsWith('--')) {
      if (!all.includes(token.name)) throw unknownFlag(token.name, Object.keys(own))
      const isAlone = isValueless(own, token.name)
      if (token.value === undefined && !isAlone) throw new ConfigError(`--${token.name} needs a value`)
      if (token.value !== undefined && isAlone) throw new ConfigError(`--${token.name} takes no value`)
      flags.set(token.name, token.value ?? '')
    } else if (token.kind === 'positional' && token.index === words.length) {
      words.push(token.value)
    } else {
      throw unexpected(argv[token.index])
    }
  }
  return { words, flags }
}

function isValueless(own: AdminOptions, name: string): boolean {
  return Object.hasOwn(own, name) && own[name]?.value === undefined
}

function unknownFlag(name: string, own: readonly string[]): ConfigError {
  const what = own.length === 0 ? 'a setting' : 'an option or a setting'
  return new ConfigError(`--${name} is not ${what}${suggest(nearest(name, [...own, ...NAMES.map(flagOf)]), '--')}`)
}

function readFile(path: string | undefined): Map<string, string> {
  if (path === undefined) return new Map()
  let content: unknown
  try {
    content = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new ConfigError(`--config: ${JSON.stringify(path)} is not a JSON file that can be read`, { cause: error })
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new ConfigError(`--config: ${JSON.stringify(path)} must hold one JSON object of settings`)
  }
  const unknown = Object.keys(content).find((name) => !Object.hasOwn(SETTINGS, name))
  if (unknown !== undefined)
    throw new ConfigError(`${unknown} in the configuration file is not a setting${suggest(nearest(unknown, NAMES))}`)
  return new Map(Object.entries(content).map(([name, value]) => [name, textOf(name, value)]))
}

/** `null` would be the path `null`. */
function textOf(name: string, value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  throw new ConfigError(`${name} in the configuration file must be a text or a number`)
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : value
}
