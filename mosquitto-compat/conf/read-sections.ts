/** Reads a configuration file, line by line, as Mosquitto does. */
import { nearest } from '../../common/nearest.ts'
import { ConfError, ConfErrors, type Place, placed } from './conf-error.ts'
import { ALTERNATIVES, type Option, type OptionName, OPTIONS, type Scope } from './options.ts'
import {
  type BridgeSection,
  DEFAULT_PORT,
  type ListenerSection,
  listenerSection,
  type PluginSection,
  type Sections,
  Values,
} from './sections.ts'
import { flag, readText, wholeOf, wordsOf } from './values.ts'

/** What a configuration is read from. */
export interface ConfFiles {
  /** @throws where it cannot be read */
  read(path: string): Uint8Array
  /** Names in a folder. @throws where it cannot be read */
  list(folder: string): readonly string[]
}

const LINE_FEED = 10
const OPTION_OF_PLUGIN = /^(plugin|auth)_opt_/

/** @throws ConfError, ConfErrors */
export function readSections(path: string, files: ConfFiles): Sections {
  const reader = new Reader(files)
  reader.readFile(path)
  return reader.end()
}

/** What the file that is read has come to: it is neither carried into an included file nor out of it. */
interface Current {
  readonly isMain: boolean
  listener?: ListenerSection
  bridge?: BridgeSection
  plugin?: PluginSection
}

class Reader {
  readonly #files: ConfFiles
  readonly #global = new Values<'global'>()
  readonly #security = new Values<'security'>()
  readonly #plugins: PluginSection[] = []
  /** By the names that `plugin_load` gives them. */
  readonly #loaded = new Map<string, PluginSection>()
  readonly #listeners: ListenerSection[] = []
  readonly #bridges: BridgeSection[] = []
  readonly #warnings: string[] = []
  readonly #refused: ConfError[] = []
  #default: ListenerSection | undefined
  #localOnly = true
  #perListener = false
  /** An option that per_listener_settings moves has been read. */
  #hasSecurity = false

  constructor(files: ConfFiles) {
    this.#files = files
  }

  end(): Sections {
    if (this.#refused.length > 0) throw new ConfErrors(this.#refused)
    return {
      global: this.#global,
      security: this.#security,
      plugins: this.#plugins,
      perListener: this.#perListener,
      listeners: this.#listeners,
      localOnly: this.#localOnly,
      bridges: this.#bridges,
      warnings: this.#warnings,
    }
  }

  readFile(path: string, isMain = true): void {
    const current: Current = { isMain }
    for (const [index, line] of linesOf(this.#open(path)).entries()) {
      const place = { file: path, line: index + 1 }
      try {
        if (line.includes('\0')) throw new ConfError('A line with a zero byte.')
        // Also a line that ends with a carriage return alone, as Mosquitto has it.
        if (!/^(#|\r|$)/.test(line)) this.#line(line.replace(/\r+$/, ''), place, current)
      } catch (error) {
        throw error instanceof ConfError && error.place === undefined
          ? new ConfError(error.message, place, { cause: error })
          : error
      }
    }
  }

  #open(path: string): Uint8Array {
    try {
      return this.#files.read(path)
    } catch (error) {
      const isFolder = (error as NodeJS.ErrnoException).code === 'EISDIR'
      throw new ConfError(
        isFolder ? `Config file '${path}' is a directory.` : `Unable to open config file '${path}'.`,
        undefined,
        { cause: error },
      )
    }
  }

  #line(line: string, place: Place, current: Current): void {
    const start = line.trimStart()
    const [word = ''] = wordsOf(line)
    if (word === '') return
    const from = line.indexOf(word) + word.length
    const rest = line.slice(from + 1)
    if (OPTION_OF_PLUGIN.test(word)) return optionOfPlugin(word, rest, place, current)
    const name = ALTERNATIVES[word] ?? word
    if (!isOption(name)) throw unknownOption(word, start)
    const option: Option = OPTIONS[name]
    if (option.scope === 'section') return this.#section(name, rest, place, current)
    const into = this.#into(option.scope, word, current)
    const value = option.value.read(word, rest)
    if (option.fate === 'refused' && value !== option.harmless)
      this.#refused.push(new ConfError(`The '${word}' option is not supported: ${option.about}.`, place))
    if (option.fate === 'accepted')
      this.#warnings.push(`The '${word}' option has no effect here: ${option.about} (${placed(place)}).`)
    into?.set(name, value, place)
  }

  /** Undefined if nothing keeps the value. */
  #into(scope: Scope, word: string, current: Current): Pick<Values<Scope>, 'set'> | undefined {
    switch (scope) {
      case 'security':
        this.#hasSecurity = true
        return this.#perListener ? needed(current.listener, word).security : this.#security
      case 'listener':
        return needed(current.listener, word).own
      case 'default listener':
        return this.#listenerOrDefault(word, current).own
      case 'bridge':
        if (current.bridge === undefined)
          throw new ConfError(`The '${word}' option requires a bridge to be defined first.`)
        return current.bridge.own
      case 'plugin':
        if (current.plugin === undefined)
          throw new ConfError(`The '${word}' option requires plugin/global_plugin/plugin_load to be defined first.`)
        return undefined
      default:
        return this.#global
    }
  }

  /** Mosquitto opens port 1883 for what stands before the first listener, even where others follow. */
  #listenerOrDefault(word: string, current: Current): ListenerSection {
    current.listener ??= this.#default ?? this.#addDefault({ file: '', line: 0 }, word)
    return current.listener
  }

