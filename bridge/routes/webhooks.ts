/** `/v1/webhooks`: calls to a provider's own server when something happens. */
import type { FastifyInstance } from 'fastify'
import type { ErrorCode } from '../../errors.ts'
import type { Guard } from '../authenticate.ts'
import { readValues } from '../query.ts'
import { answer, BODY_ERRORS, noQuery, problems, PROVIDER_ERRORS } from '../schemas.ts'
import type { WebhookCalls } from '../webhooks/calls.ts'
import {
  changeWebhookSchema,
  createWebhookSchema,
  enabledWebhookProperties,
  foundWebhookProperties,
  listWebhooksSchema,
  madeWebhookProperties,
  replaySchema,
  rotateSecretSchema,
  type SecretRotation,
  testProperties,
  type WebhookChange,
  webhookIdSchema,
  webhookProperties,
  type WebhookQuery,
  type WebhookReplay,
  type WebhookRequest,
} from '../webhooks/schemas.ts'

interface WebhookRoutesContext {
  readonly calls: WebhookCalls
  readonly guard: Guard
}

interface WithId {
  Params: { id: string }
}

const COMMON = { tags: ['webhooks'], security: [{ providerKey: [] }] }
const errors = (...codes: readonly ErrorCode[]) => problems(...PROVIDER_ERRORS, 'STORE_UNAVAILABLE', ...codes)
const ONE = { ...COMMON, querystring: noQuery, params: webhookIdSchema }
const mayHaveNoBody = { mayHaveNoBody: true }

export function manageWebhooks(api: FastifyInstance, context: WebhookRoutesContext): void {
  makeAndList(api, context)
  lookAndChange(api, context)
  rotateAndDelete(api, context)
  operate(api, context)
}

function makeAndList(api: FastifyInstance, { calls, guard }: WebhookRoutesContext): void {
  const onRequest = guard.provider('webhooks:write')
  const create = {
    ...COMMON,
    operationId: 'createWebhook',
    summary: 'Create a webhook',
    description: 'It receives what happens from this response on. Only this response contains the secret.',
    querystring: noQuery,
    body: createWebhookSchema,
    response: {
      201: answer('The webhook', madeWebhookProperties),
      ...errors(...BODY_ERRORS, 'NAME_INVALID', 'WEBHOOK_URL_INVALID', 'APP_FORBIDDEN', 'WEBHOOKS_LIMIT'),
    },
  }
  api.post<{ Body: WebhookRequest }>('/v1/webhooks', { onRequest, schema: create }, async (request, reply) =>
    reply.code(201).send(await calls.createWebhook(request.body, { provider: guard.providerOf(request) })),
  )

  const list = {
    ...COMMON,
    operationId: 'listWebhooks',
    summary: 'List webhooks',
    description: 'Webhooks of the provider, for the apps of its key; oldest first.',
    querystring: listWebhooksSchema,
    response: {
      200: answer('A page of webhooks', {
        webhooks: {
          type: 'array',
          items: { type: 'object', required: Object.keys(webhookProperties), properties: webhookProperties },
        },
        cursor: {
          anyOf: [{ type: 'string' }, { type: 'null' }],
          description: '`cursor` for the next page; null: this is the last page',
        },
      }),
      ...errors('CURSOR_INVALID'),
    },
  }
  api.get<{ Querystring: WebhookQuery }>(
    '/v1/webhooks',
    { onRequest, preValidation: readValues('limit'), schema: list },
    async (request) => await calls.listWebhooks(request.query, { provider: guard.providerOf(request) }),
  )
}

function lookAndChange(api: FastifyInstance, { calls, guard }: WebhookRoutesContext): void {
  const onRequest = guard.provider('webhooks:write')
  const find = {
    ...ONE,
    operationId: 'findWebhook',
    summary: 'Get a webhook',
    response: { 200: answer('The webhook, and how it goes', foundWebhookProperties), ...errors('WEBHOOK_UNKNOWN') },
  }
  api.get<WithId>('/v1/webhooks/:id', { onRequest, schema: find }, async (request) => {
    return await calls.findWebhook(request.params.id, { provider: guard.providerOf(request) })
  })

  const change = {
    ...ONE,
    operationId: 'changeWebhook',
    summary: 'Change a webhook',
    description: 'Absent fields stay unchanged. With a new URL, a batch in flight is sent there at once.',
    body: changeWebhookSchema,
    response: {
      200: answer('The webhook', webhookProperties),
      ...errors(...BODY_ERRORS, 'WEBHOOK_URL_INVALID', 'APP_FORBIDDEN', 'WEBHOOK_UNKNOWN'),
    },
  }
  api.patch<WithId & { Body: WebhookChange }>('/v1/webhooks/:id', { onRequest, schema: change }, async (request) => {
    const { params, body } = request
    return await calls.changeWebhook(params.id, body, { provider: guard.providerOf(request) })
  })
}

