/** The hints for a person who starts the server on a terminal: where its key and its listeners are, and what to try. */
import { basename, dirname, join, relative, resolve } from 'node:path'
import { PROVIDER_KEY } from './providers.ts'
import { SETTINGS, type Config } from './settings.ts'
import type { Ports } from './workers.ts'

interface WelcomeOptions {
  readonly config: Config
  readonly ports: Ports
  /** The file that was started: the command, or a link to it. */
  readonly program: string | undefined
  /** Where a shell looks for commands. */
  readonly path: string | undefined
}

const ANY = ['0.0.0.0', '::']

/** Lines to print; never the key itself. */
export function welcomeText({ config, ports, program, path }: WelcomeOptions): string {
  const command = commandOf(program, path)
  const { http, mqtt } = flagsOf(config, ports)
  const isMqttHere = ports.mqtt !== undefined
  const lines = [
    '',
    `  Key      ${keyOf(config)}`,
    ...urlsOf(config, ports),
    '',
    '  Try, in another terminal:',
    `    ${command} token issue --app demo --device phone-1 --account ann --only-token${http} > token.txt`,
    `    ${command} listen --token-file token.txt${isMqttHere ? mqtt : ` --http${http}`} &`,
    `    ${command} send --app demo --account ann 'Hello, Ann'${http}`,
    '',
  ]
  return `${lines.join('\n')}\n`
}

function keyOf({ PUSH_PROVIDER_KEY: key, PUSH_DATA_DIR: folder }: Config): string {
  return key === undefined ? join(folder, PROVIDER_KEY) : 'the one of PUSH_PROVIDER_KEY; the commands below want it too'
}

function urlsOf({ PUSH_HOST: host, PUSH_CONSOLE: console }: Config, ports: Ports): string[] {
  const at = (protocol: string, port: number) => `${protocol}://${authority(host)}:${port}`
  const web = ports.http === undefined ? at('https', ports.https ?? 0) : at('http', ports.http)
  return [
    `  HTTP     ${web}`,
    ...(console === 'off' ? [] : [`  Console  ${web}/console`]),
    ...(ports.mqtt === undefined ? [] : [`  MQTT     ${at('mqtt', ports.mqtt)}`]),
    ...(ports.mqtts === undefined ? [] : [`  MQTT     ${at('mqtts', ports.mqtts)}`]),
    ...(ports.https === undefined || ports.http === undefined ? [] : [`  HTTPS    ${at('https', ports.https)}`]),
  ]
}

function authority(host: string): string {
  if (ANY.includes(host)) return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}

/** What a command needs in a terminal that has none of these settings, for HTTP and for MQTT. */
function flagsOf(config: Config, ports: Ports): { readonly http: string; readonly mqtt: string } {
  const { PUSH_HOST: host, PUSH_DATA_DIR: folder } = config
  const hosts = ANY.includes(host) || host === SETTINGS.PUSH_HOST.default ? '' : ` --host ${quoted(host)}`
  const isDefaultFolder = resolve(folder) === resolve(SETTINGS.PUSH_DATA_DIR.default)
  const keys = config.PUSH_PROVIDER_KEY !== undefined || isDefaultFolder ? '' : ` --data-dir ${quoted(resolve(folder))}`
  if (ports.http === undefined)
    return {
      http: `${keys} --url https://${authority(host)}:${ports.https ?? 0}`,
      mqtt: `${hosts}${portFlag('mqtt', ports)}`,
    }
  return { http: `${keys}${hosts}${portFlag('http', ports)}`, mqtt: `${hosts}${portFlag('mqtt', ports)}` }
}

function portFlag(listener: 'http' | 'mqtt', { [listener]: port }: Ports): string {
  const standard = listener === 'http' ? SETTINGS.PUSH_HTTP_PORT.default : SETTINGS.PUSH_MQTT_PORT.default
  return port === undefined || port === standard ? '' : ` --${listener}-port ${port}`
}

/** As the same shell would start it again. */
function commandOf(program: string | undefined, path = ''): string {
  if (program === undefined) return 'aedes-push'
  const near = relative('', program)
  if (basename(program) !== 'aedes-push') return `node ${quoted(near.startsWith('..') ? program : near)}`
  return path.split(':').includes(dirname(program)) ? 'aedes-push' : quoted(program)
}

/** For a POSIX shell. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}
