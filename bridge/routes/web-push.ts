/** The endpoints of Web Push, and the messages that were sent through them. */
import type { IncomingMessage } from 'node:http'
import { isUint8Array } from 'node:util/types'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Limits } from '../../common/limits.ts'
import { answer, noQuery, problems } from '../schemas.ts'
import { ENDPOINT_PATH, MESSAGE_PATH, type Endpoint } from '../web-push/capabilities.ts'
import { URGENCIES } from '../web-push/told.ts'
import type { WebPush } from '../web-push/web-push.ts'
import type { RequestWork } from '../work.ts'

interface WebPushRoutesContext {
  readonly webPush: WebPush
  readonly work: Pick<RequestWork, 'admit'>
  readonly limits: Pick<Limits, 'webPushBytes'>
}

interface ToEndpoint {
  Params: { endpoint: string }
}

interface OfMessage {
  Params: { message: string }
}

export function takeWebPush(api: FastifyInstance, context: WebPushRoutesContext): void {
  api.register(async (scope) => {
    takeAnyBody(scope)
    sendThrough(scope, context)
    probe(scope, context)
    recall(scope, context)
  })
}

/** It is encrypted: whatever it says it is, it goes out as it came. */
function takeAnyBody(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    const { body: before } = request.raw as IncomingMessage & { readonly body?: unknown }
    if (body.length > 0 || Number(request.headers['content-length'] ?? 0) === 0) done(null, body)
    // A program that mounts the API has read it.
    else if (isUint8Array(before)) done(null, before)
    else done(new Error('the body was read before, and `body` of the request does not hold its bytes'))
  })
}

function sendThrough(scope: FastifyInstance, { webPush, work, limits }: WebPushRoutesContext): void {
  const endpoints = new WeakMap<FastifyRequest, Endpoint>()
  const schema = {
    operationId: 'sendWebPush',
    summary: 'Send a Web Push message',
    description: `RFC 8030. The body is encrypted for the device (RFC 8291), at most ${limits.webPushBytes} bytes, and delivered unchanged. If the endpoint is for one application server, its VAPID token (RFC 8292) is the credential.`,
    tags: ['web push'],
    security: [{}, { vapid: [] }],
    params: pathPart('endpoint'),
    querystring: noQuery,
    headers: {
      type: 'object',
      // Checked by hand: each has its own error.
      properties: {
        ttl: {
          type: 'string',
          description: 'Time to live, seconds; 0: delivered only if the device is connected. Required',
        },
        topic: {
          type: 'string',
          description: 'Replaces the pending message with the same topic; 1 to 32 characters, base64url',
        },
        urgency: { type: 'string', description: `One of ${URGENCIES.join(', ')}; the device is told` },
        'content-encoding': { type: 'string', description: '`aes128gcm`, unless the body is empty' },
      },
    },
    response: { 201: sentSchema, ...problems(...SEND_ERRORS) },
  }
  const hook = async (request: FastifyRequest<ToEndpoint>) => {
    const endpoint = webPush.open(request.params.endpoint)
    await work.admit(`endpoint ${endpoint.tokenId}`, request)
    webPush.authorize(endpoint, request.headers.authorization)
    endpoints.set(request, endpoint)
  }
  scope.post<ToEndpoint>(
    `${ENDPOINT_PATH}/:endpoint`,
    { onRequest: hook, bodyLimit: limits.webPushBytes, schema },
    async (request, reply) => {
      const endpoint = endpoints.get(request)
      if (endpoint === undefined) throw new Error('nobody was let in')
      const body = isUint8Array(request.body) ? request.body : new Uint8Array(0)
      const { location, ttl } = await webPush.push(endpoint, request.headers, body)
      return reply.code(201).header('location', location).header('ttl', String(ttl)).send()
    },
  )
}

function probe(scope: FastifyInstance, { webPush, work }: WebPushRoutesContext): void {
  const version = { type: 'integer', examples: [1] }
  const schema = {
    operationId: 'probeWebPush',
    summary: 'Probe an endpoint, as UnifiedPush does',
    tags: ['web push'],
    security: [],
    params: pathPart('endpoint'),
    querystring: noQuery,
    response: {
      200: answer('It is, and messages can be sent through it', {
        unifiedpush: { type: 'object', required: ['version'], properties: { version } },
      }),
      ...problems('ENDPOINT_UNKNOWN', 'ENDPOINT_GONE', 'STORE_UNAVAILABLE'),
    },
  }
  scope.get<ToEndpoint>(`${ENDPOINT_PATH}/:endpoint`, { schema }, async (request) => {
    const endpoint = webPush.open(request.params.endpoint)
    await work.admit(`endpoint ${endpoint.tokenId}`, request)
    await webPush.probe(endpoint)
    return { unifiedpush: { version: 1 } }
  })
}

function recall(scope: FastifyInstance, { webPush }: WebPushRoutesContext): void {
  const schema = {
    operationId: 'recallWebPush',
    summary: 'Recall a Web Push message',
    description:
      'Takes the `Location` of the sent message. The message is no longer delivered; a device that already received it keeps it.',
    tags: ['web push'],
    security: [],
    params: pathPart('message'),
    querystring: noQuery,
    response: {
      204: { type: 'null', description: 'The message was pending and is recalled' },
      ...problems('MESSAGE_UNKNOWN', 'MESSAGE_GONE', 'STORE_UNAVAILABLE'),
    },
  }
  scope.delete<OfMessage>(`${MESSAGE_PATH}/:message`, { schema }, async (request, reply) => {
    await webPush.recall(request.params.message)
    return reply.code(204).send()
  })
}

function pathPart(name: string) {
  return {
    type: 'object',
    additionalProperties: false,
    required: [name],
    properties: { [name]: { type: 'string', description: 'As the server returned it; keep it secret' } },
  }
}

const sentSchema = {
  type: 'null',
  description: 'Stored, or sent to a connected device if `TTL` is 0',
  headers: {
    Location: { type: 'string', description: 'URL of the message; DELETE recalls it' },
    TTL: { type: 'string', description: 'Time to live, seconds; may be lower than requested' },
  },
}

const SEND_ERRORS = [
  'ENDPOINT_UNKNOWN',
  'ENDPOINT_GONE',
  'VAPID_MISSING',
  'VAPID_INVALID',
  'TTL_INVALID',
  'WEB_PUSH_ENCODING',
  'WEB_PUSH_FULL',
  'BODY_TOO_LARGE',
  'PAYLOAD_TOO_LARGE',
  'STORE_UNAVAILABLE',
] as const