function rotateAndDelete(api: FastifyInstance, { calls, guard }: WebhookRoutesContext): void {
  const onRequest = guard.provider('webhooks:write')
  const rotate = {
    ...ONE,
    operationId: 'rotateWebhookSecret',
    summary: 'Replace the secret of a webhook',
    description: 'Both secrets sign for a while, each with its own signature.',
    body: rotateSecretSchema,
    response: {
      201: answer('The webhook, with its new secret', madeWebhookProperties),
      ...errors(...BODY_ERRORS, 'WEBHOOK_UNKNOWN', 'APP_FORBIDDEN'),
    },
  }
  api.post<WithId & { Body: SecretRotation }>(
    '/v1/webhooks/:id/rotate',
    { onRequest, schema: rotate, config: mayHaveNoBody },
    async (request, reply) => {
      const { params, body } = request
      const caller = { provider: guard.providerOf(request) }
      return reply.code(201).send(await calls.rotateWebhookSecret(params.id, body, caller))
    },
  )

  const remove = {
    ...ONE,
    operationId: 'deleteWebhook',
    summary: 'Delete a webhook',
    description: 'Nothing is kept for it any longer. An attempt in flight may still arrive.',
    response: { 204: { type: 'null', description: 'Deleted' }, ...errors('WEBHOOK_UNKNOWN') },
  }
  api.delete<WithId>('/v1/webhooks/:id', { onRequest, schema: remove }, async (request, reply) => {
    await calls.deleteWebhook(request.params.id, { provider: guard.providerOf(request) })
    return reply.code(204).send(null)
  })
}

function operate(api: FastifyInstance, { calls, guard }: WebhookRoutesContext): void {
  const onRequest = guard.provider('webhooks:write')
  const common = { onRequest, config: mayHaveNoBody }
  const noBody = { type: 'object', properties: {}, additionalProperties: false }
  const test = {
    ...ONE,
    operationId: 'testWebhook',
    summary: 'Call the receiver once',
    description: 'Sends a body of type `webhook.test` now, even if the webhook is disabled.',
    body: noBody,
    response: {
      200: answer('What came of it', testProperties),
      ...errors(...BODY_ERRORS, 'WEBHOOK_UNKNOWN', 'APP_FORBIDDEN'),
    },
  }
  api.post<WithId>('/v1/webhooks/:id/test', { ...common, schema: test }, async (request) => {
    return await calls.testWebhook(request.params.id, { provider: guard.providerOf(request) })
  })

  const enable = {
    ...ONE,
    operationId: 'enableWebhook',
    summary: 'Enable a webhook',
    description: 'Continues where it was disabled, and from now on depends on the calling key.',
    body: noBody,
    response: {
      200: answer('The webhook, and what was dropped meanwhile', enabledWebhookProperties),
      ...errors(...BODY_ERRORS, 'WEBHOOK_UNKNOWN', 'WEBHOOK_URL_INVALID', 'APP_FORBIDDEN'),
    },
  }
  api.post<WithId>('/v1/webhooks/:id/enable', { ...common, schema: enable }, async (request) => {
    return await calls.enableWebhook(request.params.id, { provider: guard.providerOf(request) })
  })

  const replay = {
    ...ONE,
    operationId: 'replayWebhook',
    summary: 'Send events again',
    description: 'Sends the kept events after a cursor again, in batches with new ids; `eventId` stays the same.',
    body: replaySchema,
    response: {
      200: answer('The webhook', webhookProperties),
      ...errors(...BODY_ERRORS, 'WEBHOOK_UNKNOWN', 'APP_FORBIDDEN', 'CURSOR_INVALID'),
    },
  }
  api.post<WithId & { Body: WebhookReplay }>(
    '/v1/webhooks/:id/replay',
    { ...common, schema: replay },
    async (request) => {
      const { params, body } = request
      return await calls.replayWebhook(params.id, body, { provider: guard.providerOf(request) })
    },
  )
}
