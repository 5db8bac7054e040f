/**
 * The lines of an export, each a JSON object with a `type`:
 *
 *     header, secret*, (app, (broadcast | cleared)*)*, (token, message*)*, end
 *
 * Broadcasts are in the order of their offsets, messages in the order in which they are delivered. Offsets are those of
 * the store that was exported; the importing one gives its own. Payloads and properties are base64.
 */
import {
  decodeSelector,
  encodeSelector,
  isAppName,
  isDeviceMark,
  isMessageId,
  isTokenId,
  type VersionSelector,
} from '../../topics/index.ts'
import type { Marks, Message, TokenId } from '../contract.ts'

export const FORMAT = 'aedes-push export'
export const VERSION = 1

export interface Counts {
  secrets: number
  apps: number
  broadcasts: number
  tokens: number
  messages: number
}

interface HeaderLine {
  readonly type: 'header'
  /** Of this export; another one for each. */
  readonly id: string
}

export interface SecretLine {
  readonly type: 'secret'
  readonly name: string
  readonly value: string
}

export interface AppLine {
  readonly type: 'app'
  readonly app: string
}

/** Of the app of the line before. */
export interface BroadcastLine {
  readonly type: 'broadcast'
  readonly offset: number
  readonly selector: VersionSelector
  /** False: it is retained, and no longer in the log. */
  readonly pending: boolean
  /** It is the one that its selector retains; `message.retain` says the same. */
  readonly message: Message
}

/** A selector that retains nothing and hides what older ones retain. */
export interface ClearedLine {
  readonly type: 'cleared'
  readonly offset: number
  readonly selector: VersionSelector
}

export interface TokenLine {
  readonly type: 'token'
  readonly tokenId: TokenId
  readonly app: string
  readonly deviceMark: string
  readonly expiresAt: number
  readonly generation: number
  readonly revoked: boolean
  readonly current: boolean
  /** Its cursor in the exported broadcast log. */
  readonly broadcastCursor: number
  /** What that does not say alone, in offsets of the exported broadcast log. */
  readonly marks?: BroadcastMarks
}

export type BroadcastMarks = Pick<Marks, 'floor' | 'versions' | 'passed' | 'skippedBroadcast'>

/** Of the token of the line before. */
export interface MessageLine {
  readonly type: 'message'
  /** False: it is acknowledged, and retained. */
  readonly pending: boolean
  readonly message: Message
}

interface EndLine {
  readonly type: 'end'
  readonly counts: Counts
}

export type Line = HeaderLine | SecretLine | AppLine | BroadcastLine | ClearedLine | TokenLine | MessageLine | EndLine

/** A line that cannot be used; the message names it and never quotes a secret or payload. */
export class TransferError extends Error {
  override readonly name = 'TransferError'
}

export function noCounts(): Counts {
  return { secrets: 0, apps: 0, broadcasts: 0, tokens: 0, messages: 0 }
}

const COUNTED = {
  secret: 'secrets',
  app: 'apps',
  broadcast: 'broadcasts',
  token: 'tokens',
  message: 'messages',
} as const satisfies Partial<Record<Line['type'], keyof Counts>>

export function countLine(counts: Counts, { type }: Line): void {
  if (type in COUNTED) counts[COUNTED[type as keyof typeof COUNTED]] += 1
}

export function encodeLine(line: Line): string {
  switch (line.type) {
    case 'header':
      return toText({ type: line.type, format: FORMAT, version: VERSION, id: line.id })
    case 'broadcast':
      return toText({ ...line, selector: encodeSelector(line.selector), message: messageToJson(line.message) })
    case 'cleared':
      return toText({ ...line, selector: encodeSelector(line.selector) })
    case 'message':
      return toText({ ...line, message: messageToJson(line.message) })
    default:
      return toText(line)
  }
}

const toText = (value: object): string => `${JSON.stringify(value)}\n`

function messageToJson({ id, payload, properties, retain, storedAt, expiresAt }: Message): object {
  const kept = properties === undefined ? {} : { properties: base64(properties) }
  return { id, payload: base64(payload), ...kept, retain, storedAt, expiresAt }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

/** @throws TransferError */
export function decodeLine(text: string): Line {
  const fields = new Fields(parseJson(text), '')
  const line = lineOf(fields)
  fields.end()
  return line
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The message of JSON.parse quotes the text, which may be a secret.
    throw new TransferError('it is not JSON; the export may be cut short here')
  }
}

function lineOf(fields: Fields): Line {
  const type = fields.text('type')
  switch (type) {
    case 'header':
      return headerOf(fields)
    case 'secret':
      return { type, name: fields.text('name', isSecretName), value: fields.text('value', (text) => text !== '') }
    case 'app':
      return { type, app: fields.text('app', isAppName) }
    case 'broadcast': {
      const { offset, selector } = placeOf(fields)
      return { type, offset, selector, pending: fields.boolean('pending'), message: messageOf(fields.inner('message')) }
    }
    case 'cleared':
      return { type, ...placeOf(fields) }
    case 'token':
      return tokenOf(fields)
    case 'message':
      return { type, pending: fields.boolean('pending'), message: messageOf(fields.inner('message')) }
    case 'end':
      return { type, counts: countsOf(fields.inner('counts')) }
    default:
      throw new TransferError('its type is not known')
  }
}

