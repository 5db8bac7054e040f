// Is every broken request answered with problem+json and its code, with the server living on?
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { t } from '../support/tap.ts'
import { issueToken, request, type RequestOptions } from '../support/api.ts'
import { serve } from './support/serve.ts'

type Row = [[string, string, RequestOptions], number, string, RegExp?]

await t.test('bodies, paths, methods and types', async (t) => {
  const api = await serve(t)
  const { token } = await issueToken(api, { app: 'chat', device: 'a' })
  const to = { token }
  const send = (body: unknown): [string, string, RequestOptions] => ['POST', '/v1/messages', { body }]
  const raw = (raw: string | Uint8Array, headers = {}): [string, string, RequestOptions] => [
    'POST',
    '/v1/messages',
    { raw, headers },
  ]
  const get = (query: string): [string, string, RequestOptions] => ['GET', `/v1/messages?${query}`, { bearer: token }]

  const broken: Row[] = [
    [raw('{'), 400, 'JSON_INVALID'],
    [raw(''), 400, 'JSON_INVALID'],
    [raw(Buffer.from([0x22, 0xff, 0x22])), 400, 'JSON_INVALID'],
    [raw('"text"'), 400, 'JSON_INVALID', /not an object/],
    [raw('null'), 400, 'JSON_INVALID'],
    [raw('[]'), 400, 'JSON_INVALID'],
    [['POST', '/v1/messages', {}], 400, 'JSON_INVALID', /no body/],
    [raw('a=b', { 'content-type': 'application/x-www-form-urlencoded' }), 415, 'MEDIA_TYPE_UNSUPPORTED'],
    [raw('{}', { 'content-type': 'text/plain' }), 415, 'MEDIA_TYPE_UNSUPPORTED'],
    [raw('{}', { 'content-type': 'nonsense' }), 415, 'MEDIA_TYPE_UNSUPPORTED'],
    [raw(JSON.stringify({ to, payload: 'x'.repeat(1024 * 1024) })), 413, 'BODY_TOO_LARGE'],
    [send({ to, payload: 'x'.repeat(300 * 1024) }), 413, 'PAYLOAD_TOO_LARGE'],
    [send({ to, payloadBase64: Buffer.alloc(300 * 1024).toString('base64') }), 413, 'PAYLOAD_TOO_LARGE'],
    [raw(`{"to":{"token":"${token}"},"payload":1e400}`), 400, 'PAYLOAD_INVALID', /number/],
    [raw(`{"to":{"token":"${token}"},"payload":{"a":[null,-1e999]}}`), 400, 'PAYLOAD_INVALID', /number/],
    [['POST', '/v1/messages?id=x', { body: { to, payload: 'x' } }], 400, 'REQUEST_INVALID', /unknown field id$/],
    [['POST', '/v1/tokens?x=', { body: { app: 'chat', device: 'a' } }], 400, 'REQUEST_INVALID', /unknown field x$/],
    [
      ['POST', '/v1/messages/ack?x=1', { bearer: token, body: { cursor: 'x' } }],
      400,
      'REQUEST_INVALID',
      /unknown field x$/,
    ],
    [['DELETE', '/v1/tokens/AAAAAAAAAAAAAAAAAAAAAA?x=1', {}], 400, 'REQUEST_INVALID', /unknown field x$/],
    [send({ to, payload: 'x', ttl: -1 }), 400, 'TTL_INVALID'],
    [send({ to, payload: 'x', ttl: 28 * 86_400 + 1 }), 400, 'TTL_INVALID'],
    [send({ to, payload: 'x', ttl: 1.5 }), 400, 'TTL_INVALID'],
    [send({ to, payload: 'x', priority: 1 }), 400, 'REQUEST_INVALID', /unknown field priority$/],
    [raw('{"to":{"token":"x"},"payload":1,"__proto__":{}}'), 400, 'REQUEST_INVALID', /unknown field __proto__$/],
    [send({ to, payload: 'x', retain: 'true' }), 400, 'REQUEST_INVALID', /body\/retain/],
    [send({ payload: 'x' }), 400, 'REQUEST_INVALID', /'to'/],
    [send({ to: {}, payload: 'x' }), 400, 'REQUEST_INVALID', /exactly one of `token`/],
    [send({ to: { token, tokens: [token] }, payload: 'x' }), 400, 'REQUEST_INVALID', /exactly one/],
    [send({ to: { token, version: '1' }, payload: 'x' }), 400, 'REQUEST_INVALID', /exactly one/],
    [send({ to: { app: 'chat' }, payload: 'x' }), 400, 'REQUEST_INVALID', /exactly one/],
    [send({ to: { version: '1' }, payload: 'x' }), 400, 'REQUEST_INVALID', /exactly one/],
    [send({ to: { app: 'chat', version: '1', versions: '*' }, payload: 'x' }), 400, 'REQUEST_INVALID', /exactly one/],
    [send({ to: { token, device: 'x' }, payload: 'x' }), 400, 'REQUEST_INVALID', /unknown field device$/],
    [send({ to: { tokens: [] }, payload: 'x' }), 400, 'REQUEST_INVALID', /body\/to\/tokens/],
    [send({ to: { tokens: [7] }, payload: 'x' }), 400, 'REQUEST_INVALID', /body\/to\/tokens\/0/],
    [send({ to: { app: 'ch/at', version: '1' }, payload: 'x' }), 400, 'NAME_INVALID'],
    [send({ to: { app: 'chat', version: '' }, payload: 'x' }), 400, 'VERSION_INVALID'],
    [send({ to: { app: 'chat', versions: 'one or two' }, payload: 'x' }), 400, 'VERSION_RANGE_INVALID'],
    [send({ to: { token, tags: { any: ['a'] } }, payload: 'x' }), 400, 'REQUEST_INVALID', /exactly one/],
    [send({ to: { app: 'chat', tags: { any: ['a'] } }, payload: 'x' }), 400, 'REQUEST_INVALID', /exactly one/],
    ...[
      {},
      null,
      [],
      'beta',
      { any: [] },
      { any: 'beta' },
      { any: [7] },
      { any: [''] },
      { any: ['a'.repeat(65)] },
      { any: ['a\n'] },
      { all: ['\ud800'] },
      { none: Array.from({ length: 17 }, (_, at) => `${at}`) },
      { any: ['beta'], some: ['x'] },
      { any: ['beta'], none: null },
    ].map(
      (tags): Row => [send({ to: { app: 'chat', versions: '*', tags }, payload: 'x' }), 400, 'TAGS_INVALID', /tags/],
    ),
    [raw('{"to":{"app":"chat","versions":"*","tags":{"any":["a"],"__proto__":[]}},"payload":1}'), 400, 'TAGS_INVALID'],
    [get('limit=0'), 400, 'REQUEST_INVALID', /querystring\/limit/],
    [get('limit=101'), 400, 'REQUEST_INVALID'],
    [get('limit=ten'), 400, 'REQUEST_INVALID'],
    [get('limit=1&limit=2'), 400, 'REQUEST_INVALID'],
    [get('wait=1e9'), 400, 'REQUEST_INVALID'],
    [get('wait=-1'), 400, 'REQUEST_INVALID'],
    [get('wait=1.5'), 400, 'REQUEST_INVALID'],
    [get('since=1'), 400, 'REQUEST_INVALID', /unknown field since$/],
    [['POST', '/v1/messages/ack', { bearer: token, body: { cursor: 7 } }], 400, 'CURSOR_INVALID'],
    [['POST', '/v1/messages/ack', { bearer: token, body: {} }], 400, 'REQUEST_INVALID', /'cursor'/],
    [['GET', '/', {}], 404, 'NOT_FOUND'],
    [['POST', '/v2/messages', { raw: '{', headers: { 'content-type': 'x/y' } }], 404, 'NOT_FOUND'],
    [['GET', '/v1/tokens/a/b', {}], 404, 'NOT_FOUND'],
    [['GET', '/v1/%zz', {}], 400, 'REQUEST_INVALID'],
  ]
  for (const [[method, path, options], status, code, detail = /.?/] of broken) {
    const answer = await request(api, method, path, options)
    t.match(
      answer,
      { status, body: { status, code, title: String, requestId: String } },
      `${method} ${path} ${JSON.stringify(options.body ?? '').slice(0, 60)} ${code}`,
    )
    t.match(answer.body.detail ?? '', detail)
    t.match(answer.headers['content-type'], 'application/problem+json')
  }

  const methods: [string, string, string][] = [
    ['PUT', '/v1/messages', 'POST, GET, HEAD'],
    ['PUT', '/v1/tokens', 'POST, GET, HEAD'],
    ['PATCH', '/v1/tokens/abc', 'GET, HEAD, DELETE'],
    ['DELETE', '/healthz?a=b', 'GET, HEAD'],
  ]
  for (const [method, path, allow] of methods) {
    const answer = await request(api, method, path)
    t.match(answer, { status: 405, body: { code: 'METHOD_NOT_ALLOWED' } }, `${method} ${path}`)
    t.same(new Set(String(answer.headers.allow).split(', ')), new Set(allow.split(', ')))
  }
  t.equal((await request(api, 'GET', '/healthz')).status, 200)
})

await t.test('what is no HTTP', async (t) => {
  const api = await serve(t)
  const socket = connect(api.httpPort, '127.0.0.1')
  socket.write('\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00\r\n\r\n')
  const answer = await text(socket)
  t.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/)
  t.match(JSON.parse(answer.slice(answer.indexOf('{'))), { status: 400, code: 'REQUEST_INVALID' })
})
