/**
 * Reads the settings once, at start: from the environment, from flags with the same names (`PUSH_MQTT_PORT` is
 * `--mqtt-port`), or from a JSON file (`--config`). Flags override the environment, and the environment overrides the
 * file.
 */
import { readFileSync } from 'node:fs'
import { nearest } from '../common/nearest.ts'
import { settingFlags } from './cli/setting-options.ts'
import { ConfigError, flagOf, SETTINGS, type Config, type Setting, type SettingName } from './settings.ts'
import { fit } from './settings-fit.ts'
import { judgeUnknown } from './unknown-settings.ts'

const NAMES = Object.keys(SETTINGS) as readonly SettingName[]

type Environment = Readonly<Record<string, string | undefined>>

/** By their names without dashes, such as `mqtt-port`. */
export type Flags = ReadonlyMap<string, string>

export interface ReadConfig {
  readonly config: Config
  /** Variables whose names begin like settings, and are none. */
  readonly unknown: readonly string[]
}

/** From flags alone, as the server takes them. @throws ConfigError */
export function readConfig(argv: readonly string[], env: Environment): ReadConfig {
  return configOf(settingFlags(argv), env)
}

/** @throws ConfigError */
export function configOf(flags: Flags, env: Environment): ReadConfig {
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
  return { config: fit(values as Config, given), unknown: unknownVariables(env) }
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

function suggest(name: string | undefined): string {
  return name === undefined ? '; --help lists all of them' : `; ${name} is the nearest, --help lists all`
}

function parse(name: string, setting: Setting<unknown>, given: string): unknown {
  const value = setting.parse(given)
  if (value !== undefined) return value
  const shown = setting.secret === true ? 'the given value' : JSON.stringify(given)
  throw new ConfigError(`${name} (--${flagOf(name)}): ${shown} is not allowed; it must be ${setting.allowed}`)
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
