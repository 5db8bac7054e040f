/** `POST /v1/tokens`: a message token for one (app, device, account), for a provider or for the device itself. */
import type { FastifyInstance } from 'fastify'
import type { ProofGuard } from '../authenticate.ts'
import { tokenSchema, type IssueToken, type TokenBody } from '../calls/issue-token.ts'
import type { TokenLimits } from '../limits.ts'
import { answer, BODY_ERRORS, noQuery, problems, timeSchema, tokenIdSchema } from '../schemas.ts'

const properties = {
  token: {
    type: 'string',
    description: 'The message token, a JWT: the MQTT password, and the Bearer token of a device',
  },
  tokenId: tokenIdSchema,
  device: { type: 'string', description: 'As the request named it, or as it was named here', examples: ['phone-17'] },
  account: { type: 'string', description: 'Empty: not logged in', examples: ['ann'] },
  expiresAt: timeSchema('When the token ends'),
  renewAfter: timeSchema('When to renew it: after two thirds of its life'),
  renewUntil: timeSchema('Until then the device renews it by itself, with the token'),
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
}

const endpoint = {
  type: 'string',
  description:
    'Where the request asks for Web Push: a capability URL, to be kept as a secret. It ends with a revocation, a logout and an account switch',
  examples: ['https://push.example.com/v1/web-push/2nZs5cAkHqJ2mXv0pR7tYw'],
}
const described = answer('The token', properties)
const answerSchema = { ...described, properties: { ...properties, endpoint } }

const ISSUE_ERRORS = [
  'CREDENTIALS_MISSING',
  'CREDENTIALS_INVALID',
  'SCOPE_MISSING',
  'TOKEN_INVALID',
  'TOKEN_EXPIRED',
  'TOKEN_NOT_YET_VALID',
  'TOKEN_REVOKED',
  'TOKEN_SUPERSEDED',
  'TOKEN_UNKNOWN',
  'TOKEN_NOT_RENEWABLE',
  'CODE_INVALID',
  'ISSUER_UNAVAILABLE',
  'APP_FORBIDDEN',
  'ACCOUNT_FORBIDDEN',
  'DEVICE_HELD',
  'ACCOUNT_FULL',
  'NAME_INVALID',
  'VERSION_INVALID',
  'TAGS_INVALID',
  'TTL_INVALID',
  'WEB_PUSH_OFF',
  'VAPID_KEY_INVALID',
  'STORE_UNAVAILABLE',
] as const

interface IssueRouteContext {
  readonly issueToken: IssueToken
  readonly proofs: ProofGuard
  readonly limits: TokenLimits
}

export function issueTokens(api: FastifyInstance, { issueToken, proofs, limits }: IssueRouteContext): void {
  const schema = {
    operationId: 'issueToken',
    summary: 'Issue or renew a message token',
    description:
      'The credential decides: a provider key issues for any account and device of its apps; the JWT of an identity ' +
      'provider, or an enrolment code, for its own account; a message token renews itself, with another version at most. ' +
      'The same app, device and account always have the same token id, so what is pending stays. ' +
      'Another account of the same app on the same device is an account switch: ' +
      'the token of the previous account is refused until it is issued again. ' +
      'A device needs the token of that account for it, as `holderToken`, unless it is logged out.',
    tags: ['tokens'],
    security: [{ providerKey: [] }, { identityToken: [] }, { enrolmentCode: [] }, { messageToken: [] }],
    querystring: noQuery,
    body: tokenSchema(limits),
    response: { 201: answerSchema, ...problems(...BODY_ERRORS, ...ISSUE_ERRORS) },
  }
  api.post<{ Body: TokenBody }>('/v1/tokens', { onRequest: proofs.hook, schema }, async (request, reply) =>
    reply.code(201).send(await issueToken(request.body, proofs.of(request))),
  )
}
