/** Revocations: of a token id, of the token that asks (logging out), of all tokens of an app or account. */
import type { FastifyInstance } from 'fastify'
import type { Guard } from '../authenticate.ts'
import {
  revokeAllSchema,
  revokeSchema,
  type LogOut,
  type RevokeAll,
  type RevokeAllBody,
  type RevokeToken,
} from '../calls/revoke-token.ts'
import { readValues } from '../query.ts'
import { BODY_ERRORS, DEVICE_ERRORS, noQuery, problems, PROVIDER_ERRORS } from '../schemas.ts'

interface RevokeRouteContext {
  readonly revokeToken: RevokeToken
  readonly revokeAll: RevokeAll
  readonly logOut: LogOut
  readonly guard: Guard
}

const DONE = { type: 'null', description: 'Revoked' }

export function revokeTokens(api: FastifyInstance, context: RevokeRouteContext): void {
  revokeOne(api, context)
  logOutDevice(api, context)
  revokeMany(api, context)
}

function revokeOne(api: FastifyInstance, { revokeToken, guard }: RevokeRouteContext): void {
  const schema = {
    operationId: 'revokeToken',
    summary: 'Revoke all tokens of a token id',
    description: 'Takes effect at once, and closes a live connection. Pending messages stay for a token issued later.',
    tags: ['tokens'],
    security: [{ providerKey: [] }],
    querystring: noQuery,
    params: revokeSchema,
    response: { 204: DONE, ...problems(...PROVIDER_ERRORS, 'TOKEN_UNKNOWN', 'APP_FORBIDDEN', 'STORE_UNAVAILABLE') },
  }
  api.delete<{ Params: { tokenId: string } }>(
    '/v1/tokens/:tokenId',
    { onRequest: guard.provider('tokens:revoke'), schema },
    async (request, reply) => {
      await revokeToken(request.params.tokenId, { provider: guard.providerOf(request) })
      return reply.code(204).send(null)
    },
  )
}

function logOutDevice(api: FastifyInstance, { logOut, guard }: RevokeRouteContext): void {
  const schema = {
    operationId: 'logOut',
    summary: 'Log out: revoke the presented token',
    description:
      'Also revokes all other tokens of its token id. Another account may then log in to the app on this device.',
    tags: ['tokens'],
    security: [{ messageToken: [] }],
    querystring: {
      type: 'object',
      additionalProperties: false,
      properties: {
        purge: {
          type: 'boolean',
          default: false,
          description: 'Also deletes what is pending for this device and account',
        },
      },
    },
    response: { 204: DONE, ...problems(...DEVICE_ERRORS) },
  }
  api.delete<{ Querystring: { purge?: boolean } }>(
    '/v1/tokens/current',
    { onRequest: guard.device, preValidation: readValues('purge'), schema },
    async (request, reply) => {
      await logOut(guard.deviceOf(request).device, request.query.purge === true)
      return reply.code(204).send(null)
    },
  )
}

function revokeMany(api: FastifyInstance, { revokeAll, guard }: RevokeRouteContext): void {
  const schema = {
    operationId: 'revokeTokens',
    summary: 'Revoke all tokens of an app, or of an account',
    description:
      'Takes effect at once on this node, and on the others within a second, however many tokens there are. Earlier enrolment codes are refused too. Pending messages stay for tokens issued later.',
    tags: ['tokens'],
    security: [{ providerKey: [] }],
    querystring: noQuery,
    body: revokeAllSchema,
    response: {
      204: DONE,
      ...problems(
        ...PROVIDER_ERRORS,
        ...BODY_ERRORS,
        'NAME_INVALID',
        'APP_FORBIDDEN',
        'REVOCATIONS_LIMIT',
        'STORE_UNAVAILABLE',
      ),
    },
  }
  api.post<{ Body: RevokeAllBody }>(
    '/v1/tokens/revoke',
    { onRequest: guard.provider('tokens:revoke'), schema },
    async (request, reply) => {
      await revokeAll(request.body, { provider: guard.providerOf(request) })
      return reply.code(204).send(null)
    },
  )
}
