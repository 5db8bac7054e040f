/** To whom: options of commands that name receivers, as `to` of the HTTP API has them. */
import type { Command } from 'commander'
import type { Readable } from 'node:stream'
import { ConfigError } from '../settings.ts'
import { filled, list, repeated } from './options.ts'
import { bytesFrom, bytesOf } from './where.ts'

export interface ReceiverOptions {
  readonly token?: readonly string[]
  readonly tokensFile?: string
  readonly app?: string
  readonly account?: string
  readonly appVersion?: string
  readonly appVersions?: string
  readonly anyTag?: readonly string[]
  readonly allTags?: readonly string[]
  readonly noneOfTags?: readonly string[]
}

const TO = 'Receivers:'
const OPTIONS: readonly [
  flags: string,
  about: string,
  parse: (text: string, before?: readonly string[]) => readonly string[] | string,
][] = [
  ['--token <token>', 'a message token or token id; repeat it for several', repeated],
  ['--tokens-file <file>', 'a file with one token a line; - is standard input', filled],
  ['--app <app>', 'the app of --account, --app-version or --app-versions', filled],
  ['--account <account>', 'all devices on which it is logged in to the app', filled],
  ['--app-version <version>', 'all devices with exactly that version of the app', filled],
  ['--app-versions <range>', "all devices with a version in the range, such as '>=2.1 <3', or '*'", filled],
  ['--any-tag <tags>', 'of those, devices with at least one of these comma-separated tags', list],
  ['--all-tags <tags>', 'of those, devices with all of these tags', list],
  ['--none-of-tags <tags>', 'of those, devices with none of these tags', list],
]

export function addReceivers(command: Command): Command {
  for (const [flags, about, parse] of OPTIONS)
    command.addOption(
      command
        .createOption(flags, about)
        .argParser<readonly string[] | string>((text, before) => parse(text, typeof before === 'string' ? [] : before))
        .helpGroup(TO),
    )
  return command
}

/** @throws ConfigError */
export async function receiversOf(options: ReceiverOptions, stdin: Readable): Promise<object> {
  const { app, account, appVersion, appVersions } = options
  const tokens = [...(options.token ?? []), ...(await tokensOf(options, stdin))]
  const kinds = [tokens.length > 0, account !== undefined, appVersion !== undefined, appVersions !== undefined]
  if (kinds.filter(Boolean).length !== 1)
    throw new ConfigError(
      'say to whom, in one way: --token, or --app with one of --account, --app-version and --app-versions',
    )
  const named = app === undefined ? {} : { app }
  const [first] = tokens
  if (first !== undefined) return { ...named, ...(tokens.length === 1 ? { token: first } : { tokens }) }
  if (app === undefined) throw new ConfigError('--app is missing: of which app is it?')
  if (account !== undefined) return { app, account }
  return {
    app,
    ...(appVersion === undefined ? { versions: appVersions } : { version: appVersion }),
    ...tagsOf(options),
  }
}

async function tokensOf({ tokensFile: path }: ReceiverOptions, stdin: Readable): Promise<string[]> {
  if (path === undefined) return []
  const bytes = path === '-' ? await bytesFrom(stdin) : await bytesOf('--tokens-file', path)
  const tokens = bytes.toString().split(/\s+/).filter(Boolean)
  if (tokens.length === 0) throw new ConfigError(`--tokens-file: ${JSON.stringify(path)} names no token`)
  return tokens
}

function tagsOf({ anyTag: any, allTags: all, noneOfTags: none }: ReceiverOptions): object {
  if (any === undefined && all === undefined && none === undefined) return {}
  return {
    tags: {
      ...(any === undefined ? {} : { any }),
      ...(all === undefined ? {} : { all }),
      ...(none === undefined ? {} : { none }),
    },
  }
}
