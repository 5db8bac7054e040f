// Does every broken HTTP request get the catalogue's error, with nothing stored, and does the server live on?
import { connect as openSocket } from 'node:net'
import { once } from 'node:events'
import { t } from '../support/tap.ts'
import {
  barrier,
  connectDevice,
  issueToken,
  request,
  type RequestOptions,
  send,
  startServer,
} from '../support/index.ts'
import { bystander } from './support/bystander.ts'

const server = await startServer(t)
const healthy = await bystander(t, server)
const issued = await issueToken(server, { app: 'chat', device: 'phone-1', version: '1.0' })
const device = await connectDevice(t, server, issued, { subscribe: true })
const to = { token: issued.tokenId }
const big = 'x'.repeat(300 * 1024)

type Case = [options: RequestOptions, status: number, code: string, path?: string]

const body = (content: unknown): RequestOptions => ({ body: content })
const raw = (content: string | Buffer, headers: Record<string, string> = {}): RequestOptions => ({
  raw: content,
  headers,
})

const cases: Record<string, Case> = {
  'a body that is no JSON': [raw('{"to":'), 400, 'JSON_INVALID'],
  'an empty body': [raw(''), 400, 'JSON_INVALID'],
  'a body that is no UTF-8': [raw(Buffer.from([0x7b, 0xff, 0x7d])), 400, 'JSON_INVALID'],
  'a list instead of an object': [body([1, 2]), 400, 'JSON_INVALID'],
  'a text instead of an object': [body('hello'), 400, 'JSON_INVALID'],
  null: [body(null), 400, 'JSON_INVALID'],
  'another media type': [raw('to=x', { 'content-type': 'text/plain' }), 415, 'MEDIA_TYPE_UNSUPPORTED'],
  'an unknown field': [body({ to, payload: 'x', urgent: true }), 400, 'REQUEST_INVALID'],
  'an unknown field of `to`': [body({ to: { ...to, device: 'x' }, payload: 'x' }), 400, 'REQUEST_INVALID'],
  'a field named __proto__': [
    raw(`{"to":{"token":"${issued.tokenId}"},"payload":"x","__proto__":{"ttl":1}}`),
    400,
    'REQUEST_INVALID',
  ],
  'a field named constructor': [
    raw(`{"to":{"token":"${issued.tokenId}"},"payload":"x","constructor":{}}`),
    400,
    'REQUEST_INVALID',
  ],
  'no receiver': [body({ payload: 'x' }), 400, 'REQUEST_INVALID'],
  'an empty receiver': [body({ to: {}, payload: 'x' }), 400, 'REQUEST_INVALID'],
  'two receivers': [body({ to: { ...to, app: 'chat', version: '1.0' }, payload: 'x' }), 400, 'REQUEST_INVALID'],
  'no payload': [body({ to }), 400, 'PAYLOAD_INVALID'],
  'two payloads': [body({ to, payload: 'x', payloadBase64: 'eA==' }), 400, 'PAYLOAD_INVALID'],
  'base64 that is none': [body({ to, payloadBase64: '!!!' }), 400, 'PAYLOAD_INVALID'],
  'base64 that is a number': [body({ to, payloadBase64: 7 }), 400, 'PAYLOAD_INVALID'],
  'a payload of 300 KiB': [body({ to, payload: big }), 413, 'PAYLOAD_TOO_LARGE'],
  'a payload of 300 KiB as base64': [
    body({ to, payloadBase64: Buffer.from(big).toString('base64') }),
    413,
    'PAYLOAD_TOO_LARGE',
  ],
  'a payload of one byte too many': [body({ to, payload: 'x'.repeat(256 * 1024 + 1) }), 413, 'PAYLOAD_TOO_LARGE'],
  'a body of 2 MiB': [body({ to, payload: 'x'.repeat(2 * 1024 * 1024) }), 413, 'BODY_TOO_LARGE'],
  'a TTL of -1': [body({ to, payload: 'x', ttl: -1 }), 400, 'TTL_INVALID'],
  'a TTL of 1.5': [body({ to, payload: 'x', ttl: 1.5 }), 400, 'TTL_INVALID'],
  'a TTL of text': [body({ to, payload: 'x', ttl: '60' }), 400, 'TTL_INVALID'],
  'a TTL beyond the longest': [body({ to, payload: 'x', ttl: 1e9 }), 400, 'TTL_INVALID'],
  'a TTL beyond all numbers': [
    raw(`{"to":{"token":"${issued.tokenId}"},"payload":"x","ttl":1e400}`),
    400,
    'TTL_INVALID',
  ],
  'retain that is no boolean': [body({ to, payload: 'x', retain: 'yes' }), 400, 'REQUEST_INVALID'],
  'an id that is empty': [body({ to, payload: 'x', id: '' }), 400, 'MESSAGE_ID_INVALID'],
  'an id of 129 bytes': [body({ to, payload: 'x', id: 'x'.repeat(129) }), 400, 'MESSAGE_ID_INVALID'],
  'an id with a line end': [body({ to, payload: 'x', id: 'a\nb' }), 400, 'MESSAGE_ID_INVALID'],
  'an id that is a number': [body({ to, payload: 'x', id: 7 }), 400, 'MESSAGE_ID_INVALID'],
  '1,001 tokens': [
    body({ to: { tokens: new Array(1001).fill(issued.tokenId) }, payload: 'x' }),
    400,
    'TOO_MANY_TOKENS',
  ],
  'no tokens': [body({ to: { tokens: [] }, payload: 'x' }), 400, 'REQUEST_INVALID'],
  'tokens that are no texts': [body({ to: { tokens: [1] }, payload: 'x' }), 400, 'REQUEST_INVALID'],
  'an app with a wildcard': [body({ to: { app: '#', version: '1.0' }, payload: 'x' }), 400, 'NAME_INVALID'],
  'an app with a slash': [body({ to: { app: 'chat/t', version: '1.0' }, payload: 'x' }), 400, 'NAME_INVALID'],
  'an empty version': [body({ to: { app: 'chat', version: '' }, payload: 'x' }), 400, 'VERSION_INVALID'],
  'a range that is none': [body({ to: { app: 'chat', versions: '>=>1' }, payload: 'x' }), 400, 'VERSION_RANGE_INVALID'],
  'a range of a megabyte': [
    body({ to: { app: 'chat', versions: '>1 '.repeat(100_000) }, payload: 'x' }),
    400,
    'VERSION_RANGE_INVALID',
  ],
  'a device with a slash': [body({ app: 'chat', device: 'a/b' }), 400, 'NAME_INVALID', '/v1/tokens'],
  'a device with NUL': [body({ app: 'chat', device: 'a\0' }), 400, 'NAME_INVALID', '/v1/tokens'],
  'an app with $ at the start': [body({ app: '$SYS', device: 'a' }), 400, 'NAME_INVALID', '/v1/tokens'],
  'an account of 129 bytes': [
    body({ app: 'chat', device: 'a', account: 'x'.repeat(129) }),
    400,
    'NAME_INVALID',
    '/v1/tokens',
  ],
  'a lone surrogate': [raw('{"app":"chat","device":"\\ud800"}'), 400, 'NAME_INVALID', '/v1/tokens'],
  'a token without an app': [body({ device: 'a' }), 400, 'REQUEST_INVALID', '/v1/tokens'],
  'an unknown field of a token': [
    body({ app: 'chat', device: 'a', admin: true }),
    400,
    'REQUEST_INVALID',
    '/v1/tokens',
  ],
  'a token TTL of -1': [body({ app: 'chat', device: 'a', ttl: -1 }), 400, 'TTL_INVALID', '/v1/tokens'],
  'a path that is none': [body({}), 404, 'NOT_FOUND', '/v1/nothing'],
  'a path out of the tree': [body({}), 404, 'NOT_FOUND', '/v1/../../etc/passwd'],
}

