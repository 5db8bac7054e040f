/** The command line, read with commander: which command it names, and with what. Nothing is run here. */
import { Argument, Command, CommanderError, Help, type Option } from 'commander'
import { nearest } from '../../common/nearest.ts'
import { packageVersion } from '../../common/package-version.ts'
import type { Flags } from '../arguments.ts'
import { ConfigError } from '../settings.ts'
import { CATALOG, entryOf } from './catalog.ts'
import { type ClientCall, CONNECTION_GROUP, examplesOf, type Take, withExamples } from './client-command.ts'
import { nameOf, parsed } from './command-error.ts'
import { addSettings, flagsOf, SETTINGS_GROUP } from './setting-options.ts'

const TRANSFERS = ['export', 'import', 'import-mosquitto'] as const

export interface ServerCall {
  /** Undefined: the server. */
  readonly command: 'bridge' | (typeof TRANSFERS)[number] | undefined
  /** The file that `import-mosquitto` names. */
  readonly path: string | undefined
  readonly byUserName: boolean
  readonly json: boolean
  readonly flags: Flags
}

export type Asked =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'server'; readonly call: ServerCall }
  | { readonly kind: 'client'; readonly call: ClientCall }

/** @throws ConfigError */
export async function readCommandLine(argv: readonly string[]): Promise<Asked> {
  const words = argv[0] === 'help' ? [...argv.slice(1), '--help'] : argv
  const own = words.includes('--') ? words.slice(0, words.indexOf('--')) : words
  const takes = new Taken()
  const root = await programOf(words[0], takes)
  // Who wants help does not know the order: it stands wherever it is written.
  if (own.includes('--help') || own.includes('-h')) return { kind: 'text', text: helpOf(commandAt(root, words)) }
  if (own.includes('--version')) return { kind: 'text', text: `${packageVersion()}\n` }
  parsed(commandAt(root, words), () => parse(root, words))
  if (takes.asked === undefined) throw new Error('a command took nothing')
  return takes.asked
}

function parse(root: Command, words: readonly string[]): void {
  try {
    root.parse(words, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError) || error.code !== 'commander.help') throw error
    const at = commandAt(root, words)
    const names = at.commands.map((each) => each.name()).join(', ')
    throw new ConfigError(`${at.name()}: a command is missing; use one of ${names}`, { cause: error })
  }
}

const WIDTH = 120

/** What a command is for comes first; settings, and how it finds the server, last. */
class OrderedHelp extends Help {
  override groupItems<T extends Command | Option>(
    all: T[],
    visible: T[],
    groupOf: (item: T) => string,
  ): Map<string, T[]> {
    const groups = super.groupItems(all, visible, groupOf)
    const isLast = (name: string) => name === CONNECTION_GROUP || name === SETTINGS_GROUP
    return new Map([...groups].sort(([one], [other]) => Number(isLast(one)) - Number(isLast(other))))
  }
}

class OrderedCommand extends Command {
  override createCommand(name?: string): Command {
    return new OrderedCommand(name)
  }

  override createHelp(): Help {
    return Object.assign(new OrderedHelp(), this.configureHelp())
  }
}

class Taken {
  asked: Asked | undefined

  server(command: Command, name: ServerCall['command'], path?: string): void {
    const { byUserName, json } = command.opts<{ readonly byUserName?: true; readonly json?: true }>()
    const call = { command: name, path, byUserName: byUserName === true, json: json === true, flags: flagsOf(command) }
    this.asked = { kind: 'server', call }
  }

  client: Take = (command, run) => {
    this.asked = { kind: 'client', call: { flags: flagsOf(command), options: command.opts(), run } }
  }
}

/** With all of the command that is named, and a line about each of the others. */
async function programOf(word: string | undefined, takes: Taken): Promise<Command> {
  const root = new OrderedCommand('aedes-push')
    .exitOverride()
    .allowExcessArguments(false)
    .helpCommand(false)
    .configureOutput({ writeOut: () => undefined, writeErr: () => undefined, getOutHelpWidth: () => WIDTH })
  const named = entryOf(word)
  if (named?.load !== undefined) {
    const { register } = await named.load()
    register(root, takes.client)
    for (const each of root.commands) each.helpCommand(false)
  } else if (word === 'bridge') addBridge(root, takes)
  else if (named !== undefined) addTransfer(root, takes)
  if (named === undefined) addServer(root, takes)
  return root
}

