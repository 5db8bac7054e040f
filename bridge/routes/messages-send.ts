/** `POST /v1/messages`: a message to one token, to many, or to every device with a version. */
import { Type } from 'typebox'
import type { ErrorCode } from '../../errors.ts'
import type { MessageLimits } from '../../store/message.ts'
import type { Guard } from '../authenticate.ts'
import { sendSchema, type SendMessage } from '../calls/send-message.ts'
import type { Api } from '../fastify-app.ts'
import type { HttpLimits } from '../limits.ts'
import { BODY_ERRORS, messageIdSchema, noQuery, problems, PROVIDER_ERRORS } from '../schemas.ts'

interface SendRouteContext {
  readonly send: SendMessage
  readonly guard: Guard
  readonly limits: HttpLimits & MessageLimits
  /** What publishing may fail with, for the description of the API. */
  readonly errors: readonly ErrorCode[]
}

export function sendMessages(api: Api, { send, guard, limits, errors }: SendRouteContext): void {
  const schema = schemaOf(limits, errors)
  api.post('/v1/messages', { onRequest: guard.provider, schema }, async (request, reply) => {
    const answer = await send(request.body, { provider: guard.providerOf(request), log: request.log })
    return reply.code(202).send(answer)
  })
}

function schemaOf(limits: HttpLimits & MessageLimits, errors: readonly ErrorCode[]) {
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
    body: sendSchema(limits),
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
