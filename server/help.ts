/** What `--help` and `--version` print. */
import { packageVersion } from '../common/package-version.ts'
import { flagOf, SETTINGS, type Setting } from './settings.ts'

const USAGE = `aedes-push [command] [--name value ...]

commands
  (none)    the server: MQTT and HTTP
  bridge    HTTP apart from the broker: publishes into the MQTT broker of --broker-url
  export    writes all that is stored to standard output
  import    takes an export from standard input

  --help, --version

settings
  Each is a flag, a variable of the environment, or a name in the JSON file of --config. Flags win over the environment,
  and that over the file.
`

export function helpText(): string {
  const settings = Object.entries<Setting<unknown>>(SETTINGS).map(([name, { about, allowed, default: standard }]) => {
    const usual = standard === undefined ? '' : `; default ${standard as string | number}`
    return `  --${flagOf(name)}  ${name}\n      ${about}; ${allowed}${usual}\n`
  })
  return `${USAGE}\n${settings.join('')}`
}

export function versionText(): string {
  return `${packageVersion()}\n`
}
