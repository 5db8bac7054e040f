/** `/v1/keys`: keys of providers, made, changed and removed while the server runs. */
import type { FastifyInstance } from 'fastify'
import type { ErrorCode } from '../../errors.ts'
import type { Guard } from '../authenticate.ts'
import type { KeyCalls } from '../keys/calls.ts'
import {
  changeKeySchema,
  createKeySchema,
  keyIdSchema,
  keyProperties,
  listKeysSchema,
  madeKeyProperties,
  rotateKeySchema,
  type KeyChange,
  type KeyQuery,
  type KeyRequest,
  type KeyRotation,
} from '../keys/schemas.ts'
import { readValues } from '../query.ts'
import { answer, BODY_ERRORS, noQuery, problems, PROVIDER_ERRORS } from '../schemas.ts'

interface KeyRoutesContext {
  readonly calls: KeyCalls
  readonly guard: Guard
}

interface WithId {
  Params: { id: string }
}

const COMMON = { tags: ['keys'], security: [{ providerKey: [] }] }
const errors = (...codes: readonly ErrorCode[]) => problems(...PROVIDER_ERRORS, 'STORE_UNAVAILABLE', ...codes)
const OF_FIELDS = ['NAME_INVALID', 'NAME_TAKEN', 'APP_FORBIDDEN'] as const

export function manageKeys(api: FastifyInstance, { calls, guard }: KeyRoutesContext): void {
  const onRequest = guard.provider('keys:admin')

  const create = {
    ...COMMON,
    operationId: 'createKey',
    summary: 'Create a provider key',
    description:
      'The new key cannot exceed the apps and scopes of the calling key. Only this response contains the key.',
    querystring: noQuery,
    body: createKeySchema,
    response: {
      201: answer('The key', madeKeyProperties),
      ...errors(...BODY_ERRORS, ...OF_FIELDS, 'KEYS_LIMIT'),
    },
  }
  api.post<{ Body: KeyRequest }>('/v1/keys', { onRequest, schema: create }, async (request, reply) =>
    reply.code(201).send(await calls.createKey(request.body, { provider: guard.providerOf(request) })),
  )

  const list = {
    ...COMMON,
    operationId: 'listKeys',
    summary: 'List provider keys',
    description: 'Oldest first. A key that is limited to some apps sees only keys within its own apps and scopes.',
    querystring: listKeysSchema,
    response: {
      200: answer('A page of keys', {
        keys: {
          type: 'array',
          items: { type: 'object', required: Object.keys(keyProperties), properties: keyProperties },
        },
        cursor: {
          anyOf: [{ type: 'string' }, { type: 'null' }],
          description: '`cursor` for the next page; null: this is the last page',
        },
      }),
      ...errors('CURSOR_INVALID'),
    },
  }
  api.get<{ Querystring: KeyQuery }>(
    '/v1/keys',
    { onRequest, preValidation: readValues('limit'), schema: list },
    async (request) => await calls.listKeys(request.query, { provider: guard.providerOf(request) }),
  )

  oneKey(api, { calls, guard })
}

function oneKey(api: FastifyInstance, { calls, guard }: KeyRoutesContext): void {
  const onRequest = guard.provider('keys:admin')
  const one = { ...COMMON, querystring: noQuery, params: keyIdSchema }

  const find = {
    ...one,
    operationId: 'findKey',
    summary: 'Get a provider key',
    response: { 200: answer('The key', keyProperties), ...errors('KEY_UNKNOWN') },
  }
  api.get<WithId>('/v1/keys/:id', { onRequest, schema: find }, async (request) => {
    return await calls.findKey(request.params.id, { provider: guard.providerOf(request) })
  })

  const change = {
    ...one,
    operationId: 'changeKey',
    summary: 'Change a provider key',
    description: 'Absent fields stay unchanged. Connections that use the key and lose a right are closed.',
    body: changeKeySchema,
    response: { 200: answer('The key', keyProperties), ...errors(...BODY_ERRORS, ...OF_FIELDS, 'KEY_UNKNOWN') },
  }
  api.patch<WithId & { Body: KeyChange }>('/v1/keys/:id', { onRequest, schema: change }, async (request) => {
    const { params, body } = request
    return await calls.changeKey(params.id, body, { provider: guard.providerOf(request) })
  })

  const rotate = {
    ...one,
    operationId: 'rotateKey',
    summary: 'Replace the secret of a provider key',
    description: 'Both keys are valid for a while. Then connections that were opened with the previous one are closed.',
    body: rotateKeySchema,
    response: {
      201: answer('The key, with its new secret', madeKeyProperties),
      ...errors(...BODY_ERRORS, 'KEY_UNKNOWN', 'APP_FORBIDDEN'),
    },
  }
  api.post<WithId & { Body: KeyRotation }>(
    '/v1/keys/:id/rotate',
    { onRequest, schema: rotate, config: { mayHaveNoBody: true } },
    async (request, reply) => {
      const { params, body } = request
      return reply.code(201).send(await calls.rotateKey(params.id, body, { provider: guard.providerOf(request) }))
    },
  )

  const remove = {
    ...one,
    operationId: 'deleteKey',
    summary: 'Delete a provider key',
    description: 'Takes effect at once on this node, and on the others within a second. Its connections are closed.',
    response: { 204: { type: 'null', description: 'Deleted' }, ...errors('KEY_UNKNOWN') },
  }
  api.delete<WithId>('/v1/keys/:id', { onRequest, schema: remove }, async (request, reply) => {
    await calls.deleteKey(request.params.id, { provider: guard.providerOf(request) })
    return reply.code(204).send(null)
  })
}
