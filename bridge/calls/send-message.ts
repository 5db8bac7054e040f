/** Sends a message to one token, to many, or to every device with a version: the call behind `POST /v1/messages`. */
import type { Metrics } from '../../common/metrics.ts'
import { isoDates } from '../../common/iso-dates.ts'
import { traceProperty } from '../../common/tracing.ts'
import { PushError, type ErrorCode } from '../../errors.ts'
import { makeMessage, type MessageLimits } from '../../store/message.ts'
import type { QuotaLeases } from '../../store/quota-leases.ts'
import { MAX_TAGS, type Device, type TagSelector } from '../../topics/index.ts'
import type { HttpLimits } from '../limits.ts'
import { contentOf } from '../payload.ts'
import { codeForOne, eachInTurn, publishToEach, type Outcome, type Publication, type Publisher } from '../publisher.ts'
import { recipientsOf, type Recipients } from '../recipients.ts'
import { messageIdSchema } from '../schemas.ts'
import type { RequestWork } from '../work.ts'
import { known, type Caller } from './call.ts'
import { ReceiverCount } from './receiver-count.ts'

export interface SendContext {
  readonly publisher: Publisher
  readonly verify: (token: string) => Device
  readonly work: RequestWork
  /** Absent: nobody counts. */
  readonly quotas?: QuotaLeases
  readonly metrics: Metrics
  readonly limits: HttpLimits & MessageLimits
  readonly now: () => number
  readonly randomId: () => string
}

/** The response, once the message is stored for every receiver that is not rejected. */
export interface SendAnswer {
  /** Id of the message. */
  readonly id: string
  /** Number of receivers it is stored for; 1 for a broadcast. */
  readonly accepted: number
  /** When it expires, ISO 8601 in UTC; for a duplicate, when the first one does. Absent if nobody accepted it. */
  readonly expiresAt?: string
  /** All accepting receivers already had a message with this id. Absent: not so. */
  readonly duplicate?: true
  /** Nothing was stored. Absent: it was. */
  readonly dryRun?: true
  readonly rejected: readonly { readonly token: string; readonly code: ErrorCode }[]
  /** Token ids of the devices, if sent to an account. */
  readonly tokenIds?: readonly string[]
}

/** A value that `sendSchema` takes. */
export interface SendBody {
  readonly to: SendTarget
  readonly payload?: unknown
  readonly payloadBase64?: string
  readonly ttl?: number
  readonly retain?: boolean
  readonly id?: string
  readonly collapseKey?: string
  readonly receipt?: boolean
  readonly dryRun?: boolean
}

/**
 * One of `token`, `tokens`, and `app` with `account`, `version` or `versions`, as the schema sees to; `tags` with the last two.
 */
export interface SendTarget {
  readonly token?: string
  readonly tokens?: readonly string[]
  readonly app?: string
  readonly version?: string
  readonly versions?: string
  readonly tags?: TagSelector
  readonly account?: string
}

/**
 * `body` has the shape of `sendSchema`.
 * @throws PushError, with the `messageId` where some receivers may have the message
 */
export type SendMessage = (body: SendBody, caller: Caller) => Promise<SendAnswer>

export function createSendMessage(context: SendContext): SendMessage {
  const { publisher, verify, work, quotas, metrics, limits, now, randomId } = context
  const dateOf = isoDates()
  return async (body, { provider, log, traceparent }) => {
    const { to, ttl, retain = false, id = randomId(), collapseKey, receipt = false, dryRun = false } = body
    const count = dryRun ? undefined : provider.quotas && quotas && new ReceiverCount(quotas, provider, now())
    const given = { id: body.id !== undefined, ttl: ttl !== undefined }
    try {
      const content = contentOf(body)
      const { kind, payload } = content
      const properties = traced(content.properties, traceparent)
      // Written out, here and in the answer: to spread an object costs more than to check what is in it.
      const draft = { payload, properties, ttl, retain, id, collapseKey, receipt }
      const message = makeMessage(draft, limits, now())
      const turn = () => work.send(provider)
      const found = recipientsOf(to, { provider, publisher, verify, work })
      const recipients = found instanceof Promise ? await found : found
      if (receipt && recipients.kind === 'broadcast') throw new PushError('RECEIPT_FORBIDDEN')
      const publication = { message, kind, by: provider.name, turn, given }
      const { accepted, rejected, stored, tokenIds } = dryRun
        ? await check(publisher, recipients, publication)
        : alone(await publish(publisher, recipients, publication, count))
      count?.settle(accepted)
      for (const { code } of rejected) metrics.rejected.inc({ code })
      const answer: Mutable<SendAnswer> = { id, accepted, rejected }
      if (stored !== undefined) answer.expiresAt = dateOf(stored.expiresAt)
      if (stored?.duplicate === true) answer.duplicate = true
      if (dryRun) answer.dryRun = true
      if (tokenIds !== undefined) answer.tokenIds = tokenIds
      return answer
    } catch (error) {
      const refusal = known(error, log)
      metrics.rejected.inc({ code: refusal.code })
      if (!mayHaveArrived(refusal)) count?.settle(0)
      throw refusalWithId(refusal, id, given.id)
    }
  }
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] }

