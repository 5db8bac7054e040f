/**
 * The lines of an export, each a JSON object with a `type`:
 *
 *     header, secret*, (app, (broadcast | cleared)*)*, (token, message*)*,
 *     (log, reader*, (entry | retained)*)*, (session, (subscription | delivery)*)*, topic*, row*, end
 *
 * Broadcasts and entries are in the order of their offsets (entries part by part), messages and deliveries in the order in
 * which they are delivered. Offsets are those of the store that was exported; the importing one gives its own. Bytes are
 * base64. Version 1 had the first line alone, version 2 no rows and no details of tokens, version 3 no collapse keys and
 * receipts, and nothing of what devices missed.
 */
import {
  encodeSelector,
  isAppName,
  isDeviceMark,
  isTokenId,
  isVersion,
  parseTags,
  readSelector,
  type Selector,
} from '../../topics/index.ts'
import type { Marks, Message, TokenDetails, TokenId } from '../contract.ts'
import { Fields, isText, isWhole, TransferError } from './fields.ts'
import { isLaterType, type LaterLine, laterOf, laterToJson } from './format-logs.ts'
import { FINGERPRINT_BYTES } from '../message.ts'
import { base64, messageOf, messageToJson } from './message-json.ts'

export const FORMAT = 'aedes-push export'
export const VERSION = 4
const VERSIONS = [1, 2, 3, VERSION]

export interface Counts {
  secrets: number
  apps: number
  broadcasts: number
  tokens: number
  messages: number
  /** Upstream and event logs. */
  logs: number
  readers: number
  entries: number
  /** Of upstream topics. */
  retained: number
  sessions: number
  subscriptions: number
  deliveries: number
  /** General topics that retain something. */
  topics: number
  /** Of small tables. */
  rows: number
}

interface HeaderLine {
  readonly type: 'header'
  /** Id of this export; another one for each. */
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
  readonly selector: Selector
  /** False: it is retained, and no longer in the log. */
  readonly pending: boolean
  /** It is the one that its selector retains; `message.retain` says the same. */
  readonly message: Message
  /** Of what was sent, where that is another message by now. */
  readonly fingerprint?: Uint8Array
}

/** A selector that retains nothing and hides what older ones retain. */
export interface ClearedLine {
  readonly type: 'cleared'
  readonly offset: number
  readonly selector: Selector
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
  readonly details?: TokenDetails
  readonly lastSeen?: number
  /** How many messages its device missed. */
  readonly missed?: number
}

export type BroadcastMarks = Pick<Marks, 'floor' | 'versions' | 'passed' | 'skippedBroadcast'>

/** Of the token of the line before. */
export interface MessageLine {
  readonly type: 'message'
  /** False: it is acknowledged, and retained. */
  readonly pending: boolean
  readonly message: Message
  readonly fingerprint?: Uint8Array
}

interface EndLine {
  readonly type: 'end'
  readonly counts: Counts
}

export type Line =
  | HeaderLine
  | SecretLine
  | AppLine
  | BroadcastLine
  | ClearedLine
  | TokenLine
  | MessageLine
  | LaterLine
  | EndLine

const COUNTED = {
  secret: 'secrets',
  app: 'apps',
  broadcast: 'broadcasts',
  token: 'tokens',
  message: 'messages',
  log: 'logs',
  reader: 'readers',
  entry: 'entries',
  retained: 'retained',
  session: 'sessions',
  subscription: 'subscriptions',
  delivery: 'deliveries',
  topic: 'topics',
  row: 'rows',
} as const satisfies Partial<Record<Line['type'], keyof Counts>>

/** Of a version 1, whose end has no more. */
const FIRST_COUNTS: readonly string[] = ['secrets', 'apps', 'broadcasts', 'tokens', 'messages']
export const COUNT_NAMES = Object.values(COUNTED)

export function noCounts(): Counts {
  const names = Object.fromEntries(COUNT_NAMES.map((name) => [name, 0]))
  return names as Record<keyof Counts, number>
}

export function countLine(counts: Counts, { type }: Line): void {
  if (type in COUNTED) counts[COUNTED[type as keyof typeof COUNTED]] += 1
}

