/**
 * What a request costs before anything is done with it: `node fastify.js <port>`. A route that checks the body of
 * `POST /v1/messages` and its key, and answers as if the message were stored.
 */
import { randomUUID } from 'node:crypto'
import Fastify from 'fastify'

const text = { type: 'string' } as const
const destination = { type: 'object', properties: { token: text, tokens: { type: 'array', items: text } } } as const
const body = {
  type: 'object',
  required: ['to', 'payloadBase64'],
  properties: { to: destination, payloadBase64: text },
} as const
const answer = {
  type: 'object',
  properties: { id: text, accepted: { type: 'integer' }, rejected: { type: 'array', items: text } },
} as const

interface Publish {
  readonly to: { readonly tokens?: readonly string[] }
}

const app = Fastify({ logger: false })
app.post<{ Body: Publish }>('/v1/messages', { schema: { body, response: { 202: answer } } }, (request, reply) => {
  if (request.headers.authorization === undefined) return reply.code(401).send()
  return reply.code(202).send({ id: randomUUID(), accepted: request.body.to.tokens?.length ?? 1, rejected: [] })
})
await app.listen({ port: Number(process.argv[2]), host: '127.0.0.1' })
process.stdout.write('ready\n')
process.once('SIGTERM', () => process.exit(0))
