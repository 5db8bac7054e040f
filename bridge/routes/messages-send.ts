/** `POST /v1/messages`: a message to one token, to many, or to every device with a version. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { PushError, type ErrorCode } from '../../errors.ts'
import type { Metrics } from '../../common/metrics.ts'
import { makeMessage, type MessageLimits } from '../../store/message.ts'
import type { Device } from '../../topics/index.ts'
import type { Guard } from '../authenticate.ts'
import type { Api } from '../fastify-app.ts'
import type { HttpLimits } from '../limits.ts'
import { contentOf } from '../payload.ts'
import { pushErrorOf, sendProblem } from '../problem.ts'
import { publishToEach, type Outcome, type Publication, type Publisher } from '../publisher.ts'
import { recipientsOf, type Recipients } from '../recipients.ts'
import type { RequestWork } from '../work.ts'
import { BODY_ERRORS, messageIdSchema, noQuery, problems, PROVIDER_ERRORS } from '../schemas.ts'

export interface SendContext {
  readonly publisher: Publisher
  readonly verify: (token: string) => Device
  readonly guard: Guard
  readonly work: RequestWork
  readonly metrics: Metrics
  readonly limits: HttpLimits & MessageLimits
  readonly now: () => number
  readonly randomId: () => string
}

export function sendMessages(api: Api, context: SendContext): void {
  const { publisher, verify, guard, work, metrics, limits, now, randomId } = context
  api.post(
    '/v1/messages',
    { onRequest: guard.provider, schema: schemaOf(limits, publisher.errors) },
    async (request, reply) => {
      const { to, ttl, retain = false, id = randomId() } = request.body
      const given = { id: request.body.id !== undefined, ttl: ttl !== undefined }
      try {
        const { kind, ...content } = contentOf(request.body)
        const message = makeMessage({ ...content, ttl, retain, id }, limits, now())
        const recipients = await recipientsOf(to, { provider: guard.providerOf(request), publisher, verify, work })
        const outcome = await publish(publisher, recipients, { message, kind, given })
        for (const { code } of outcome.rejected) metrics.rejected.inc({ code })
        return await reply.code(202).send({ id, accepted: outcome.accepted, rejected: [...outcome.rejected] })
      } catch (error) {
        const refusal = pushErrorOf(error, request)
        metrics.rejected.inc({ code: refusal.code })
        return answerRefusal(request, reply, refusal, id, given.id)
      }
    },
  )
}

async function publish(publisher: Publisher, recipients: Recipients, publication: Publication): Promise<Outcome> {
  if (recipients.kind === 'broadcast') {
    await publisher.publish(recipients.destination, publication)
    return { accepted: 1, rejected: [] }
  }
  const { accepted, rejected } = await publishToEach(publisher, recipients.receivers, publication)
  return { accepted, rejected: [...recipients.rejected, ...rejected] }
}

/** Statuses after which some receivers may have the message. */
const MAY_HAVE_ARRIVED: ReadonlySet<number> = new Set([429, 500, 503])
const NO_ID = 'the request gave no `id`: some receivers may have the message, and a repeat would be another one'

/** Under the id that the request gave, a repeat is safe. One that the server made is not remembered, as it says. */
function answerRefusal(
  request: FastifyRequest,
  reply: FastifyReply,
  refusal: PushError,
  id: string,
  isGiven: boolean,
): FastifyReply {
  if (!MAY_HAVE_ARRIVED.has(refusal.status)) return sendProblem(request, reply, refusal)
  if (isGiven) return sendProblem(request, reply, refusal, id)
  const detail = refusal.detail === undefined ? NO_ID : `${refusal.detail}; ${NO_ID}`
  return sendProblem(request, reply, new PushError(refusal.code, detail, { cause: refusal }), id)
}

function toSchema({ tokens }: HttpLimits) {
  const only = (required: string[], ...others: string[]) => ({
    required,
    not: { anyOf: others.map((other) => ({ required: [other] })) },
  })
  return Type.Object(
    {
      token: Type.Optional(Type.String({ description: 'A message token or a token id' })),
      tokens: Type.Optional(
        Type.Array(Type.String(), { minItems: 1, maxItems: tokens, description: 'Message tokens or token ids' }),
      ),
      app: Type.Optional(Type.String({ description: 'Of a broadcast; with token ids, the app they must belong to' })),
      version: Type.Optional(Type.String({ description: 'Exactly this version of the app' })),
      versions: Type.Optional(Type.String({ description: 'A semver range, or `*` for all', examples: ['>=2.1 <3'] })),
    },
    {
      additionalProperties: false,
      oneOf: [
        only(['token'], 'tokens', 'version', 'versions'),
        only(['tokens'], 'token', 'version', 'versions'),
        only(['app', 'version'], 'token', 'tokens', 'versions'),
        only(['app', 'versions'], 'token', 'tokens', 'version'),
      ],
      examples: [{ token: 'kHqJ2mXv0pR7tYw3nZs5cA' }, { app: 'chat', versions: '>=2.1 <3' }],
    },
  )
}

function schemaOf(limits: HttpLimits & MessageLimits, errors: readonly ErrorCode[]) {
  const body = Type.Object(
    {
      to: toSchema(limits),
      payload: Type.Optional(
        Type.Unknown({ description: 'A string goes out as UTF-8, any other JSON value as JSON text' }),
      ),
      payloadBase64: Type.Optional(
        Type.String({ contentEncoding: 'base64', description: 'Bytes, as base64 with padding' }),
      ),
      ttl: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: limits.maximumTtl,
          description: `Seconds; ${limits.defaultTtl} when absent`,
        }),
      ),
      retain: Type.Optional(
        Type.Boolean({ description: 'Also kept as the last message of its topic, for new subscriptions' }),
      ),
      id: Type.Optional(messageIdSchema('The same id again is accepted once; give one, so that a repeat is safe')),
    },
    {
      additionalProperties: false,
      oneOf: [{ required: ['payload'] }, { required: ['payloadBase64'] }],
      examples: [
        { to: { token: 'kHqJ2mXv0pR7tYw3nZs5cA' }, payload: { text: 'Hello' }, ttl: 3600, id: 'order-1042-shipped' },
      ],
    },
  )
  const rejected = Type.Object({
    token: Type.String({ description: 'As the request named it' }),
    code: Type.String({ examples: ['TOKEN_UNKNOWN'] }),
  })
  const answer = Type.Object(
    {
      id: messageIdSchema('Of the message'),
      accepted: Type.Integer({ description: 'Receivers it is stored for; 1 for a broadcast', examples: [1] }),
      rejected: Type.Array(rejected, { description: 'Receivers it is not stored for' }),
    },
    { description: 'Stored for all receivers that are not listed as rejected' },
  )
  return {
    operationId: 'sendMessage',
    summary: 'Send a message',
    description: 'The answer comes after the message is stored durably. After a 503, send it again under the same id.',
    tags: ['messages'],
    security: [{ providerKey: [] }],
    querystring: noQuery,
    body,
    response: { 202: answer, ...problems(...PROVIDER_ERRORS, ...BODY_ERRORS, ...SEND_ERRORS, ...errors) },
  }
}

const SEND_ERRORS = [
  'NAME_INVALID',
  'VERSION_INVALID',
  'VERSION_RANGE_INVALID',
  'MESSAGE_ID_INVALID',
  'PAYLOAD_INVALID',
  'PAYLOAD_TOO_LARGE',
  'TTL_INVALID',
  'TOO_MANY_TOKENS',
  'APP_FORBIDDEN',
] as const