for (const [what, [options, status, code, path = '/v1/messages']] of Object.entries(cases)) {
  await t.test(what, async (t) => {
    const answer = await request(server, 'POST', path, options)
    t.equal(answer.status, status)
    t.match(answer.headers['content-type'], /^application\/problem\+json/)
    t.match(answer.body, { code, status, title: String, type: `urn:aedes-push:error:${code}`, requestId: String })
  })
}

await t.test('other methods, and other broken calls', async (t) => {
  t.match(await request(server, 'PUT', '/v1/messages', { body: {} }), {
    status: 405,
    body: { code: 'METHOD_NOT_ALLOWED' },
  })
  t.match(await request(server, 'DELETE', '/v1/tokens/nobody'), { status: 404, body: { code: 'TOKEN_UNKNOWN' } })
  t.match(await request(server, 'DELETE', `/v1/tokens/${'A'.repeat(22)}`), {
    status: 404,
    body: { code: 'TOKEN_UNKNOWN' },
  })
  t.match(await request(server, 'DELETE', '/v1/tokens/%00'), { status: 404, body: { code: 'TOKEN_UNKNOWN' } })
  t.match(await request(server, 'DELETE', '/v1/tokens/%ff'), { status: 400, body: { code: 'REQUEST_INVALID' } })
  const bearer = issued.token
  for (const query of ['limit=0', 'limit=-1', 'limit=x', 'limit=1000000', 'wait=-1', 'wait=1e9', 'admin=1']) {
    t.match(
      await request(server, 'GET', `/v1/messages?${query}`, { bearer }),
      {
        status: 400,
        body: { code: 'REQUEST_INVALID' },
      },
      query,
    )
  }
  for (const cursor of ['', 'x', '-1', '1.1', 'AAAA', '9'.repeat(500), 7, null, {}]) {
    t.match(
      await request(server, 'POST', '/v1/messages/ack', { bearer, body: { cursor } }),
      {
        status: 400,
        body: { code: 'CURSOR_INVALID' },
      },
      `cursor ${JSON.stringify(cursor).slice(0, 20)}`,
    )
  }
})

