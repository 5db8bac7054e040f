/** Schemas of requests and responses for webhooks. */
import { timeSchema } from '../schemas.ts'
import { pageQuery } from '../query.ts'
import { DISABLED_REASONS, type DisabledReason } from './webhook-row.ts'
import type { Failure } from './sender.ts'
import { LONGEST_URL } from './target.ts'

/** The body of `POST /v1/webhooks`. */
export interface WebhookRequest {
  readonly app: string
  readonly url: string
  /** Absent: all of the event log. */
  readonly types?: readonly string[] | undefined
  /** What was delivered can be replayed for so long, seconds. */
  readonly keepFor?: number | undefined
  /** Where it begins; absent: `latest`. */
  readonly from?: 'earliest' | 'latest' | undefined
}

/** The body of `PATCH /v1/webhooks/{id}`: what is absent stays. */
export interface WebhookChange {
  readonly url?: string | undefined
  /** `null`: all of the event log. */
  readonly types?: readonly string[] | null | undefined
  readonly keepFor?: number | undefined
  /** It is enabled by a call of its own. */
  readonly enabled?: false | undefined
}

export interface WebhookAnswer {
  readonly id: string
  readonly app: string
  readonly url: string
  /** null: all of the event log. */
  readonly types: readonly string[] | null
  readonly keepFor: number
  readonly provider: string
  readonly createdAt: string
  readonly createdBy: string
  readonly state: 'enabled' | 'disabled'
  readonly disabledAt: string | null
  readonly disabledBecause: DisabledReason | null
  /** Until then, what was the secret before its rotation signs as well. */
  readonly previousUntil: string | null
}

/** With the secret, which nobody can tell again. */
export interface MadeWebhookAnswer extends WebhookAnswer {
  readonly secret: string
}

/** With how it goes. */
export interface FoundWebhookAnswer extends WebhookAnswer {
  readonly delivery: {
    /** That failed, of the batch that is under way. */
    readonly attempts: number
    readonly nextAttemptAt: string | null
    readonly lastFailure: { readonly at: string; readonly failure: Failure; readonly status: number | null } | null
  }
}

export interface EnabledWebhookAnswer extends WebhookAnswer {
  /** So many events went because the log was full. */
  readonly dropped: number
  /** What happened before that is gone, and not counted; null: nothing is. */
  readonly goneBefore: string | null
}

export interface WebhookTest {
  readonly delivered: boolean
  readonly status: number | null
  readonly failure: Failure | null
}

export interface WebhookList {
  /** The oldest first. */
  readonly webhooks: readonly WebhookAnswer[]
  /** For the next page; null: there is none. */
  readonly cursor: string | null
}

export interface WebhookQuery {
  readonly app?: string | undefined
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

/** The body of `POST /v1/webhooks/{id}/replay`. */
export interface WebhookReplay {
  /** Cursor of a batch: what came after it; absent: all that there is. */
  readonly cursor?: string | undefined
}

/** The body of `POST /v1/webhooks/{id}/rotate`. */
export interface SecretRotation {
  /** Seconds in which both sign. */
  readonly overlap?: number | undefined
}

export const DEFAULT_WEBHOOKS = 100
const MOST_WEBHOOKS = 1_000
export const DEFAULT_KEEP = 3_600
const LONGEST_KEEP = 604_800
const DEFAULT_OVERLAP_S = 86_400
export const DEFAULT_SECRET_OVERLAP = DEFAULT_OVERLAP_S
const LONGEST_OVERLAP = 30 * 86_400
const MOST_TYPES = 50
const LONGEST_CURSOR = 16_384

const app = { type: 'string', description: 'The calling key must cover this app', examples: ['chat'] }
const url = {
  type: 'string',
  maxLength: LONGEST_URL,
  description: 'An HTTPS URL at a public address, without user and fragment',
  examples: ['https://shop.example.com/hooks/push'],
}
const types = {
  type: 'array',
  items: { type: 'string' },
  minItems: 1,
  maxItems: MOST_TYPES,
  uniqueItems: true,
  description:
    'Event types; `message.*` and `token.*` select all of a kind. `upstream` selects what devices publish, and also needs the scope `messages:read`',
  examples: [['message.acknowledged', 'message.expired', 'token.*']],
}
const keepFor = {
  type: 'integer',
  minimum: 0,
  maximum: LONGEST_KEEP,
  description: 'How long delivered events are kept for replay, seconds; not `upstream`',
}

export const createWebhookSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['app', 'url'],
  properties: {
    app,
    url,
    types: { ...types, description: `${types.description}. Absent: all but \`upstream\`` },
    keepFor: { ...keepFor, default: DEFAULT_KEEP },
    from: {
      type: 'string',
      enum: ['earliest', 'latest'],
      default: 'latest',
      description: 'Where it starts: at the stored events, or at new ones',
    },
  },
}

