/** Runs a command that asks a running server, with the administrator's key. */
import { fileSecrets, knownSecret } from '../../auth/index.ts'
import { PROVIDER_KEY } from '../providers.ts'
import { ConfigError, named, type Config } from '../settings.ts'
import type { AdminCommand } from './admin-command.ts'
import { askAt } from './ask.ts'

/** A command as the command line gives it. */
export interface AdminCall {
  readonly command: AdminCommand
  /** Behind it. */
  readonly word: string
  readonly options: Readonly<Record<string, unknown>>
}

/** Resolves with what is to be printed. @throws ConfigError, AskError */
export async function runAdmin({ command, word, options }: AdminCall, config: Config): Promise<string> {
  const { url, json } = options
  const ask = askAt(typeof url === 'string' ? checkedUrl(url) : localUrl(config), await administratorsKey(config))
  const printed = await command.run(ask, word, options)
  return json === true ? JSON.stringify(printed.json, undefined, 2) : printed.text
}

function checkedUrl(url: string): string {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url
  throw new ConfigError(`--url: ${JSON.stringify(url)} is not allowed; it must be an http:// or https:// URL`)
}

function localUrl({ PUSH_HTTP_PORT: port }: Config): string {
  if (port === 'off' || port === 0)
    throw new ConfigError(`${named('PUSH_HTTP_PORT')}: ${port} does not say where the server is; give --url`)
  return `http://127.0.0.1:${port}`
}

async function administratorsKey({ PUSH_PROVIDER_KEY: given, PUSH_DATA_DIR: directory }: Config): Promise<string> {
  const key = given ?? (await knownSecret(fileSecrets(directory, { shared: true }), PROVIDER_KEY))
  if (key !== undefined) return key
  throw new ConfigError(
    `${named('PUSH_PROVIDER_KEY')}: there is none, and ${JSON.stringify(directory)} holds no ${PROVIDER_KEY}; give the key, or --data-dir of the server`,
  )
}
