/** Checks the options of `createPush`, because types do not protect an embedding program at run time. */
import { BlockList, isIPv6 } from 'node:net'
import { inspect } from 'node:util'
import { ALGORITHMS, createProviders } from '../auth/index.ts'
import { CONSOLE_MODES, isPublicUrl, isRetries, isTargetHost } from '../bridge/index.ts'
import { isOrigin } from '../common/origins.ts'
import { isKeyPrefix, parseAddress } from '../store/index.ts'

/** Describes what a value must be, after "must be". Undefined: the value is valid. */
export type Check = (value: unknown) => string | undefined

const allowed =
  (isAllowed: (value: unknown) => boolean, what: string): Check =>
  (value) =>
    isAllowed(value) ? undefined : what

const isText = (value: unknown) => typeof value === 'string' && value !== ''
const isFunction = (value: unknown) => typeof value === 'function'
const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value)
const hasMethods = (value: unknown, names: readonly string[]) =>
  isObject(value) && names.every((name) => isFunction(Reflect.get(Object(value), name)))
/** As a Host header has it: in lower case, without port; an IPv6 address without brackets. */
const isHostName = (value: unknown) =>
  typeof value === 'string' && (/^(\*|[a-z0-9._-]+)$/.test(value) || (isIPv6(value) && value === value.toLowerCase()))

function isWebhookRules(value: unknown): boolean {
  if (!isObject(value)) return false
  const { networks, httpHosts, retries, ...others } = Object(value) as Record<string, unknown>
  return (
    Object.keys(others).length === 0 &&
    (networks === undefined || networks instanceof BlockList) &&
    (httpHosts === undefined || (Array.isArray(httpHosts) && httpHosts.every(isTargetHost))) &&
    (retries === undefined || isRetries(retries))
  )
}

const LOGGER_METHODS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'child']

export const text: Check = allowed(isText, 'a non-empty text')
export const path: Check = allowed(isText, 'a path')
export const func: Check = allowed(isFunction, 'a function')
export const flag: Check = allowed((value) => typeof value === 'boolean', 'true or false')
export const object: Check = allowed(isObject, 'an object')
export const generalStore: Check = allowed(
  (value) => value === 'durable' || value === 'memory',
  '`durable` or `memory`',
)
export const algorithm: Check = allowed(
  (value) => ALGORITHMS.some((known) => known === value),
  `one of ${ALGORITHMS.join(', ')}`,
)
export const providers: Check = allowed(
  (value) => Array.isArray(value) || isFunction(value),
  'a list of {name, key, apps}, or a function that resolves to one',
)
export const users: Check = allowed(
  (value) =>
    hasMethods(value, ['authenticate']) &&
    ['undefined', 'function'].includes(typeof Reflect.get(Object(value), 'find')) &&
    ['changed', 'recheck'].every((name) =>
      ['undefined', 'function'].includes(typeof Reflect.get(Object(value), name)),
    ) &&
    ['sessionsByClientId', 'ownTokensOnly'].every((name) =>
      ['undefined', 'boolean'].includes(typeof Reflect.get(Object(value), name)),
    ),
  'an object with authenticate, and where it has them, find, changed and recheck as functions, and sessionsByClientId and ownTokensOnly as true or false',
)
export const redisPrefix: Check = allowed(
  (value) => typeof value === 'string' && isKeyPrefix(value),
  '1 to 64 letters, digits, `_`, `.`, `:` or `-`',
)
export const redisReplicas: Check = allowed(
  (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 100,
  'a whole number from 0 to 100',
)
export const allowedHosts: Check = allowed(
  (value) => Array.isArray(value) && value.every(isHostName),
  'a list of host names in lower case, without port, or `*`',
)
export const corsOrigins: Check = allowed(
  (value) =>
    Array.isArray(value) && value.every((each) => each === '*' || (typeof each === 'string' && isOrigin(each))),
  'a list of origins as browsers send them, such as https://app.example.com, or `*`',
)
export const publicUrl: Check = allowed(
  (value) => typeof value === 'string' && isPublicUrl(value),
  'an http:// or https:// URL without user, query and fragment',
)
export const consoleMode: Check = allowed(
  (value) => CONSOLE_MODES.some((mode) => mode === value),
  `one of ${CONSOLE_MODES.join(', ')}`,
)
export const blockList: Check = allowed((value) => value instanceof BlockList, 'a BlockList of node:net')
export const webhooks: Check = allowed(
  isWebhookRules,
  'an object with networks (a BlockList), httpHosts (names in lower case, without port) and retries (1 to 20 whole numbers of seconds)',
)
export const logger: Check = allowed(
  (value) => hasMethods(value, LOGGER_METHODS),
  `a pino logger, or an object with ${LOGGER_METHODS.join(', ')}`,
)
export const tally: Check = allowed((value) => hasMethods(value, ['tell', 'hear']), 'an object with tell and hear')

/** The message does not quote the URL, which may hold a password. */
export const redisUrl: Check = (value) => {
  if (typeof value !== 'string') return 'a URL of Redis'
  try {
    parseAddress(value)
    return undefined
  } catch (error) {
    return `a URL of Redis: ${error instanceof Error ? error.message : String(error)}`
  }
}

/** Never shown in an error. */
const SECRET: ReadonlySet<string> = new Set(['providers', 'redisUrl'])
const SHOWN = { depth: 0, maxStringLength: 60, breakLength: Number.POSITIVE_INFINITY } as const

/** @throws Error that names the option, and holds no key */
export function checkOption(name: string, check: Check, value: unknown, where: string): void {
  const wrong = check(value)
  if (wrong === undefined) return
  throw new Error(`${where}: ${name} must be ${wrong}${SECRET.has(name) ? '' : `, and is ${inspect(value, SHOWN)}`}`)
}

/** Checks the options together. @throws Error that names the option */
export function checkTogether(options: Readonly<Record<string, unknown>>, where: string): void {
  const { dataDir, redisUrl: url, redisReplicas: replicas, providers: list, generalStore } = options
  if (list === undefined) throw new Error(`${where}: providers is missing; give ${providers(list)}`)
  // Before anything is opened, and by the place in the list.
  if (Array.isArray(list)) createProviders(list)
  if (typeof url === 'string') {
    if (generalStore === 'memory')
      throw new Error(`${where}: generalStore "memory" is for the embedded store; with Redis it is kept there`)
    if (Number(replicas ?? 0) > 0 && parseAddress(url).kind === 'cluster')
      throw new Error(`${where}: redisReplicas is not possible with a Redis Cluster`)
    return
  }
  if (dataDir === undefined) throw new Error(`${where}: dataDir is missing; give it, or redisUrl`)
  // Otherwise a program whose redisUrl turned out undefined would use its own embedded store.
  const idle = ['redisPrefix', 'redisReplicas'].find((name) => options[name] !== undefined)
  if (idle !== undefined) throw new Error(`${where}: ${idle} is for Redis, and redisUrl is missing`)
}
