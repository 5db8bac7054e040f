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
  device: { type: 'string', description: 'The device, as in the request or as generated', examples: ['phone-17'] },
  account: { type: 'string', description: 'Empty: not logged in', examples: ['ann'] },
  expiresAt: timeSchema('When the token expires'),
  renewAfter: timeSchema('When to renew the token: after two thirds of its lifetime'),
  renewUntil: timeSchema('Until when the device can renew the token itself'),
  topics: {
    type: 'object',
    required: ['private', 'broadcast'],
    properties: {
      private: {
        type: 'string',
        description: 'Messages for this token only',
        examples: ['chat/t/kHqJ2mXv0pR7tYw3nZs5cA'],
      },
      broadcast: {
        anyOf: [{ type: 'string' }, { type: 'null' }],
        description: 'Messages for every device with this version; null without a version',
        examples: ['chat/2.1.0'],
      },
    },
  },
}

const endpoint = {
  type: 'string',
  description:
    'If the request asked for Web Push: a capability URL; keep it secret. It ends with a revocation, a logout or an account switch',
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
      'The credential decides what is allowed. A provider key issues for any account and device of its apps. The JWT of an identity provider, or an enrolment code, issues for its own account. A message token renews itself, with another version at most. The same app, device and account always get the same token id, so pending messages stay. Another account of the same app on the same device is an account switch: the token of the previous account is refused until it is issued again. For an account switch, a device must send the token of the previous account as `holderToken`, unless that account is logged out.',
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