  #addDefault(place: Place, word: string): ListenerSection {
    this.#default = listenerSection(place, DEFAULT_PORT, undefined)
    this.#listeners.push(this.#default)
    this.#warnings.push(`'${word}' without a 'listener' above it is of a listener on port ${DEFAULT_PORT}.`)
    return this.#default
  }

  #section(name: OptionName, rest: string, place: Place, current: Current): void {
    switch (name) {
      case 'listener':
        return this.#listener(rest, place, current)
      case 'port':
      case 'bind_address':
        return this.#defaultListener(name, rest, place, current)
      case 'connection':
        return this.#connection(rest, place, current)
      case 'include_dir':
        return this.#include(rest, current)
      case 'per_listener_settings':
        return this.#perListenerSettings(rest)
      case 'plugin_use':
        return this.#usePlugin(rest, current)
      default:
        return this.#plugin(name, rest, place, current)
    }
  }

  #listener(rest: string, place: Place, current: Current): void {
    const [port = '', host] = wordsOf(rest)
    if (port === '') throw new ConfError("Empty 'listener port' value in configuration.")
    const number = wholeOf('listener port', port)
    if (number < 0 || number > 65_535) throw new ConfError(`Invalid 'port' value (${number}).`)
    const address = host?.startsWith('#') === true ? undefined : host
    if (number === 0 && address === undefined)
      throw new ConfError('A listener with port 0 must provide a Unix socket path.')
    this.#localOnly = false
    current.listener = listenerSection(place, number, address)
    this.#listeners.push(current.listener)
  }

  #defaultListener(name: 'port' | 'bind_address', rest: string, place: Place, current: Current): void {
    this.#localOnly = false
    if (this.#default === undefined) {
      this.#default = listenerSection(place, DEFAULT_PORT, undefined)
      this.#listeners.push(this.#default)
    }
    current.listener = this.#default
    if (name === 'bind_address') {
      if (this.#default.host !== undefined)
        throw new ConfError("Duplicate 'default listener bind_address' value in configuration.")
      this.#default.host = readText('default listener bind_address', rest)
      return
    }
    const [word = ''] = wordsOf(rest)
    if (word === '') throw new ConfError("Empty 'port' value in configuration.")
    const port = wholeOf('port', word)
    if (port < 1 || port > 65_535) throw new ConfError(`Invalid 'port' value (${port}).`)
    this.#default.port = port
  }

  #connection(rest: string, place: Place, current: Current): void {
    const [name] = wordsOf(rest)
    if (name === undefined) throw new ConfError("Empty 'connection' value in configuration.")
    if (this.#bridges.some((bridge) => bridge.name === name)) throw new ConfError(`Duplicate bridge name '${name}'.`)
    current.bridge = { place, name, own: new Values() }
    this.#bridges.push(current.bridge)
  }

  #include(rest: string, current: Current): void {
    if (!current.isMain) throw new ConfError('The include_dir option is only valid in the main configuration file.')
    // Spaces at its end are the folder's, as Mosquitto has it; before it they are not.
    const folder = rest.trimStart()
    if (folder === '') throw new ConfError("Empty 'include_dir' value in configuration.")
    let names: readonly string[]
    try {
      names = this.#files.list(folder)
    } catch (error) {
      throw new ConfError(`Unable to open include_dir '${folder}'.`, undefined, { cause: error })
    }
    const included = names.filter((name) => name.length > '.conf'.length && name.endsWith('.conf'))
    for (const name of included.toSorted(inOrder)) this.readFile(`${folder}/${name}`, false)
  }

  /** What it is set to later counts no more. */
  #perListenerSettings(rest: string): void {
    if (this.#perListener) return
    this.#perListener = flag.read('per_listener_settings', rest)
    if (this.#perListener && this.#hasSecurity)
      throw new ConfError('per_listener_settings must be set before any other security settings.')
  }

  #plugin(name: OptionName, rest: string, place: Place, current: Current): void {
    const words = wordsOf(rest)
    const [alias] = words
    if (name === 'plugin_load' && alias === undefined)
      throw new ConfError("Empty 'plugin_load' value in configuration.")
    const path = (name === 'plugin_load' ? rest.trimStart().slice((alias ?? '').length) : rest).trim()
    if (path === '') throw new ConfError(`Empty '${name}' value in configuration.`)
    const plugin: PluginSection = { place, path, options: new Map() }
    current.plugin = plugin
    if (!isKnownPlugin(path))
      this.#refused.push(new ConfError(`The plugin '${path}' cannot be loaded: ${insteadOf(path)}.`, place))
    if (name === 'plugin_load') {
      if (this.#loaded.has(alias ?? '')) throw new ConfError(`Duplicate plugin name '${alias}'.`)
      this.#loaded.set(alias ?? '', plugin)
    } else if (name === 'global_plugin') {
      this.#plugins.push(plugin)
    } else {
      this.#hasSecurity = true
      if (this.#perListener) needed(current.listener, name).plugins.push(plugin)
      else this.#plugins.push(plugin)
    }
  }

  #usePlugin(rest: string, current: Current): void {
    const listener = current.listener
    if (listener === undefined || listener === this.#default)
      throw new ConfError("The 'plugin_use' option requires a listener to be defined first.")
    const name = readText('plugin_use', rest)
    const plugin = this.#loaded.get(name)
    if (plugin === undefined) throw new ConfError(`Plugin '${name}' not previously loaded.`)
    current.plugin = plugin
    listener.plugins.push(plugin)
  }
}

function needed(listener: ListenerSection | undefined, word: string): ListenerSection {
  if (listener === undefined) throw new ConfError(`The '${word}' option requires a listener to be defined first.`)
  return listener
}

function isOption(name: string): name is OptionName {
  return Object.hasOwn(OPTIONS, name) && name !== 'plugin_opt_*'
}

function unknownOption(word: string, start: string): ConfError {
  const unknown = `Unknown configuration variable '${word.replaceAll('\t', '\\t')}'.`
  if (word.startsWith('#')) return new ConfError(`${unknown} A comment has its # in the first column.`)
  if (start.includes('\t') && word.includes('\t'))
    return new ConfError(`${unknown} Spaces part name and value, tabs do not.`)
  const meant = nearest(word, [...Object.keys(OPTIONS), ...Object.keys(ALTERNATIVES)])
  return new ConfError(meant === undefined ? unknown : `${unknown} ${meant} is the nearest.`)
}

function optionOfPlugin(word: string, rest: string, place: Place, { plugin }: Current): void {
  if (plugin === undefined)
    throw new ConfError(`The '${word}' option requires plugin/global_plugin/plugin_load to be defined first.`)
  const name = word.replace(OPTION_OF_PLUGIN, '')
  // With a name and a value of one character at least.
  if (name.length < 3) throw new ConfError("Invalid 'plugin_opt_' config option.")
  const value = rest.trim()
  if (value === '') throw new ConfError(`Empty '${name}' value in configuration.`)
  plugin.options.set(name, { value, place })
}

const KNOWN_PLUGINS = ['mosquitto_password_file.so', 'mosquitto_acl_file.so']

export function pluginName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function isKnownPlugin(path: string): boolean {
  return KNOWN_PLUGINS.includes(pluginName(path))
}

function insteadOf(path: string): string {
  if (path.includes('dynamic_security')) return 'use password_file and acl_file in place of dynamic security'
  if (path.includes('persist')) return 'everything is stored by itself; leave the line out'
  return 'plugins are programs for Mosquitto alone; use password_file and acl_file, or write a program with createPush and its `users`'
}

function linesOf(bytes: Uint8Array): string[] {
  const lines: string[] = []
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(LINE_FEED, from)
    const to = end === -1 ? bytes.length : end
    lines.push(Buffer.from(bytes.subarray(from, to)).toString('utf8'))
    from = to + 1
  }
  return lines
}

/** As the manual page has it: letters without case first, then the upper case before the lower. */
function inOrder(one: string, other: string): number {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const [x = 0, y = 0] = [a[index], b[index]]
    const without = upper(x) - upper(y)
    if (without !== 0) return without
    if (x !== y) return x - y
  }
  return a.length - b.length
}

function upper(byte: number): number {
  return byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte
}
