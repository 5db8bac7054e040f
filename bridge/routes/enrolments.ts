/** Enrolment codes, which a provider hands to a device that has nothing yet. */
import type { FastifyInstance } from 'fastify'
import type { Guard } from '../authenticate.ts'
import { enrolmentSchema, type EnrolmentBody } from '../calls/enrolments.ts'
import type { Calls } from '../calls/calls.ts'
import { DEFAULT_PAGE, LONGEST_PAGE, pageQuery, readValues } from '../query.ts'
import { answer, BODY_ERRORS, noQuery, problems, PROVIDER_ERRORS, timeSchema } from '../schemas.ts'

const idSchema = { type: 'string', description: 'Id of the code; not secret' }

const createdSchema = answer('The code, which is shown only here', {
  id: idSchema,
  code: { type: 'string', description: 'The code: the Bearer token of one `POST /v1/tokens`' },
  expiresAt: timeSchema('When the code expires'),
})

const listSchema = answer('Codes that have not ended', {
  enrolments: {
    type: 'array',
    items: {
      type: 'object',
      required: ['id', 'app', 'takeOver', 'createdBy', 'createdAt', 'expiresAt', 'usedAt'],
      properties: {
        id: idSchema,
        app: { type: 'string', examples: ['chat'] },
        takeOver: { type: 'boolean' },
        createdBy: { type: 'string', description: 'The provider that created it', examples: ['provider shop'] },
        createdAt: timeSchema('When it was created'),
        expiresAt: timeSchema('When it expires'),
        usedAt: { anyOf: [timeSchema('When a device used it'), { type: 'null' }] },
      },
    },
  },
  cursor: {
    anyOf: [{ type: 'string' }, { type: 'null' }],
    description: '`cursor` for the next page, which may be short or empty; null: this is the last page',
  },
})

interface EnrolContext {
  readonly enrolments: Calls['enrolments']
  readonly guard: Guard
}

export function enrol(api: FastifyInstance, context: EnrolContext): void {
  createCode(api, context)
  listCodes(api, context)
  deleteCode(api, context)
}

function createCode(api: FastifyInstance, { enrolments, guard }: EnrolContext): void {
  const schema = {
    operationId: 'createEnrolment',
    summary: 'Create an enrolment code',
    description:
      'A device exchanges the code for a message token of its account, once. The first use binds the code to that device, which may repeat the request for ten minutes with the same device name.',
    tags: ['tokens'],
    security: [{ providerKey: [] }],
    querystring: noQuery,
    body: enrolmentSchema,
    response: {
      201: createdSchema,
      ...problems(
        ...PROVIDER_ERRORS,
        ...BODY_ERRORS,
        'NAME_INVALID',
        'TAGS_INVALID',
        'TTL_INVALID',
        'APP_FORBIDDEN',
        'STORE_UNAVAILABLE',
      ),
    },
  }
  api.post<{ Body: EnrolmentBody }>(
    '/v1/enrolments',
    { onRequest: guard.provider('tokens:issue'), schema },
    async (request, reply) => reply.code(201).send(await enrolments.create(request.body, guard.providerOf(request))),
  )
}

function listCodes(api: FastifyInstance, { enrolments, guard }: EnrolContext): void {
  const schema = {
    operationId: 'listEnrolments',
    summary: 'List enrolment codes',
    description: 'Without the codes and the accounts they are for, which are encrypted with the code.',
    tags: ['tokens'],
    security: [{ providerKey: [] }],
    querystring: {
      type: 'object',
      additionalProperties: false,
      properties: {
        app: { type: 'string', description: 'Only codes of this app', examples: ['chat'] },
        ...pageQuery(DEFAULT_PAGE, LONGEST_PAGE),
      },
    },
    response: { 200: listSchema, ...problems(...PROVIDER_ERRORS, 'APP_FORBIDDEN', 'STORE_UNAVAILABLE') },
  }
  api.get<{ Querystring: { app?: string; limit?: number; cursor?: string } }>(
    '/v1/enrolments',
    { onRequest: guard.provider('tokens:issue'), preValidation: readValues('limit'), schema },
    async (request) => {
      const { app, limit = DEFAULT_PAGE, cursor } = request.query
      const query = { app, limit, ...(cursor === undefined ? {} : { after: cursor }) }
      const { enrolments: page, next } = await enrolments.list(query, guard.providerOf(request))
      return { enrolments: page, cursor: next ?? null }
    },
  )
}

function deleteCode(api: FastifyInstance, { enrolments, guard }: EnrolContext): void {
  const schema = {
    operationId: 'deleteEnrolment',
    summary: 'Delete an enrolment code',
    description: 'The code can no longer be used. A token that was issued for it stays valid.',
    tags: ['tokens'],
    security: [{ providerKey: [] }],
    querystring: noQuery,
    params: { type: 'object', additionalProperties: false, required: ['id'], properties: { id: idSchema } },
    response: {
      204: { type: 'null', description: 'Deleted' },
      ...problems(...PROVIDER_ERRORS, 'CODE_UNKNOWN', 'STORE_UNAVAILABLE'),
    },
  }
  api.delete<{ Params: { id: string } }>(
    '/v1/enrolments/:id',
    { onRequest: guard.provider('tokens:issue'), schema },
    async (request, reply) => {
      await enrolments.delete(request.params.id, guard.providerOf(request))
      return reply.code(204).send(null)
    },
  )
}