function headerOf(fields: Fields): HeaderLine {
  if (fields.text('format') !== FORMAT) throw new TransferError('it is no export of aedes-push')
  const version = fields.whole('version')
  if (version !== VERSION) throw new TransferError(`version ${version} of the format is not known, only ${VERSION}`)
  return { type: 'header', id: fields.text('id', (text) => /^[A-Za-z0-9_-]{1,64}$/.test(text)) }
}

function placeOf(fields: Fields): { offset: number; selector: VersionSelector } {
  return { offset: fields.whole('offset'), selector: selectorOf(fields.text('selector')) }
}

function selectorOf(text: string): VersionSelector {
  try {
    return decodeSelector(text)
  } catch {
    throw new TransferError('`selector` is not the text of a version selector')
  }
}

function tokenOf(fields: Fields): TokenLine {
  return {
    type: 'token',
    tokenId: fields.text('tokenId', isTokenId),
    app: fields.text('app', isAppName),
    deviceMark: fields.text('deviceMark', isDeviceMark),
    expiresAt: fields.whole('expiresAt'),
    generation: fields.whole('generation'),
    revoked: fields.boolean('revoked'),
    current: fields.boolean('current'),
    broadcastCursor: fields.whole('broadcastCursor'),
    ...(fields.has('marks') ? { marks: marksOf(fields.inner('marks')) } : {}),
  }
}

function marksOf(fields: Fields): BroadcastMarks {
  return {
    floor: fields.whole('floor'),
    versions: fields.list('versions', isText),
    passed: fields.list('passed', isPassed),
    skippedBroadcast: fields.list('skippedBroadcast', isOffset),
  }
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isOffset = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
const isPassed = (value: unknown): value is [string, number] =>
  Array.isArray(value) && value.length === 2 && isText(value[0]) && isOffset(value[1])

function messageOf(fields: Fields): Message {
  const properties = fields.bytesIfAny('properties')
  return {
    id: fields.text('id', isMessageId),
    payload: fields.bytes('payload'),
    ...(properties === undefined ? {} : { properties }),
    retain: fields.boolean('retain'),
    storedAt: fields.whole('storedAt'),
    expiresAt: fields.whole('expiresAt'),
  }
}

function countsOf(fields: Fields): Counts {
  return {
    secrets: fields.whole('secrets'),
    apps: fields.whole('apps'),
    broadcasts: fields.whole('broadcasts'),
    tokens: fields.whole('tokens'),
    messages: fields.whole('messages'),
  }
}

/** It becomes the name of a file. */
function isSecretName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(name)
}

/** The members of an object, each checked when it is taken; there may be no others. */
class Fields {
  readonly #values: Readonly<Record<string, unknown>>
  readonly #path: string
  readonly #taken = new Set<string>()
  readonly #inner: Fields[] = []

  constructor(value: unknown, path: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new TransferError(path === '' ? 'it is not an object' : `\`${path}\` is not an object`)
    }
    this.#values = { ...value }
    this.#path = path === '' ? '' : `${path}.`
  }

  /** All that was wanted has been taken. */
  end(): void {
    const unknown = Object.keys(this.#values).find((name) => !this.#taken.has(name))
    if (unknown !== undefined) throw new TransferError(`${JSON.stringify(this.#path + unknown)} is not known`)
    for (const inner of this.#inner) inner.end()
  }

  #take(name: string): unknown {
    this.#taken.add(name)
    return this.#values[name]
  }

  text(name: string, valid: (text: string) => boolean = () => true): string {
    const value = this.#take(name)
    if (typeof value !== 'string' || !valid(value)) throw this.#wrong(name)
    return value
  }

  boolean(name: string): boolean {
    const value = this.#take(name)
    if (typeof value !== 'boolean') throw this.#wrong(name)
    return value
  }

  has(name: string): boolean {
    return this.#values[name] !== undefined
  }

  list<T>(name: string, valid: (value: unknown) => value is T): T[] {
    const value = this.#take(name)
    if (!Array.isArray(value)) throw this.#wrong(name)
    const members: readonly unknown[] = value
    if (!members.every(valid)) throw this.#wrong(name)
    return [...members]
  }

  whole(name: string): number {
    const value = this.#take(name)
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw this.#wrong(name)
    return value
  }

  bytes(name: string): Buffer {
    const text = this.text(name)
    const bytes = Buffer.from(text, 'base64')
    // Node skips what is not base64.
    if (bytes.toString('base64') !== text) throw this.#wrong(name)
    return bytes
  }

  bytesIfAny(name: string): Buffer | undefined {
    return this.#take(name) === undefined ? undefined : this.bytes(name)
  }

  inner(name: string): Fields {
    const inner = new Fields(this.#take(name), `${this.#path}${name}`)
    this.#inner.push(inner)
    return inner
  }

  #wrong(name: string): TransferError {
    return new TransferError(`\`${this.#path}${name}\` is missing or not what it must be`)
  }
}
