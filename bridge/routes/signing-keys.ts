/** `/v1/signing-keys`, and the public ones at `/.well-known/jwks.json`. */
import type { FastifyInstance } from 'fastify'
import { ALGORITHMS, type Auth } from '../../auth/index.ts'
import type { ErrorCode } from '../../errors.ts'
import type { Guard } from '../authenticate.ts'
import { answer, BODY_ERRORS, noQuery, problems, PROVIDER_ERRORS, timeSchema } from '../schemas.ts'
import type { SigningKeyCalls } from '../signing-keys/calls.ts'
import { KEYS_MAX_AGE, type Rotation } from '../signing-keys/signing-keys.ts'

interface SigningKeyRoutesContext {
  readonly calls: SigningKeyCalls
  readonly guard: Guard
}

const timeOrNull = (description: string) => ({ anyOf: [timeSchema(description), { type: 'null' }], description })

const kidSchema = {
  type: 'string',
  description: 'Id of the key in the header of its tokens',
  examples: ['Y3fP0a9sKx2Q'],
}

const keyProperties = {
  kid: kidSchema,
  algorithm: { type: 'string', enum: [...ALGORITHMS] },
  state: {
    type: 'string',
    enum: ['published', 'signing', 'verifying', 'retired'],
    description:
      'Published but not signing yet; signing; rotated out, its tokens are valid; retired, its tokens are refused',
  },
  createdAt: timeOrNull('When it was made, or first seen; null: it is of `PUSH_KEYS_FILE`, as the next two'),
  signsFrom: timeOrNull('Not before'),
  retiredAt: timeOrNull('When it was retired; null: it was not'),
}

const rotateSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    algorithm: { type: 'string', enum: [...ALGORITHMS], description: '`PUSH_TOKEN_ALGORITHM` if absent' },
    now: {
      type: 'boolean',
      default: false,
      description: 'Signs after a second, even if other services have not fetched it yet: use this if a key leaked',
    },
  },
}

const COMMON = { tags: ['keys'], security: [{ providerKey: [] }], querystring: noQuery }
const errors = (...codes: readonly ErrorCode[]) => problems(...PROVIDER_ERRORS, 'APP_FORBIDDEN', ...codes)

export function manageSigningKeys(api: FastifyInstance, { calls, guard }: SigningKeyRoutesContext): void {
  const onRequest = guard.provider('keys:admin')

  const list = {
    ...COMMON,
    operationId: 'listSigningKeys',
    summary: 'List the signing keys of message tokens',
    description: 'Oldest first, without secrets. Needs a provider key for every app.',
    response: {
      200: answer('The keys', {
        keys: {
          type: 'array',
          items: { type: 'object', required: Object.keys(keyProperties), properties: keyProperties },
        },
      }),
      ...errors(),
    },
  }
  api.get('/v1/signing-keys', { onRequest, schema: list }, async (request) => {
    return await calls.listSigningKeys({ provider: guard.providerOf(request) })
  })

  const rotate = {
    ...COMMON,
    operationId: 'rotateSigningKey',
    summary: 'Create a new signing key',
    description: `The key is published for ${KEYS_MAX_AGE} seconds and one minute before any node signs with it.`,
    body: rotateSchema,
    response: {
      201: answer('The key', keyProperties),
      ...errors(...BODY_ERRORS, 'KEYS_FROM_FILE', 'SIGNING_KEYS_LIMIT', 'STORE_UNAVAILABLE'),
    },
  }
  api.post<{ Body: Rotation }>(
    '/v1/signing-keys/rotate',
    { onRequest, schema: rotate, config: { mayHaveNoBody: true } },
    async (request, reply) =>
      reply.code(201).send(await calls.rotateSigningKey(request.body, { provider: guard.providerOf(request) })),
  )

  const retire = {
    ...COMMON,
    operationId: 'retireSigningKey',
    summary: 'Retire a signing key: refuse all of its tokens',
    description:
      'Takes effect at once on this node, and on the others within a second. Connections with its tokens are closed. Rotate a key that still signs first.',
    params: { type: 'object', additionalProperties: false, required: ['kid'], properties: { kid: kidSchema } },
    body: { type: 'object', additionalProperties: false, properties: {} },
    response: {
      200: answer('The key', keyProperties),
      ...errors(...BODY_ERRORS, 'KEY_UNKNOWN', 'KEYS_FROM_FILE', 'SIGNING_KEY_IN_USE', 'STORE_UNAVAILABLE'),
    },
  }
  api.post<{ Params: { kid: string } }>(
    '/v1/signing-keys/:kid/retire',
    { onRequest, schema: retire, config: { mayHaveNoBody: true } },
    async (request) => await calls.retireSigningKey(request.params.kid, { provider: guard.providerOf(request) }),
  )
}

export function publishKeys(api: FastifyInstance, auth: Pick<Auth, 'publicKeys'>): void {
  const schema = {
    operationId: 'publicKeys',
    summary: 'Public keys of message tokens',
    description: 'A JWK Set (RFC 7517). Empty for HS256, whose key is secret.',
    tags: ['server'],
    security: [],
    querystring: noQuery,
    response: {
      200: answer('The keys', {
        keys: {
          type: 'array',
          items: {
            type: 'object',
            required: ['kty', 'kid', 'alg', 'use'],
            properties: {
              kty: { type: 'string', examples: ['EC'] },
              kid: kidSchema,
              alg: { type: 'string', examples: ['ES256'] },
              use: { type: 'string', const: 'sig' },
            },
          },
        },
      }),
      ...problems(),
    },
  }
  api.get('/.well-known/jwks.json', { schema }, async (_request, reply) => {
    void reply.header('cache-control', `max-age=${KEYS_MAX_AGE}`)
    return auth.publicKeys()
  })
}
