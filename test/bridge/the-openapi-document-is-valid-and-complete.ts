// Is /openapi.json a valid OpenAPI 3.1 document of every call, with its errors, credentials and examples?
import { Validator } from '@seriousme/openapi-schema-validator'
import { t } from '../support/tap.ts'
import { ERRORS } from '../../errors.ts'
import { request } from '../support/api.ts'
import { serve } from './support/serve.ts'

const CALLS = [
  'post /v1/tokens',
  'get /v1/tokens',
  'delete /v1/tokens/current',
  'post /v1/tokens/revoke',
  'post /v1/enrolments',
  'get /v1/enrolments',
  'delete /v1/enrolments/{id}',
  'delete /v1/tokens/{tokenId}',
  'get /v1/tokens/{tokenId}',
  'get /v1/tokens/{tokenId}/messages',
  'post /v1/messages',
  'get /v1/messages',
  'get /v1/messages/{id}/status',
  'post /v1/messages/{id}/status',
  'post /v1/messages/{id}/recall',
  'post /v1/messages/ack',
  'get /v1/messages/stream',
  'post /v1/messages/stream',
  'get /v1/events',
  'get /v1/events/stream',
  'post /v1/events/ack',
  'delete /v1/events/consumers/{consumer}',
  'post /v1/webhooks',
  'get /v1/webhooks',
  'get /v1/webhooks/{id}',
  'patch /v1/webhooks/{id}',
  'delete /v1/webhooks/{id}',
  'post /v1/webhooks/{id}/rotate',
  'post /v1/webhooks/{id}/test',
  'post /v1/webhooks/{id}/enable',
  'post /v1/webhooks/{id}/replay',
  'post /v1/keys',
  'get /v1/keys',
  'get /v1/keys/{id}',
  'patch /v1/keys/{id}',
  'delete /v1/keys/{id}',
  'post /v1/keys/{id}/rotate',
  'get /v1/signing-keys',
  'post /v1/signing-keys/rotate',
  'post /v1/signing-keys/{kid}/retire',
  'get /v1/overview',
  'get /healthz',
  'get /readyz',
  'get /metrics',
  'get /openapi.json',
  'get /.well-known/jwks.json',
]

/** Ways to say who calls, where there is more than one. */
const CREDENTIALS: Record<string, number> = { 'post /v1/tokens': 4, 'get /v1/messages/stream': 2 }

await t.test('the document', async (t) => {
  const api = await serve(t)
  const { status, body } = await request(api, 'GET', '/openapi.json', { bearer: null })
  t.equal(status, 200)
  const validator = new Validator()
  const result = await validator.validate(body)
  t.ok(result.valid, JSON.stringify(result.errors))
  t.equal(validator.version, '3.1')

  const found = Object.entries<object>(body.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  )
  t.same(new Set(found.filter((call) => !call.startsWith('head '))), new Set(CALLS))
  t.same(body.components.schemas.Problem.properties.code.enum, Object.keys(ERRORS))
  for (const call of CALLS.filter((each) => each.includes('/v1/'))) {
    const [method = '', path = ''] = call.split(' ')
    const { responses, security, summary, operationId } = body.paths[path][method]
    t.ok(summary && operationId, call)
    t.equal(security.length, CREDENTIALS[call] ?? 1, call)
    for (const wrong of ['400', '401', '403', '500', '503']) {
      const schema = responses[wrong]?.content?.['application/problem+json']?.schema
      t.same(schema, { $ref: '#/components/schemas/Problem' }, `${call} ${wrong}`)
    }
  }
  const { schema: send, example } = body.paths['/v1/messages'].post.requestBody.content['application/json']
  t.equal(send.additionalProperties, false)
  t.ok(example.to.token)
  t.equal(send.properties.to.oneOf[1].properties.tokens.maxItems, 1_000)
})

await t.test('where there is a console, its session stands for a key', async (t) => {
  const api = await serve(t, { console: 'local' })
  const { body } = await request(api, 'GET', '/openapi.json')
  t.ok((await new Validator().validate(body)).valid)
  t.same(Object.keys(body.paths['/v1/session']), ['post', 'get', 'delete'])
  t.same(body.paths['/v1/keys'].get.security, [{ providerKey: [] }, { consoleSession: [] }])
  t.same(body.paths['/v1/messages'].get.security, [{ messageToken: [] }], 'it is no device')
  t.notOk(
    Object.keys(body.paths).some((path) => path.startsWith('/console')),
    'pages are no calls',
  )
})

await t.test('the limits of the document are those of the server', async (t) => {
  const api = await serve(t, { limits: { tokens: 5, waitSeconds: 10, defaultTokenTtl: 60, maximumTokenTtl: 600 } })
  const { paths } = (await request(api, 'GET', '/openapi.json')).body
  t.equal(paths['/v1/tokens'].post.requestBody.content['application/json'].schema.properties.ttl.maximum, 600)
  const wait = paths['/v1/messages'].get.parameters.find(({ name }: { name: string }) => name === 'wait')
  t.match(wait, { description: /at most 10$/, schema: { minimum: 0, default: 0 }, required: false })
})
