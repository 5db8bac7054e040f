/** Schemas of requests and responses for keys. */
import type { Quota, Scope } from '../../topics/index.ts'
import { SCOPES } from '../../topics/index.ts'
import { NAME } from '../schemas.ts'

/** `"*"`: every app. */
export type KeyApps = readonly string[] | '*'

export interface KeyQuotas {
  /** One window, or two that hold both. */
  readonly receivers: Quota | readonly Quota[]
}

interface KeyFields {
  /** Name of the provider. */
  readonly name: string
  readonly apps: KeyApps
  readonly scopes: readonly Scope[]
}

/** Absent: it never ends. */
interface KeyEnd {
  /** ISO 8601. */
  readonly expiresAt?: string | undefined
  /** Seconds from now. */
  readonly expiresIn?: number | undefined
}

/** The body of `POST /v1/keys`. */
export interface KeyRequest extends KeyFields, KeyEnd {
  readonly quotas?: KeyQuotas | undefined
  /** Of the password file: who connects over MQTT as this user is the provider too. */
  readonly user?: string | undefined
}

/** The body of `PATCH /v1/keys/{id}`: what is absent stays. `null`: never, and none. */
export interface KeyChange extends Partial<KeyFields> {
  readonly expiresAt?: string | null | undefined
  readonly expiresIn?: number | undefined
  readonly quotas?: KeyQuotas | null | undefined
  readonly user?: string | null | undefined
}

export interface KeyAnswer extends KeyFields {
  readonly id: string
  /** ISO 8601 in UTC; null: never. */
  readonly expiresAt: string | null
  readonly quotas: KeyQuotas | null
  readonly user: string | null
  readonly createdAt: string
  /** `provider <name>`, or `key <id> of <name>`. */
  readonly createdBy: string
  readonly rotatedAt: string | null
  /** Until then, what was the key before its rotation is taken as well. */
  readonly previousUntil: string | null
}

/** With the key itself, which nobody can tell again. */
export interface MadeKeyAnswer extends KeyAnswer {
  readonly key: string
}

export interface KeyList {
  /** The oldest first. */
  readonly keys: readonly KeyAnswer[]
  /** For the next page; null: there is none. */
  readonly cursor: string | null
}

export interface KeyQuery {
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

/** The body of `POST /v1/keys/{id}/rotate`. */
export interface KeyRotation {
  /** Seconds in which both are taken. */
  readonly overlap?: number | undefined
}

export const DEFAULT_KEYS = 100
const MOST_KEYS = 1_000
export const DEFAULT_OVERLAP = 86_400
const LONGEST_OVERLAP = 30 * 86_400
const MOST_APPS = 100
/** A hundred years. */
const LONGEST = 3_155_760_000
const LONGEST_WINDOW = 366 * 86_400
const LONGEST_USER = 1_000
const MOST_RECEIVERS = 1_000_000_000_000

const name = { type: 'string', description: `Name of the provider. ${NAME}`, examples: ['shop'] }

const apps = {
  anyOf: [
    { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: MOST_APPS, uniqueItems: true },
    { type: 'string', const: '*' },
  ],
  description: 'Apps it may act for; `"*"` is every app',
  examples: [['chat', 'chat.beta']],
}

const scopes = {
  type: 'array',
  items: { type: 'string', enum: [...SCOPES] },
  minItems: 1,
  uniqueItems: true,
  description: 'Its rights',
  examples: [['messages:send', 'tokens:issue']],
}

const window = {
  type: 'object',
  additionalProperties: false,
  required: ['count', 'seconds'],
  properties: {
    count: {
      type: 'integer',
      minimum: 1,
      maximum: MOST_RECEIVERS,
      description: 'Number of receivers',
      examples: [10_000],
    },
    seconds: {
      type: 'integer',
      minimum: 1,
      maximum: LONGEST_WINDOW,
      description: 'Length of the window, seconds',
      examples: [60],
    },
  },
}

const quotas = {
  type: 'object',
  additionalProperties: false,
  required: ['receivers'],
  properties: {
    receivers: {
      anyOf: [window, { type: 'array', items: window, minItems: 1, maxItems: 2 }],
      description: 'Receivers of messages, where a broadcast counts as one: one window, or two that both apply',
    },
  },
  examples: [{ receivers: { count: 10_000, seconds: 60 } }],
}

const user = {
  type: 'string',
  minLength: 1,
  maxLength: LONGEST_USER,
  description:
    'A user of the password file: an MQTT connection with its username and password acts as this provider too',
  examples: ['edge'],
}

const expiresAt = {
  type: 'string',
  format: 'date-time',
  description: 'When the key expires; absent, and without `expiresIn`: never',
  examples: ['2030-12-31T23:59:59.000Z'],
}

const expiresIn = {
  type: 'integer',
  minimum: 1,
  maximum: LONGEST,
  description: 'Expiry in seconds from now, instead of `expiresAt`',
  examples: [7_776_000],
}

export const createKeySchema = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'apps', 'scopes'],
  properties: { name, apps, scopes, expiresAt, expiresIn, quotas, user },
  examples: [{ name: 'shop', apps: ['chat'], scopes: ['messages:send', 'tokens:issue'], expiresIn: 7_776_000 }],
}

const orNull = (schema: object, description: string) => ({ anyOf: [schema, { type: 'null' }], description })

export const changeKeySchema = {
  type: 'object',
  additionalProperties: false,
  minProperties: 1,
  properties: {
    name,
    apps,
    scopes,
    expiresAt: orNull(expiresAt, 'When it ends; null: never'),
    expiresIn,
    quotas: orNull(quotas, 'null: none'),
    user: orNull(user, 'null: none'),
  },
  examples: [{ scopes: ['messages:send'] }],
}

export const rotateKeySchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    overlap: {
      type: 'integer',
      minimum: 0,
      maximum: LONGEST_OVERLAP,
      description: `How long the previous key stays valid, seconds; ${DEFAULT_OVERLAP} if absent`,
      examples: [3_600],
    },
  },
  examples: [{ overlap: 3_600 }],
}

export const keyIdSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['id'],
  properties: { id: { type: 'string', description: 'Id of the key', examples: ['4fZk0pWq81Lx'] } },
}

export const listKeysSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    limit: {
      type: 'integer',
      minimum: 1,
      maximum: MOST_KEYS,
      description: `Maximum number of keys; ${DEFAULT_KEYS} if absent`,
    },
    cursor: { type: 'string', description: '`cursor` of the previous page' },
  },
}

const time = (description: string) => ({
  anyOf: [{ type: 'string', format: 'date-time' }, { type: 'null' }],
  description,
})

export const keyProperties = {
  id: { type: 'string', description: 'The id of the key; not secret', examples: ['4fZk0pWq81Lx'] },
  name,
  apps,
  scopes,
  expiresAt: time('null: never'),
  quotas: orNull(quotas, 'null: none'),
  user: orNull(user, 'null: none'),
  createdAt: { type: 'string', format: 'date-time' },
  createdBy: {
    type: 'string',
    description: 'Who created it',
    examples: ['provider provider', 'key 4fZk0pWq81Lx of shop'],
  },
  rotatedAt: time('null: never'),
  previousUntil: time('Until then, what was the key before its rotation is taken as well'),
}

export const madeKeyProperties = {
  ...keyProperties,
  key: {
    type: 'string',
    description: 'The key itself. It cannot be retrieved again, because the server keeps only a hash',
    examples: ['push_4fZk0pWq81Lx_7Hc2VbQ9mTz4rXy6Nw1sKd8LpE3gUa5J'],
  },
}
