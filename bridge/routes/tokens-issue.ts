/** `POST /v1/tokens`: a message token for one (app, device, account). */
import type { FastifyInstance } from 'fastify'
import type { Guard } from '../authenticate.ts'
import { tokenSchema, type IssueToken, type TokenBody } from '../calls/issue-token.ts'
import type { TokenLimits } from '../limits.ts'
import { answer, BODY_ERRORS, noQuery, problems, PROVIDER_ERRORS, timeSchema, tokenIdSchema } from '../schemas.ts'

const answerSchema = answer('The token', {
  token: {
    type: 'string',
    description: 'The message token, a JWT: the MQTT password, and the Bearer token of a device',
  },
  tokenId: tokenIdSchema,
  expiresAt: timeSchema('When the token ends'),
  topics: {
    type: 'object',
    required: ['private', 'broadcast'],
    properties: {
      private: {
        type: 'string',
        description: 'What is for this token alone',
        examples: ['chat/t/kHqJ2mXv0pR7tYw3nZs5cA'],
      },
      broadcast: {
        anyOf: [{ type: 'string' }, { type: 'null' }],
        description: 'What is for every device with this version; null without a version',
        examples: ['chat/2.1.0'],
      },
    },
  },
})

interface IssueRouteContext {
  readonly issueToken: IssueToken
  readonly guard: Guard
  readonly limits: TokenLimits
}

export function issueTokens(api: FastifyInstance, { issueToken, guard, limits }: IssueRouteContext): void {
  const schema = {
    operationId: 'issueToken',
    summary: 'Issue a message token',
    description:
      'The same app, device and account always have the same token id, so what is pending stays. ' +
      'Another account of the same app on the same device is an account switch: ' +
      'the token of the previous account is refused until it is issued again.',
    tags: ['tokens'],
    security: [{ providerKey: [] }],
    querystring: noQuery,
    body: tokenSchema(limits),
    response: {
      201: answerSchema,
      ...problems(
        ...PROVIDER_ERRORS,
        ...BODY_ERRORS,
        'NAME_INVALID',
        'VERSION_INVALID',
        'TTL_INVALID',
        'APP_FORBIDDEN',
        'STORE_UNAVAILABLE',
      ),
    },
  }
  api.post<{ Body: TokenBody }>(
    '/v1/tokens',
    { onRequest: guard.provider('tokens:issue'), schema },
    async (request, reply) =>
      reply.code(201).send(await issueToken(request.body, { provider: guard.providerOf(request) })),
  )
}