function addServer(root: Command, takes: Taken): void {
  root
    .description('Without a command, run the server (MQTT and HTTP). With a command, do one of these:')
    .usage('[command] [--name value ...]')
    .version(packageVersion(), '--version')
    .addArgument(new Argument('[command]').argOptional())
    .configureHelp({ visibleArguments: () => [] })
  for (const [name, { about, group }] of Object.entries(CATALOG))
    root.command(name).description(about).helpGroup(group).allowUnknownOption().allowExcessArguments().action(isLate)
  addSettings(root)
  withExamples(
    root,
    ['', '--mqtt-port 0 --data-dir ./data', 'send --help'],
    [
      'A setting is a flag, an environment variable, or a name in the JSON file of --config. Flags override the environment,',
      'which overrides the file. Other users of this machine can see flags: put secrets into the environment or a file.',
    ],
  )
  listSettings(root)
  root.action((word: string | undefined) => {
    if (word !== undefined) throw unknownCommand(word)
    takes.server(root, undefined)
  })
}

/** Behind all else, since there are many of them. */
function listSettings(root: Command): void {
  const settings = root.options.filter(({ helpGroupHeading }) => helpGroupHeading === SETTINGS_GROUP)
  for (const option of settings) option.hideHelp()
  root.addHelpText('after', () => {
    const help = new Help()
    help.prepareContext({ helpWidth: WIDTH })
    const width = Math.max(...settings.map((option) => help.optionTerm(option).length))
    const lines = settings.map((option) => help.formatItem(help.optionTerm(option), width, option.description, help))
    return `\n${SETTINGS_GROUP}\n${lines.join('\n')}`
  })
}

/** A command behind flags: whose they are would be a guess. */
function isLate(...args: readonly unknown[]): never {
  const command = args.at(-1)
  const name = command instanceof Command ? command.name() : ''
  throw new ConfigError(`"${name}" is a command: it comes first, then its flags, as --name value`)
}

function unknownCommand(word: string): ConfigError {
  const names = Object.keys(CATALOG)
  const meant = nearest(word, names)
  const others = meant === undefined ? names.map((name) => `'${name}'`).join(', ') : `'${meant}', which is the nearest`
  return new ConfigError(
    `${JSON.stringify(word)} is not a command; run aedes-push without a command for the server, or with ${others}`,
  )
}

function addBridge(root: Command, takes: Taken): void {
  const bridge = root
    .command('bridge')
    .description('Serve POST /v1/messages, and publish the messages to any MQTT broker.')
  addSettings(bridge).action(() => takes.server(bridge, 'bridge'))
  withExamples(bridge, ['bridge --broker-url mqtt://127.0.0.1:$BROKER_PORT --http-port 0'])
}

function addTransfer(root: Command, takes: Taken): void {
  const settings = 'The settings select the store: --data-dir, or --redis-url and --redis-prefix.'
  const out = root
    .command('export')
    .description('Write everything that is stored to standard output, as lines of JSON.')
  out
    .option('--json', 'print what was exported as JSON: the last line of standard error')
    .action(() => takes.server(out, 'export'))
  withExamples(
    addSettings(out),
    ['export --data-dir ./data > push.jsonl', 'export --json --data-dir ./data > push.jsonl 2> counts.txt'],
    [
      settings,
      'With the embedded store, stop the server first. The export contains keys and messages: keep it secret.',
    ],
  )
  const taken = root.command('import').description('Read an export from standard input. It is safe to run again.')
  taken.option('--json', 'print what was imported as JSON').action(() => takes.server(taken, 'import'))
  withExamples(
    addSettings(taken),
    ['import --data-dir ./other < push.jsonl', 'import --json --data-dir ./other < push.jsonl'],
    [settings],
  )
  const mosquitto = root
    .command('import-mosquitto <file>')
    .description(
      'Import retained messages, and sessions with their messages, from the mosquitto.db of a stopped Mosquitto.',
    )
    .option('--by-user-name', 'identify sessions by user name and client id, as with PUSH_PASSWORD_FILE')
    .option('--json', 'print what was imported as JSON')
    .action((path: string) => takes.server(mosquitto, 'import-mosquitto', path))
  withExamples(
    addSettings(mosquitto),
    ['import-mosquitto mosquitto.db --data-dir ./data'],
    [settings, 'Without --by-user-name, a session is identified by its client id alone, as with a mosquitto.conf.'],
  )
}

/** The one that the words name, as far as they do. */
function commandAt(root: Command, words: readonly string[]): Command {
  let at = root
  for (const word of words) {
    const next = at.commands.find((command) => command.name() === word)
    if (next === undefined) return at
    at = next
  }
  return at
}

/** Of a group, with the examples of all of its commands. The server has many settings: its commands come first. */
function helpOf(command: Command): string {
  let text = ''
  command.configureOutput({ writeOut: (piece) => void (text += piece), getOutHelpWidth: () => WIDTH })
  const within = command.parent === null ? [] : command.commands
  if (within.length > 0)
    withExamples(command, within.flatMap(examplesOf), [
      `${nameOf(command)} <command> --help shows the options of a command.`,
    ])
  command.outputHelp()
  return text
}
