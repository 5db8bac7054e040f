/** `/v1/session`: signing in to the console with a provider key, and out. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { PushError } from '../../errors.ts'
import { setCookie } from '../console/cookie.ts'
import type { ConsoleSessions, Session } from '../console/sessions.ts'
import { answer, BODY_ERRORS, noQuery, problems, timeSchema } from '../schemas.ts'

const sessionSchema = answer('Who is signed in', {
  provider: { type: 'string', description: 'Name of the provider', examples: ['shop'] },
  apps: {
    anyOf: [
      { type: 'array', items: { type: 'string' } },
      { type: 'string', const: '*' },
    ],
    description: 'Apps that its key may act for; `"*"` is every app',
  },
  scopes: { type: 'array', items: { type: 'string' }, description: 'Scopes of its key' },
  expiresAt: timeSchema('When the session ends if it is idle'),
})

const ERRORS = ['NOT_FOUND', 'SESSION_ENDED', 'STORE_UNAVAILABLE'] as const
const COMMON = { tags: ['console'], querystring: noQuery }

export function signIn(api: FastifyInstance, sessions: ConsoleSessions): void {
  const refuse = async ({ raw }: FastifyRequest) => sessions.check(raw)

  const start = {
    ...COMMON,
    operationId: 'startSession',
    summary: 'Sign in to the console',
    description:
      'Sets a cookie that authenticates pages of this server instead of `Authorization`: httpOnly, SameSite=Strict, and Secure over TLS. Requests need the header `x-push-console`, and `Origin` if they change something. The session ends with its key, or after a time.',
    security: [],
    body: {
      type: 'object',
      additionalProperties: false,
      required: ['key'],
      properties: { key: { type: 'string', minLength: 1, maxLength: 256, description: 'A provider key' } },
    },
    response: {
      200: sessionSchema,
      ...problems(...ERRORS, ...BODY_ERRORS, 'CREDENTIALS_INVALID', 'ORIGIN_FORBIDDEN', 'RATE_LIMITED'),
    },
  }
  api.post<{ Body: { key: string } }>('/v1/session', { onRequest: refuse, schema: start }, async (request, reply) => {
    const { id, ...session } = await sessions.start(request.raw, request.body.key)
    return reply.code(200).header('set-cookie', setCookie(request.raw, id)).send(describe(session))
  })

  const show = {
    ...COMMON,
    operationId: 'getSession',
    summary: 'Get the console session',
    security: [{ consoleSession: [] }],
    response: { 200: sessionSchema, ...problems(...ERRORS) },
  }
  api.get('/v1/session', { onRequest: refuse, schema: show }, async (request, reply) => {
    try {
      const session = await sessions.find(request.raw)
      if (session === undefined) throw new PushError('SESSION_ENDED')
      return describe(session)
    } catch (error) {
      return forget(error, request, reply)
    }
  })

  const end = {
    ...COMMON,
    operationId: 'endSession',
    summary: 'Sign out of the console',
    description: 'Not an error if nobody is signed in.',
    security: [{ consoleSession: [] }],
    response: { 204: { type: 'null', description: 'Signed out' }, ...problems(...ERRORS, 'ORIGIN_FORBIDDEN') },
  }
  api.delete('/v1/session', { onRequest: refuse, schema: end }, async (request, reply) => {
    await sessions.end(request.raw)
    return reply.code(204).header('set-cookie', setCookie(request.raw, undefined)).send(null)
  })
}

/** The browser need not show a session again that is over. */
function forget(error: unknown, request: FastifyRequest, reply: FastifyReply): never {
  if (error instanceof PushError && error.code === 'SESSION_ENDED')
    void reply.header('set-cookie', setCookie(request.raw, undefined))
  throw error
}

function describe({ provider, expiresAt }: Session) {
  const { name, apps, scopes } = provider
  return {
    provider: name,
    apps: apps === 'all' ? '*' : [...apps],
    scopes: [...scopes],
    expiresAt: new Date(expiresAt).toISOString(),
  }
}
