/**
 * The lines that version 2 of the format added: logs that have readers, sessions by name, and general topics; and those of
 * version 3: rows of small tables.
 */
import { isAppName, isTokenId } from '../../topics/index.ts'
import {
  appOfEventLog,
  isGroupLog,
  type KnownNamedSession,
  type Message,
  type Part,
  type RetainedTopic,
  type SessionEntry,
  type TableRow,
  type TokenId,
} from '../contract.ts'
import { type Fields, isText, isWhole } from './fields.ts'
import { base64, messageOf, messageToJson } from './message-json.ts'

/** An upstream or event log. */
export interface LogLine {
  readonly type: 'log'
  readonly log: string
}

/** Of the log of the line before, as the next two. */
export interface ReaderLine {
  readonly type: 'reader'
  readonly reader: string
  /** `Infinity` for never. */
  readonly expiresAt: number
  /** The parts in which it has not passed everything, and its cursor there. */
  readonly unread: readonly (readonly [part: Part, cursor: number])[]
}

export interface EntryLine {
  readonly type: 'entry'
  readonly part: Part
  readonly offset: number
  readonly tokenId: TokenId
  readonly subject: string
  readonly message: Message
}

export interface RetainedLine {
  readonly type: 'retained'
  readonly tokenId: TokenId
  readonly subject: string
  readonly message: Message
}

export interface SessionLine extends Omit<KnownNamedSession, 'epoch'> {
  readonly type: 'session'
}

/** Of the session of the line before, as the next one. */
export interface SubscriptionLine {
  readonly type: 'subscription'
  readonly filter: string
  readonly options: Uint8Array
}

export interface DeliveryLine extends Pick<SessionEntry, 'topic' | 'qos' | 'identifiers' | 'released'> {
  readonly type: 'delivery'
  readonly message: Message
}

/** What a general topic retains. */
export interface TopicLine extends Pick<RetainedTopic, 'topic' | 'qos'> {
  readonly type: 'topic'
  readonly message: Message
}

/** Of a small table. */
export interface RowLine extends Omit<TableRow, 'version'> {
  readonly type: 'row'
  readonly table: string
}

export type LogsLine = LogLine | ReaderLine | EntryLine | RetainedLine
export type SessionsLine = SessionLine | SubscriptionLine | DeliveryLine
export type LaterLine = LogsLine | SessionsLine | TopicLine | RowLine

const LATER_TYPES = [
  'log',
  'reader',
  'entry',
  'retained',
  'session',
  'subscription',
  'delivery',
  'topic',
  'row',
] as const

export function isLaterType(type: string): type is LaterLine['type'] {
  return (LATER_TYPES as readonly string[]).includes(type)
}

export function laterToJson(line: LaterLine): object {
  switch (line.type) {
    case 'session': {
      const { state, will, ...rest } = line
      return {
        ...rest,
        ...(state === undefined ? {} : { state: base64(state) }),
        ...(will === undefined ? {} : { will: { publishAt: will.publishAt, value: base64(will.value) } }),
      }
    }
    case 'subscription':
      return { ...line, options: base64(line.options) }
    case 'row':
      return { ...line, value: base64(line.value) }
    case 'entry':
    case 'retained':
    case 'delivery':
    case 'topic':
      return { ...line, message: messageToJson(line.message) }
    default:
      return line
  }
}

/** @throws TransferError */
export function laterOf(type: LaterLine['type'], fields: Fields): LaterLine {
  switch (type) {
    case 'log':
      return { type, log: fields.text('log', isLogName) }
    case 'reader':
      return {
        type,
        reader: fields.text('reader', isFilled),
        expiresAt: fields.timeOrNever('expiresAt'),
        unread: fields.list('unread', isPair),
      }
    case 'entry':
      return { type, part: fields.whole('part'), offset: fields.whole('offset'), ...upstreamOf(fields) }
    case 'retained':
      return { type, ...upstreamOf(fields) }
    case 'session':
      return sessionOf(fields)
    case 'subscription':
      return { type, filter: fields.text('filter', isFilled), options: fields.bytes('options') }
    case 'delivery':
      return {
        type,
        topic: fields.text('topic'),
        qos: fields.oneOf('qos', [0, 1, 2]),
        identifiers: fields.list('identifiers', isWhole),
        released: fields.boolean('released'),
        message: messageOf(fields.inner('message')),
      }
    case 'topic':
      return {
        type,
        topic: fields.text('topic'),
        qos: fields.oneOf('qos', [0, 1, 2]),
        message: messageOf(fields.inner('message')),
      }
    case 'row':
      return {
        type,
        table: fields.text('table', isTableName),
        key: fields.text('key', isFilled),
        value: fields.bytes('value'),
        expiresAt: fields.timeOrNever('expiresAt'),
      }
  }
}

function upstreamOf(fields: Fields): Pick<EntryLine, 'tokenId' | 'subject' | 'message'> {
  return {
    tokenId: fields.text('tokenId', isTokenId),
    subject: fields.text('subject'),
    message: messageOf(fields.inner('message')),
  }
}

function sessionOf(fields: Fields): SessionLine {
  const state = fields.bytesIfAny('state')
  const will = fields.has('will') ? willOf(fields.inner('will')) : undefined
  return {
    type: 'session',
    name: fields.text('name', isFilled),
    held: fields.boolean('held'),
    keptMs: fields.timeOrNever('keptMs'),
    expiresAt: fields.timeOrNever('expiresAt'),
    received: fields.list('received', isReceived),
    ...(state === undefined ? {} : { state }),
    ...(will === undefined ? {} : { will }),
  }
}

function willOf(fields: Fields): NonNullable<SessionLine['will']> {
  return { publishAt: fields.whole('publishAt'), value: fields.bytes('value') }
}

const isFilled = (text: string): boolean => text !== ''
const isTableName = (text: string): boolean => /^[!-~]{1,64}$/.test(text)

function isLogName(name: string): boolean {
  return isGroupLog(name) || isAppName(appOfEventLog(name) ?? name)
}

const isPair = (value: unknown): value is [number, number] =>
  Array.isArray(value) && value.length === 2 && value.every(isWhole)
const isReceived = (value: unknown): value is [number, string] =>
  Array.isArray(value) && value.length === 2 && isWhole(value[0]) && isText(value[1])
