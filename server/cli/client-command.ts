/** What all commands have that ask a server: where it is, who asks, and how they are run. */
import { Option, type Command } from 'commander'
import type { Readable, Writable } from 'node:stream'
import { configOf, type Flags } from '../arguments.ts'
import type { Config } from '../settings.ts'
import { askAt, type Ask } from './ask.ts'
import type { ExitCode } from './command-error.ts'
import { Output } from './output.ts'
import { filled } from './options.ts'
import { configOption, settingOption } from './setting-options.ts'
import { httpUrl, mqttUrl, providerKey, type Environment, type WhereOptions } from './where.ts'

export interface ClientContext {
  /** Of the HTTP API. @throws ConfigError */
  readonly url: () => string
  readonly mqttUrl: () => string
  readonly env: Environment
  readonly stdin: Readable
  readonly out: Output
  /** A line on standard error. */
  readonly say: (line: string) => void
  /** Aborts when the command is to end. */
  readonly signal: AbortSignal
  /** Of the administrator, or the provider who was named. @throws ConfigError */
  readonly key: () => Promise<string>
  /** As that one. @throws ConfigError */
  readonly provider: () => Promise<Ask>
}

/** Resolves to how the command ends; nothing: well. */
export type Run = (context: ClientContext) => Promise<ExitCode | void>

/** A command that is to be run against a server. */
export interface ClientCall {
  readonly flags: Flags
  readonly options: WhereOptions & { readonly json?: true }
  readonly run: Run
}

/** Takes what the command line asks for; it runs later. */
export type Take = (command: Command, run: Run) => void

/** Declares the commands of one word. */
export type Register = (root: Command, take: Take) => void

export interface About {
  readonly about: string
  /** As they are typed, behind `aedes-push`. */
  readonly examples: readonly string[]
  /** Below the options. */
  readonly notes?: string
}

export const CONNECTION_GROUP = 'Server and key:'
const EXAMPLES = new WeakMap<Command, readonly string[]>()
const KEY_NOTE = 'Other users of this machine can see flags: give the key in PUSH_PROVIDER_KEY or in a file.'

/** Adds what a provider's command has: how it finds the server, and whose key it uses. */
export function describe(command: Command, { about, examples, notes }: About): Command {
  command.description(about)
  for (const option of WHERE) command.addOption(option)
  return withExamples(command, examples, [...(notes === undefined ? [] : [notes]), KEY_NOTE])
}

export function withExamples(command: Command, examples: readonly string[], notes: readonly string[] = []): Command {
  EXAMPLES.set(command, examples)
  const lines = examples.map((example) => `  $ aedes-push ${example}`.trimEnd())
  return command.addHelpText(
    'after',
    `\n${[...notes, ...(notes.length > 0 ? [''] : []), 'Examples:', ...lines].join('\n')}`,
  )
}

export function examplesOf(command: Command): readonly string[] {
  return EXAMPLES.get(command) ?? []
}

const WHERE: readonly Option[] = [
  new Option('--url <url>', 'the server; default http://127.0.0.1 and --http-port (PUSH_URL)').argParser(filled),
  new Option(
    '--mqtt-url <url>',
    'its MQTT; default /mqtt of --url, or --mqtt-port on this machine (PUSH_MQTT_URL)',
  ).argParser(filled),
  settingOption('PUSH_PROVIDER_KEY', 'the provider key'),
  new Option('--provider-key-file <file>', 'a file that holds it (PUSH_PROVIDER_KEY_FILE)').argParser(filled),
  settingOption(
    'PUSH_DATA_DIR',
    'the data directory of the server, for its provider.key if no key is given; default ./data',
  ),
  settingOption('PUSH_HTTP_PORT', 'port of a server on this machine; default 8080'),
  settingOption('PUSH_MQTT_PORT', 'port of a server on this machine; default 1883'),
  settingOption('PUSH_HOST', 'the address that a server on this machine listens on; default 127.0.0.1'),
  configOption(),
  new Option('--json', 'print the JSON of the HTTP response'),
].map((option) => (option.name() === 'json' ? option : option.helpGroup(CONNECTION_GROUP)))

interface Surroundings {
  readonly env: Environment
  readonly stdin: Readable
  readonly stdout: Writable
  readonly say: (line: string) => void
  readonly signal: AbortSignal
}

/** @throws ConfigError, CommandError, OutputClosed */
export async function runClient(call: ClientCall, around: Surroundings): Promise<ExitCode> {
  const { options, flags, run } = call
  const { env, stdin, stdout, say, signal } = around
  const config: Config = configOf(flags, env).config
  const url = () => httpUrl(options, config, env)
  const key = () => providerKey(options, config, env)
  const code = await run({
    url,
    mqttUrl: () => mqttUrl(options, config, env),
    env,
    stdin,
    out: new Output(stdout, options.json === true),
    say,
    signal,
    key,
    provider: async () => askAt(url(), await key()),
  })
  return code ?? 0
}