function traced(properties: Uint8Array | undefined, traceparent: string | undefined): Uint8Array | undefined {
  if (traceparent === undefined) return properties
  return Buffer.concat([properties ?? NOTHING, traceProperty(traceparent)])
}

const NOTHING = new Uint8Array(0)

interface Published extends Outcome {
  readonly tokenIds?: readonly string[]
}

function publish(
  publisher: Publisher,
  recipients: Recipients,
  publication: Publication,
  count: ReceiverCount | undefined,
): Promise<Published> {
  // Nobody counts for most providers, and a function that may wait makes a promise more.
  const isPlain = recipients.kind === 'private' && count === undefined && recipients.rejected.length === 0
  return isPlain
    ? publishToEach(publisher, recipients.receivers, publication)
    : publishAndCount(publisher, recipients, publication, count)
}

async function publishAndCount(
  publisher: Publisher,
  recipients: Recipients,
  publication: Publication,
  count: ReceiverCount | undefined,
): Promise<Published> {
  if (recipients.kind === 'broadcast') {
    await count?.admit(1)
    return { accepted: 1, rejected: [], stored: await publisher.publish(recipients.destination, publication) }
  }
  if (recipients.kind === 'account') {
    const { app, account } = recipients
    return await publisher.publishToAccount(app, account, publication, (receivers) => count?.admit(receivers))
  }
  if (count !== undefined) await count.admit(recipients.receivers.length)
  const { accepted, rejected, stored } = await publishToEach(publisher, recipients.receivers, publication)
  return { accepted, rejected: [...recipients.rejected, ...rejected], stored }
}

/** A request with a single receiver fails as a whole if the id belongs to another message. */
function alone(outcome: Published): Published {
  const { accepted, rejected } = outcome
  if (accepted === 0 && rejected.length === 1 && rejected[0]?.code === 'ID_REUSED') throw new PushError('ID_REUSED')
  return outcome
}

/** All that is checked before anything is stored. */
async function check(publisher: Publisher, recipients: Recipients, publication: Publication): Promise<Published> {
  const stored = { duplicate: false, expiresAt: publication.message.expiresAt }
  if (recipients.kind === 'broadcast') {
    await publisher.check(recipients.destination)
    return { accepted: 1, rejected: [], stored }
  }
  if (recipients.kind === 'account') {
    const tokenIds = await publisher.devicesOf(recipients.app, recipients.account)
    return { accepted: tokenIds.length, rejected: [], stored, tokenIds }
  }
  const { receivers } = recipients
  const settled = await eachInTurn(receivers, publication.turn, ({ destination }) => publisher.check(destination))
  const rejected = [...recipients.rejected]
  for (const [position, result] of settled.entries()) {
    const token = receivers[position]?.token ?? ''
    if (result.status === 'rejected') rejected.push({ token, code: codeForOne(result.reason) })
  }
  const accepted = settled.filter(({ status }) => status === 'fulfilled').length
  return { accepted, rejected, stored: accepted === 0 ? undefined : stored }
}

/** Statuses after which some receivers may have the message. */
const MAY_HAVE_ARRIVED: ReadonlySet<number> = new Set([429, 500, 503])
const NO_ID = 'the request gave no `id`: some receivers may have the message, and a repeat would be another one'

/** A request beyond a quota is refused before anything is sent. */
function mayHaveArrived({ status, code }: PushError): boolean {
  return MAY_HAVE_ARRIVED.has(status) && code !== 'QUOTA_EXCEEDED'
}