await t.test('what is no HTTP', async (t) => {
  for (const bytes of [
    '\x10\x0c\0\x04MQTT\x04\x02\0\0\0\0',
    'GET / HTTP/9.9\r\n\r\n',
    'GET /metrics HTTP/1.1\r\n\r\n',
    `GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(70_000)}\r\n\r\n`,
    'POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    'POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n',
  ]) {
    const socket = openSocket({ port: server.httpPort, host: '127.0.0.1' })
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    socket.end(bytes, 'latin1')
    await once(socket, 'close')
    const answer = Buffer.concat(chunks).toString()
    t.match(answer, /^HTTP\/1\.1 4\d\d /, JSON.stringify(bytes.slice(0, 40)))
    t.match(answer, /"code":"(REQUEST_INVALID|HEADERS_TOO_LARGE)"/)
  }
})

await t.test('an upgrade to somewhere else', async (t) => {
  for (const path of ['/', '/mqtt/x', '/v1/messages']) {
    const socket = openSocket({ port: server.httpPort, host: '127.0.0.1' })
    let answer = ''
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()))
    await once(socket, 'connect')
    socket.write(
      `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
    )
    await once(socket, 'close')
    t.match(answer, /^HTTP\/1\.1 404 /, path)
  }
})

await t.test('none of it was stored, and everything works on', async (t) => {
  t.same(
    (await barrier(server, device)).map(({ text }) => text),
    [],
  )
  await send(server, to, 'x'.repeat(256 * 1024))
  t.equal((await device.next()).payload.length, 256 * 1024, 'the largest payload that is allowed arrives')
  await healthy.isServed(t)
})
