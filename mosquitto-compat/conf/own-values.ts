/** Values of options with a special format. */
import type { ProtocolLevel } from '../../index.ts'
import type { BridgeAddress, BridgeDirection, BridgeQos, BridgeRestart, BridgeTopic } from './bridge-options.ts'
import { ConfError } from './conf-error.ts'
import { firstWord, readText, wholeOf, wordsOf } from './values.ts'

const LEVELS: readonly ProtocolLevel[] = [3, 4, 5]

/** What is no version is passed over. */
export function readProtocolLevels(name: string, rest: string): readonly ProtocolLevel[] {
  const words = rest.split(/[, \t]/).filter((word) => word !== '')
  if (words.length === 0) throw new ConfError(`Empty '${name}' value in configuration.`)
  return LEVELS.filter((level) => words.includes(String(level)))
}

export function readAlias(name: string, rest: string): string {
  const value = readText(name, rest)
  if (Buffer.byteLength(value) > 50) throw new ConfError(`'${name}' length must be <= 50.`)
  return value
}

const DAY = 86_400
const UNITS: Readonly<Record<string, number>> = { s: 1, h: 3600, d: DAY, w: 7 * DAY, m: 30 * DAY, y: 365 * DAY }

/** In seconds. */
export function readDuration(name: string, rest: string): number {
  const [, count = '', unit = ''] = /^(\d+)([shdwmy])$/.exec(firstWord(name, rest)) ?? []
  const seconds = Number(count) * (UNITS[unit] ?? 0)
  if (seconds === 0) throw new ConfError(`Invalid '${name}' duration in configuration.`)
  return seconds
}

/** It may be larger than other numbers; what is no number is 0. */
export function readMemory(name: string, rest: string): number {
  const value = Number.parseInt(firstWord(name, rest), 10) || 0
  if (value < 0) throw new ConfError(`Invalid '${name}' value (${value}).`)
  return value
}

/** Here a word that begins with `#` ends the line. */
export function readAddresses(name: string, rest: string): readonly BridgeAddress[] {
  const words = wordsOf(rest)
  const end = words.findIndex((word) => word.startsWith('#'))
  const addresses = words.slice(0, end === -1 ? undefined : end).map((word) => {
    const colon = word.lastIndexOf(':')
    if (colon === -1) return { host: word, port: 1883 }
    const port = Number.parseInt(word.slice(colon + 1), 10) || 0
    if (port < 1 || port > 65_535) throw new ConfError(`Invalid bridge port value (${port}).`)
    return { host: word.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port }
  })
  if (addresses.length === 0) throw new ConfError(`Empty ${name} value in configuration.`)
  return addresses
}

const MOST_CAP = 7200

export function readRestart(name: string, rest: string): BridgeRestart {
  const [first, cap, stable] = wordsOf(rest)
  if (first === undefined) throw new ConfError(`Empty '${name}' value in configuration.`)
  const base = Math.min(Math.max(integer(first), 1), 3600)
  if (cap === undefined) return { base, stable: 0 }
  const highest = integer(cap)
  if (highest < base) throw new ConfError('backoff cap is lower than the base in restart_timeout.')
  const period = stable === undefined ? 0 : integer(stable)
  if (period < 0) throw new ConfError('stable connection period cannot be negative.')
  return { base, cap: Math.min(highest, MOST_CAP), stable: period }
}

/** As `atoi` has it. */
function integer(word: string): number {
  return Number.parseInt(word, 10) || 0
}

export function readTcpKeepAlive(name: string, rest: string): number {
  const words = wordsOf(rest)
  const [idle = 0] = ['idle', 'interval', 'counter'].map((part, index) => {
    const word = words[index]
    if (word === undefined) throw new ConfError(`Empty '${name}_${part}' value in configuration.`)
    const value = wholeOf(`${name}_${part}`, word)
    if (value < 1) throw new ConfError(`invalid TCP keepalive ${part} value.`)
    return value
  })
  return idle
}

export function readStartType(name: string, rest: string): 'automatic' | 'lazy' | 'once' {
  const word = firstWord(name, rest)
  if (word === 'automatic' || word === 'lazy' || word === 'once') return word
  throw new ConfError(
    word === 'manual' ? 'Manual start_type not supported.' : `Invalid 'start_type' value in configuration (${word}).`,
  )
}

const DIRECTIONS: readonly BridgeDirection[] = ['out', 'in', 'both']
const NOTHING = '""'

/** A pattern with spaces stands in quotes. */
export function readBridgeTopic(name: string, rest: string): BridgeTopic {
  const { pattern, behind } = patternOf(name, rest)
  const [direction = 'out', qos = '0', ...prefixes] = behind
  const [localPrefix = '', remotePrefix = ''] = prefixes.map((word) =>
    word === NOTHING || word.startsWith('#') ? '' : word,
  )
  const topic: BridgeTopic = {
    pattern: pattern === NOTHING ? '' : pattern,
    direction: directionOf(direction),
    qos: qosOf(qos),
    localPrefix,
    remotePrefix: prefixes[0]?.startsWith('#') === true ? '' : remotePrefix,
  }
  checkTopic(topic)
  return topic
}

function patternOf(name: string, rest: string): { readonly pattern: string; readonly behind: readonly string[] } {
  const words = wordsOf(rest)
  const [first] = words
  if (first === undefined) throw new ConfError(`Empty '${name}' value in configuration.`)
  if (!first.startsWith('"') || first.startsWith(NOTHING)) return { pattern: first, behind: words.slice(1) }
  const text = rest.trimStart().slice(1)
  const end = text.indexOf('"')
  if (end === -1)
    throw new ConfError(`Missing closing quote in topic value (${text.slice(text.indexOf(' ') + 1).trimEnd()}).`)
  return { pattern: text.slice(0, end), behind: wordsOf(text.slice(end + 1)) }
}

function directionOf(word: string): BridgeDirection {
  const direction = DIRECTIONS.find((each) => each === word.toLowerCase())
  if (direction === undefined) throw new ConfError(`Invalid bridge topic direction '${word}'.`)
  return direction
}

function qosOf(word: string): BridgeQos {
  const qos = integer(word)
  if (qos === 0 || qos === 1 || qos === 2) return qos
  throw new ConfError(`Invalid bridge QoS level '${word}'.`)
}

function checkTopic({ pattern, localPrefix, remotePrefix }: BridgeTopic): void {
  const wrong = [
    ['local', localPrefix],
    ['remote', remotePrefix],
  ].find(([, prefix = '']) => /[+#]/.test(prefix))
  if (wrong !== undefined) throw new ConfError(`Invalid bridge topic ${wrong[0]} prefix '${wrong[1]}'.`)
  if (pattern === '' && (localPrefix === '' || remotePrefix === '')) throw new ConfError('Invalid bridge remapping.')
  for (const [side, prefix] of [
    ['local', localPrefix],
    ['remote', remotePrefix],
  ] as const)
    if (!isFilter(`${prefix}${pattern}`))
      throw new ConfError(`Invalid bridge topic ${side} prefix and pattern combination '${prefix}${pattern}'.`)
}

/** [MQTT-4.7.1-1] [MQTT-4.7.1-2] */
function isFilter(filter: string): boolean {
  const levels = filter.split('/')
  return levels.every(
    (level, index) => !/[+#]/.test(level) || level === '+' || (level === '#' && index === levels.length - 1),
  )
}
