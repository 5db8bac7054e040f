/** The settings as flags. Their values stay texts: the table of settings parses them, wherever they come from. */
import { Command, Option } from 'commander'
import { flagOf, SETTINGS, type Setting } from '../settings.ts'
import { parsed } from './command-error.ts'

export const SETTINGS_GROUP = 'Settings:'

export function configOption(): Option {
  const about = 'JSON file of settings; flags and environment override it'
  return new Option('--config <file>', about).helpGroup(SETTINGS_GROUP)
}

/** Declares all of them. */
export function addSettings(command: Command): Command {
  command.addOption(configOption())
  for (const name of Object.keys(SETTINGS)) command.addOption(settingOption(name))
  return command
}

/** One setting as a flag; `about` where the command uses it otherwise than the server does. */
export function settingOption(name: string, about?: string): Option {
  const setting: Setting<unknown> | undefined = Object.entries(SETTINGS).find(([each]) => each === name)?.[1]
  if (setting === undefined) throw new Error(`${name} is not a setting`)
  const { about: its, allowed, default: standard } = setting
  const usual = standard === undefined ? '' : `; default ${standard as string | number}`
  return new Option(`--${flagOf(name)} <value>`, `${about ?? `${its}; ${allowed}${usual}`} (${name})`).helpGroup(
    SETTINGS_GROUP,
  )
}

/** Those that were given to a command, by their names without dashes. */
export function flagsOf(command: Command): Map<string, string> {
  const flags = new Map<string, string>()
  for (const option of command.options) {
    const value: unknown = command.getOptionValue(option.attributeName())
    if (typeof value === 'string' && (isSetting(option.name()) || option.name() === 'config'))
      flags.set(option.name(), value)
  }
  return flags
}

function isSetting(flag: string): boolean {
  return Object.keys(SETTINGS).some((name) => flagOf(name) === flag)
}

/** Of a command line that has nothing but settings. @throws ConfigError */
export function settingFlags(argv: readonly string[]): Map<string, string> {
  const command = addSettings(new Command('aedes-push').exitOverride().configureOutput({ writeErr: () => undefined }))
  parsed(command, () => command.allowExcessArguments(false).parse(argv, { from: 'user' }))
  return flagsOf(command)
}