export const changeWebhookSchema = {
  type: 'object',
  additionalProperties: false,
  minProperties: 1,
  properties: {
    url,
    types: { anyOf: [types, { type: 'null' }], description: 'null: all but `upstream`' },
    keepFor,
    enabled: { type: 'boolean', const: false, description: '`false` disables it; a separate call enables it' },
  },
}

export const listWebhooksSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    app: { ...app, description: 'Only webhooks of this app' },
    ...pageQuery(DEFAULT_WEBHOOKS, MOST_WEBHOOKS),
  },
}

export const replaySchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    cursor: {
      type: 'string',
      maxLength: LONGEST_CURSOR,
      description: 'Cursor of a batch: what came after it is sent again; absent: everything kept',
    },
  },
}

export const rotateSecretSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    overlap: {
      type: 'integer',
      minimum: 0,
      maximum: LONGEST_OVERLAP,
      default: DEFAULT_OVERLAP_S,
      description: 'How long both secrets sign, seconds',
    },
  },
}

export const webhookIdSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['id'],
  properties: { id: { type: 'string', maxLength: 128, description: 'Id of the webhook' } },
}

const nullable = (schema: object) => ({ anyOf: [schema, { type: 'null' }] })
const failure = {
  type: 'string',
  enum: ['status', 'redirect', 'timeout', 'address-refused', 'url-refused', 'dns', 'tls', 'connection', 'aborted'],
  description: 'Why it failed; `status`: the receiver answered with a status other than 2xx',
}

export const webhookProperties = {
  id: { type: 'string', examples: ['whk4fZk0pWq81LxB2c'] },
  app,
  url,
  types: { ...nullable(types), description: 'null: all but `upstream`' },
  keepFor,
  provider: { type: 'string', description: 'The provider that owns it' },
  createdAt: timeSchema('When it was created'),
  createdBy: { type: 'string', description: '`provider <name>`, or `key <id> of <name>`' },
  state: { type: 'string', enum: ['enabled', 'disabled'] },
  disabledAt: nullable(timeSchema('When it was disabled')),
  disabledBecause: nullable({
    type: 'string',
    enum: [...DISABLED_REASONS],
    description:
      '`gone`: the receiver answered 410; `failing`: the last attempt failed; `credentials`: its key was revoked or restricted; `asked`: by a change',
  }),
  previousUntil: nullable(timeSchema('Until when the previous secret also signs')),
}

export const madeWebhookProperties = {
  ...webhookProperties,
  secret: {
    type: 'string',
    description: 'The signing secret; only this response contains it',
    examples: ['whsec_...'],
  },
}

export const foundWebhookProperties = {
  ...webhookProperties,
  delivery: {
    type: 'object',
    required: ['attempts', 'nextAttemptAt', 'lastFailure'],
    properties: {
      attempts: { type: 'integer', description: 'Failed attempts of the batch in flight' },
      nextAttemptAt: nullable(timeSchema('When the next attempt is due')),
      lastFailure: nullable({
        type: 'object',
        required: ['at', 'failure', 'status'],
        properties: { at: timeSchema('When it failed'), failure, status: nullable({ type: 'integer' }) },
      }),
    },
  },
}

export const enabledWebhookProperties = {
  ...webhookProperties,
  dropped: { type: 'integer', description: 'Number of events lost because the log was full' },
  goneBefore: nullable(timeSchema('Events before this time are lost and not counted')),
}

export const testProperties = {
  delivered: { type: 'boolean', description: 'The receiver answered with 2xx' },
  status: nullable({ type: 'integer', description: 'Status of the response' }),
  failure: nullable(failure),
}
