/** Where the server is that a command asks, and who asks. */
import { readFile } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { fileSecrets, knownSecret } from '../../auth/index.ts'
import { PROVIDER_KEY } from '../providers.ts'
import { ConfigError, named, type Config } from '../settings.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Options of every command that asks a server. */
export interface WhereOptions {
  readonly url?: string
  readonly mqttUrl?: string
  readonly providerKeyFile?: string
}

/** Options of every command that is a device. */
export interface DeviceOptions {
  readonly token?: string
  readonly tokenFile?: string
}

const WEB = ['http:', 'https:']
const MQTT = ['mqtt:', 'mqtts:', 'ws:', 'wss:']

/** Of the HTTP API, without a slash at its end. @throws ConfigError */
export function httpUrl({ url }: WhereOptions, { PUSH_HTTP_PORT: port, PUSH_HOST: host }: Config, env: Environment) {
  const given = url ?? nonEmpty(env.PUSH_URL)
  if (given !== undefined)
    return checked(url === undefined ? 'PUSH_URL' : '--url', given, WEB, 'an http:// or https:// URL')
  return `http://${hostOf(host)}:${portOf('PUSH_HTTP_PORT', port, '--url')}`
}

/** Beside the HTTP API of a remote server, MQTT over WebSocket is at `/mqtt`. @throws ConfigError */
export function mqttUrl(options: WhereOptions, config: Config, env: Environment): string {
  const given = options.mqttUrl ?? nonEmpty(env.PUSH_MQTT_URL)
  if (given !== undefined) {
    const name = options.mqttUrl === undefined ? 'PUSH_MQTT_URL' : '--mqtt-url'
    return checked(name, given, MQTT, 'an mqtt://, mqtts://, ws:// or wss:// URL')
  }
  if ((options.url ?? nonEmpty(env.PUSH_URL)) !== undefined)
    return `${httpUrl(options, config, env).replace(/^http/, 'ws')}/mqtt`
  return `mqtt://${hostOf(config.PUSH_HOST)}:${portOf('PUSH_MQTT_PORT', config.PUSH_MQTT_PORT, '--mqtt-url')}`
}

function checked(name: string, given: string, protocols: readonly string[], allowed: string): string {
  if (URL.canParse(given) && protocols.includes(new URL(given).protocol)) return given.replace(/\/+$/, '')
  throw new ConfigError(`${name}: ${JSON.stringify(given)} is not allowed; it must be ${allowed}`)
}

function portOf(name: 'PUSH_HTTP_PORT' | 'PUSH_MQTT_PORT', port: number | 'off', option: string): number {
  if (port !== 'off' && port !== 0) return port
  throw new ConfigError(`${named(name)}: ${port} does not say where the server is; give ${option}`)
}

/** A server that listens on every address listens on this machine's own too. */
function hostOf(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}

/** @throws ConfigError */
export async function providerKey(
  { providerKeyFile }: WhereOptions,
  { PUSH_PROVIDER_KEY: given, PUSH_DATA_DIR: directory }: Config,
  env: Environment,
): Promise<string> {
  const file = providerKeyFile ?? (given === undefined ? nonEmpty(env.PUSH_PROVIDER_KEY_FILE) : undefined)
  const name = providerKeyFile === undefined ? 'PUSH_PROVIDER_KEY_FILE' : '--provider-key-file'
  if (file !== undefined) return await secretOf(name, file)
  const key = given ?? (await knownSecret(fileSecrets(directory, { shared: true }), PROVIDER_KEY))
  if (key !== undefined) return key
  throw new ConfigError(
    `${named('PUSH_PROVIDER_KEY')}: there is none, and ${JSON.stringify(directory)} holds no ${PROVIDER_KEY}; give the key, or --data-dir of the server`,
  )
}

/** @throws ConfigError */
export async function deviceToken(
  { token, tokenFile }: DeviceOptions,
  env: Environment,
  stdin: Readable,
): Promise<string> {
  if (token !== undefined) return token
  if (tokenFile === '-') return oneLine('--token-file', await textOf(stdin))
  if (tokenFile !== undefined) return await secretOf('--token-file', tokenFile)
  const given = nonEmpty(env.PUSH_TOKEN)
  if (given !== undefined) return given
  const file = nonEmpty(env.PUSH_TOKEN_FILE)
  if (file !== undefined) return await secretOf('PUSH_TOKEN_FILE', file)
  throw new ConfigError('--token-file: give the message token of the device, or set PUSH_TOKEN')
}

async function secretOf(name: string, path: string): Promise<string> {
  return oneLine(name, (await bytesOf(name, path)).toString())
}

function oneLine(name: string, text: string): string {
  const secret = text.trim()
  if (/^\S+$/.test(secret)) return secret
  throw new ConfigError(`${name}: it must hold one word, and nothing else`)
}

/** @throws ConfigError */
export async function bytesOf(name: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new ConfigError(`${name}: ${JSON.stringify(path)} cannot be read (${why})`, { cause: error })
  }
}

/** All of it, at most what a server would take. */
export async function bytesFrom(stdin: Readable): Promise<Buffer> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of stdin) {
    const bytes = Buffer.from(piece as Uint8Array | string)
    size += bytes.byteLength
    if (size > MOST_BYTES) throw new ConfigError(`standard input holds more than ${MOST_BYTES} bytes`)
    pieces.push(bytes)
  }
  return Buffer.concat(pieces)
}

const MOST_BYTES = 256 * 1024 * 1024

async function textOf(stdin: Readable): Promise<string> {
  return (await bytesFrom(stdin)).toString()
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}
