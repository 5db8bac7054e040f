/** What `--help` and `--version` print. */
import type { AdminGroup, AdminOption } from './admin/admin-command.ts'
import { ADMIN_GROUPS, COMMON_OPTIONS, commandOf, groupOf } from './admin/groups.ts'
import { packageVersion } from '../common/package-version.ts'
import { flagOf, SETTINGS, type Setting } from './settings.ts'

const groups = Object.entries(ADMIN_GROUPS)
  .map(([name, { about }]) => `  ${name.padEnd(12)}  ${about}; ${name} --help`)
  .join('\n')

const USAGE = `aedes-push [command] [--name value ...]

commands
  (none)        the server: MQTT and HTTP
  bridge        HTTP apart from the broker: publishes into the MQTT broker of --broker-url
  export        writes all that is stored to standard output
  import        takes an export from standard input
  import-mosquitto <mosquitto.db>  [--by-user-name]
                takes retained messages, sessions and their messages of a Mosquitto that has been stopped; sessions are known by
                client id alone, as with a mosquitto.conf, or by user name and client id, as with PUSH_PASSWORD_FILE
${groups}

  --help, --version

settings
  Each is a flag, a variable of the environment, or a name in the JSON file of --config. Flags win over the environment,
  and that over the file.
`

/** Of the command that is named, where it has a help of its own. */
export function helpText([word, verb]: readonly string[] = []): string {
  const group = groupOf(word)
  if (word !== undefined && group !== undefined) return groupHelp(word, group, commandOf(group, verb) && verb)
  const settings = Object.entries<Setting<unknown>>(SETTINGS).map(([name, { about, allowed, default: standard }]) => {
    const usual = standard === undefined ? '' : `; default ${standard as string | number}`
    return `  --${flagOf(name)}  ${name}\n      ${about}; ${allowed}${usual}\n`
  })
  return `${USAGE}\n${settings.join('')}`
}

function groupHelp(name: string, { about, commands }: AdminGroup, only: string | undefined): string {
  const named = Object.entries(commands).filter(([verb]) => only === undefined || verb === only)
  const lists = named.map(([verb, command]) => {
    const usage = [`aedes-push ${name} ${verb}`, ...(command.takes === undefined ? [] : [command.takes])].join(' ')
    const options = Object.entries(command.options).map((option) => optionHelp(...option))
    const examples = command.examples.map((example) => `      $ ${`aedes-push ${name} ${verb} ${example}`.trimEnd()}\n`)
    return `${usage}\n      ${command.about}\n${options.join('')}${examples.join('')}`
  })
  const common = Object.entries(COMMON_OPTIONS).map((option) => optionHelp(...option))
  return `${about}\n\n${lists.join('\n')}\neach of them\n${common.join('')}${SETTINGS_OF_ALL}`
}

const SETTINGS_OF_ALL = `  --provider-key <key>, --data-dir <path>, --http-port <port>, --config <file>
      as for the server: the administrator's key, or where its file is, and where the server is. PUSH_PROVIDER_KEY in the
      environment is seen by fewer people than a flag.
`

function optionHelp(name: string, { value, about, required }: AdminOption<unknown>): string {
  return `  --${name}${value === undefined ? '' : ` ${value}`}\n      ${about}${required === true ? '; required' : ''}\n`
}

export function versionText(): string {
  return `${packageVersion()}\n`
}
