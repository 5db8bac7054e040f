/** What `--help` and `--version` print. */
import { existsSync, readFileSync } from 'node:fs'
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
  const settings = Object.entries<Setting<unknown>>(SETTINGS).map(([name, { about, allowed, fallback }]) => {
    const usual = fallback === undefined ? '' : `; default ${fallback as string | number}`
    return `  --${flagOf(name)}  ${name}\n      ${about}; ${allowed}${usual}\n`
  })
  return `${USAGE}\n${settings.join('')}`
}

/** Of the package: beside the sources, and above what is built of them. */
export function versionText(): string {
  const [path] = ['../package.json', '../../package.json']
    .map((name) => new URL(name, import.meta.url))
    .filter((url) => existsSync(url))
  if (path === undefined) throw new Error('package.json is missing')
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string }
  return `${version}\n`
}