export function encodeLine(line: Line): string {
  switch (line.type) {
    case 'header':
      return toText({ type: line.type, format: FORMAT, version: VERSION, id: line.id })
    case 'broadcast':
      return toText({ ...line, selector: encodeSelector(line.selector), ...sentToJson(line) })
    case 'cleared':
      return toText({ ...line, selector: encodeSelector(line.selector) })
    case 'message':
      return toText({ ...line, ...sentToJson(line) })
    case 'secret':
    case 'app':
    case 'token':
    case 'end':
      return toText(line)
    default:
      return toText(laterToJson(line))
  }
}

function sentToJson({ message, fingerprint }: Pick<MessageLine, 'message' | 'fingerprint'>): object {
  const told = fingerprint === undefined ? {} : { fingerprint: base64(fingerprint) }
  return { message: messageToJson(message), ...told }
}

const toText = (value: object): string => `${JSON.stringify(value)}\n`

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
      return { type, offset, selector, ...sentOf(fields) }
    }
    case 'cleared':
      return { type, ...placeOf(fields) }
    case 'token':
      return tokenOf(fields)
    case 'message':
      return { type, ...sentOf(fields) }
    case 'end':
      return { type, counts: countsOf(fields.inner('counts')) }
    default:
      if (isLaterType(type)) return laterOf(type, fields)
      throw new TransferError('its type is not known')
  }
}

function headerOf(fields: Fields): HeaderLine {
  if (fields.text('format') !== FORMAT) throw new TransferError('it is not an export of aedes-push')
  const version = fields.whole('version')
  if (!VERSIONS.includes(version)) {
    throw new TransferError(`version ${version} of the format is not known, only ${VERSIONS.join(', ')}`)
  }
  return { type: 'header', id: fields.text('id', (text) => /^[A-Za-z0-9_-]{1,64}$/.test(text)) }
}

function placeOf(fields: Fields): { offset: number; selector: Selector } {
  return { offset: fields.whole('offset'), selector: selectorOf(fields.text('selector')) }
}

function sentOf(fields: Fields): Omit<MessageLine, 'type'> {
  const fingerprint = fields.bytesIfAny('fingerprint')
  if (fingerprint !== undefined && fingerprint.length !== FINGERPRINT_BYTES)
    throw new TransferError(`\`fingerprint\` is not ${FINGERPRINT_BYTES} bytes`)
  return {
    pending: fields.boolean('pending'),
    message: messageOf(fields.inner('message')),
    ...(fingerprint === undefined ? {} : { fingerprint }),
  }
}

function selectorOf(text: string): Selector {
  try {
    return readSelector(text)
  } catch {
    throw new TransferError('`selector` is not the text of a selector')
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
    ...(fields.has('details') ? { details: detailsOf(fields.inner('details')) } : {}),
    ...(fields.has('lastSeen') ? { lastSeen: fields.whole('lastSeen') } : {}),
    ...(fields.has('missed') ? { missed: fields.whole('missed') } : {}),
  }
}

function marksOf(fields: Fields): BroadcastMarks {
  return {
    floor: fields.whole('floor'),
    versions: fields.list('versions', isText),
    passed: fields.list('passed', isPassed),
    skippedBroadcast: fields.list('skippedBroadcast', isWhole),
  }
}

function detailsOf(fields: Fields): TokenDetails {
  const [app = 0, account = 0, ...more] = fields.list('epochs', isWhole)
  if (more.length > 0) throw new TransferError('`details.epochs` are not two')
  const tags = parseTags(fields.list('tags', isText))
  if (tags === undefined) throw new TransferError('`details.tags` are not tags of a device')
  return {
    accountMark: fields.text('accountMark', (mark) => mark === '' || isTokenId(mark)),
    epochs: [app, account],
    tags,
    version: fields.text('version', (version) => version === '' || isVersion(version)),
  }
}

const isPassed = (value: unknown): value is [string, number] =>
  Array.isArray(value) && value.length === 2 && isText(value[0]) && isWhole(value[1])

function countsOf(fields: Fields): Counts {
  const counts = noCounts()
  for (const name of COUNT_NAMES) {
    if (FIRST_COUNTS.includes(name) || fields.has(name)) counts[name] = fields.whole(name)
  }
  return counts
}

/** It becomes the name of a file. */
function isSecretName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(name)
}
