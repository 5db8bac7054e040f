/** `POST /v1/messages`: a message to one token, to many, or to every device with a version. */
import type { FastifyInstance } from 'fastify'
import { PushError, type ErrorCode } from '../../errors.ts'
import type { MessageLimits } from '../../store/message.ts'
import type { QuotaLeases } from '../../store/quota-leases.ts'
import type { Guard } from '../authenticate.ts'
import { sendSchema, type SendBody, type SendMessage } from '../calls/send-message.ts'
import type { HttpLimits } from '../limits.ts'
import { QUOTA_HEADERS, tellQuotas } from '../quota-headers.ts'
import { answer, BODY_ERRORS, messageIdSchema, noQuery, problems, PROVIDER_ERRORS } from '../schemas.ts'

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
    async (request, reply) => {
      const provider = guard.providerOf(request)
      const sending = send(request.body, { provider, log: request.log })
      if (provider.quotas === undefined) return reply.code(202).send(await sending)
      try {
        const stored = await sending
        tellQuotas(reply, quotas?.state(provider) ?? [])
        return reply.code(202).send(stored)
      } catch (error) {
        tellQuotas(reply, quotas?.state(provider) ?? [], error instanceof PushError ? error.retryAfter : undefined)
        throw error
      }
    },
  )
}

function schemaOf(limits: HttpLimits & MessageLimits, errors: readonly ErrorCode[]) {
  const rejected = {
    type: 'object',
    required: ['token', 'code'],
    properties: {
      token: { type: 'string', description: 'As the request named it' },
      code: { type: 'string', examples: ['TOKEN_UNKNOWN'] },
    },
  }
  const stored = answer('Stored for all receivers that are not listed as rejected', {
    id: messageIdSchema('Of the message'),
    accepted: { type: 'integer', description: 'Receivers it is stored for; 1 for a broadcast', examples: [1] },
    rejected: { type: 'array', items: rejected, description: 'Receivers it is not stored for' },
  })
  return {
    operationId: 'sendMessage',
    summary: 'Send a message',
    description: 'The answer comes after the message is stored durably. After a 503, send it again under the same id.',
    tags: ['messages'],
    security: [{ providerKey: [] }],
    querystring: noQuery,
    body: sendSchema(limits),
    response: {
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
  'PAYLOAD_INVALID',
  'PAYLOAD_TOO_LARGE',
  'TTL_INVALID',
  'TOO_MANY_TOKENS',
  'APP_FORBIDDEN',
  'QUOTA_EXCEEDED',
] as const