/** Under the id that the request gave, a repeat is safe. One that the server made is not remembered, as it says. */
function refusalWithId(refusal: PushError, messageId: string, isGiven: boolean): PushError {
  if (!mayHaveArrived(refusal)) return refusal
  const { code, detail, retryAfter } = refusal
  const told = isGiven ? detail : [...(detail === undefined ? [] : [detail]), NO_ID].join('; ')
  return new PushError(code, told, { cause: refusal, messageId, retryAfter })
}

export function sendSchema(limits: HttpLimits & MessageLimits) {
  return {
    type: 'object',
    additionalProperties: false,
    required: ['to'],
    properties: {
      to: toSchema(limits),
      payload: { description: 'A string is sent as UTF-8, any other JSON value as JSON text' },
      payloadBase64: { type: 'string', contentEncoding: 'base64', description: 'Bytes in base64 with padding' },
      ttl: {
        type: 'integer',
        minimum: 0,
        maximum: limits.maximumTtl,
        description: `Time to live, seconds; ${limits.defaultTtl} if absent. 0: delivered only to clients that are connected or waiting, and not stored`,
      },
      retain: { type: 'boolean', description: 'Also retains the message on its topic for new subscriptions' },
      id: messageIdSchema(
        'The same id again is accepted once; give one, so that a repeat is safe. Absent: the header `Idempotency-Key`',
      ),
      collapseKey: {
        type: 'string',
        description:
          'At most 64 bytes. Replaces a message with the same key that the receiver has not acknowledged yet',
        examples: ['score-match-7'],
      },
      receipt: {
        type: 'boolean',
        description: 'Requests an event when the message ends, see `/v1/events`; not for broadcasts',
      },
      dryRun: { type: 'boolean', description: 'Checks everything and stores nothing' },
    },
    oneOf: [{ required: ['payload'] }, { required: ['payloadBase64'] }],
    examples: [
      { to: { token: 'kHqJ2mXv0pR7tYw3nZs5cA' }, payload: { text: 'Hello' }, ttl: 3600, id: 'order-1042-shipped' },
    ],
  }
}

const tagSelectorSchema = {
  type: 'object',
  description: 'Limits a broadcast to devices whose tags match every given list',
  additionalProperties: false,
  minProperties: 1,
  properties: {
    any: tagListSchema('At least one of these'),
    all: tagListSchema('All of these'),
    none: tagListSchema('None of these'),
  },
}

function tagListSchema(description: string) {
  return { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: MAX_TAGS, description }
}

/** A real union: what is generated from it takes nothing else. */
export function toSchema({ tokens }: HttpLimits) {
  const branch = (title: string, description: string, required: string[], properties: object) => ({
    title,
    description,
    type: 'object',
    additionalProperties: false,
    required,
    properties,
  })
  const app = { type: 'string', examples: ['chat'] }
  return {
    oneOf: [
      branch('One device', 'By its message token or token id', ['token'], {
        token: { type: 'string', description: 'A message token or a token id', examples: ['kHqJ2mXv0pR7tYw3nZs5cA'] },
        app: { ...app, description: 'The app that the token must belong to' },
      }),
      branch('Many devices', 'Each by its message token or token id', ['tokens'], {
        tokens: {
          type: 'array',
          items: { type: 'string' },
          minItems: 1,
          maxItems: tokens,
          description: 'Message tokens or token ids',
        },
        app: { ...app, description: 'The app that the tokens must belong to' },
      }),
      branch('An account', 'All devices on which the account is logged in to the app', ['app', 'account'], {
        app,
        account: { type: 'string', examples: ['ann'] },
      }),
      branch('A version', 'Every device with this version of the app', ['app', 'version'], {
        app,
        version: { type: 'string', description: 'Exactly this version', examples: ['2.1.0'] },
        tags: tagSelectorSchema,
      }),
      branch('A range of versions', 'Every device with a version in the range', ['app', 'versions'], {
        app,
        versions: { type: 'string', description: 'A semver range, or `*` for all versions', examples: ['>=2.1 <3'] },
        tags: tagSelectorSchema,
      }),
    ],
    examples: [
      { token: 'kHqJ2mXv0pR7tYw3nZs5cA' },
      { app: 'chat', account: 'ann' },
      { app: 'chat', versions: '>=2.1 <3' },
      { app: 'chat', versions: '*', tags: { any: ['beta', 'staff'], none: ['muted'] } },
    ],
  }
}
