/** `POST /v1/messages`: a message to one token, to many, or to every device with a version. */
import type { FastifyInstance, FastifyReply } from 'fastify'
import { PushError, type ErrorCode } from '../../errors.ts'
import type { MessageLimits } from '../../store/message.ts'
import type { QuotaLeases, QuotaState } from '../../store/quota-leases.ts'
import type { Guard } from '../authenticate.ts'
import { sendSchema, type SendAnswer, type SendBody, type SendMessage } from '../calls/send-message.ts'
import type { HttpLimits } from '../limits.ts'
import { QUOTA_HEADERS, tellQuotas } from '../quota-headers.ts'
import {
  answer,
  BODY_ERRORS,
  messageIdSchema,
  noQuery,
  problems,
  PROVIDER_ERRORS,
  timeSchema,
  tokenIdSchema,
} from '../schemas.ts'
import { traceparentOf } from '../tracing.ts'

interface SendRouteContext {
  readonly send: SendMessage
  readonly guard: Guard
  /** Absent: nobody counts. */
  readonly quotas?: QuotaLeases
  readonly limits: HttpLimits & MessageLimits
  /** What publishing may fail with, for the description of the API. */
  readonly errors: readonly ErrorCode[]
}

export function sendMessages(api: FastifyInstance, { send, guard, quotas, limits, errors }: SendRouteContext): void {
  const schema = schemaOf(limits, errors)
  api.post<{ Body: SendBody }>(
    '/v1/messages',
    { onRequest: guard.provider('messages:send'), schema },
    (request, reply) => {
      const provider = guard.providerOf(request)
      const caller = { provider, log: request.log, traceparent: traceparentOf(request) }
      const sending = send(withKey(request.body, request.headers['idempotency-key']), caller)
      reply.code(request.body.dryRun === true ? 200 : 202)
      return provider.quotas === undefined ? sending : tellingQuotas(sending, reply, () => quotas?.state(provider))
    },
  )
}

async function tellingQuotas(
  sending: Promise<SendAnswer>,
  reply: FastifyReply,
  state: () => readonly QuotaState[] | undefined,
): Promise<SendAnswer> {
  try {
    const answer = await sending
    tellQuotas(reply, state() ?? [])
    return answer
  } catch (error) {
    tellQuotas(reply, state() ?? [], error instanceof PushError ? error.retryAfter : undefined)
    throw error
  }
}

/** In quotes, as the draft of the IETF has it, or bare, as most clients do. */
function withKey(body: SendBody, header: string | string[] | undefined): SendBody {
  if (body.id !== undefined || typeof header !== 'string') return body
  const quoted = /^"(.*)"$/.exec(header)
  return { ...body, id: quoted?.[1] ?? header }
}

function schemaOf(limits: HttpLimits & MessageLimits, errors: readonly ErrorCode[]) {
  const rejected = {
    type: 'object',
    required: ['token', 'code'],
    properties: {
      token: { type: 'string', description: 'As in the request' },
      code: { type: 'string', examples: ['TOKEN_UNKNOWN'] },
    },
  }
  const required = {
    id: messageIdSchema('Of the message'),
    accepted: {
      type: 'integer',
      description: 'Number of receivers that it is stored for; 1 for a broadcast',
      examples: [1],
    },
    rejected: { type: 'array', items: rejected, description: 'Receivers that it is not stored for' },
  }
  const optional = {
    expiresAt: timeSchema('When it expires; absent if no receiver accepted it'),
    duplicate: {
      type: 'boolean',
      const: true,
      description: 'All accepting receivers already had a message with this id',
    },
    tokenIds: { type: 'array', items: tokenIdSchema, description: 'Token ids of the devices, if sent to an account' },
  }
  const described = answer('Stored for all receivers that are not listed as rejected', required)
  const stored = { ...described, properties: { ...required, ...optional } }
  const dryRun = { type: 'boolean', const: true, description: 'Nothing was stored' }
  const checked = {
    ...answer('What would be stored, with `dryRun`', { ...required, dryRun }),
    properties: { ...required, ...optional, dryRun },
  }
  return {
    operationId: 'sendMessage',
    summary: 'Send a message',
    description:
      'The response is sent after the message is stored durably. After a 503, send it again with the same id.',
    tags: ['messages'],
    security: [{ providerKey: [] }],
    querystring: noQuery,
    headers: {
      type: 'object',
      properties: {
        'idempotency-key': { type: 'string', description: 'The `id` of the message, if the body has none' },
      },
    },
    body: sendSchema(limits),
    response: {
      200: checked,
      202: { ...stored, headers: QUOTA_HEADERS },
      ...problems(...PROVIDER_ERRORS, ...BODY_ERRORS, ...SEND_ERRORS, ...errors),
    },
  }
}

const SEND_ERRORS = [
  'NAME_INVALID',
  'VERSION_INVALID',
  'VERSION_RANGE_INVALID',
  'TAGS_INVALID',
  'MESSAGE_ID_INVALID',
  'ID_REUSED',
  'COLLAPSE_KEY_INVALID',
  'RECEIPT_FORBIDDEN',
  'NOW_OR_NEVER',
  'PAYLOAD_INVALID',
  'PAYLOAD_TOO_LARGE',
  'TTL_INVALID',
  'TOO_MANY_TOKENS',
  'APP_FORBIDDEN',
  'QUOTA_EXCEEDED',
] as const
