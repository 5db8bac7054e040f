// Is every call refused without the right credential, and does the answer say which one it needs?
import { t } from '../support/tap.ts'
import { issueToken, request } from '../support/api.ts'
import { serve } from './support/serve.ts'

const CALLS_OF_ANYBODY: [string, string, unknown][] = [['POST', '/v1/tokens', { app: 'chat', device: 'a' }]]
const PROVIDER_CALLS: [string, string, unknown][] = [
  ['GET', '/v1/tokens?app=chat', undefined],
  ['POST', '/v1/tokens/revoke', { app: 'chat', account: 'ann' }],
  ['POST', '/v1/enrolments', { app: 'chat' }],
  ['GET', '/v1/enrolments', undefined],
  ['DELETE', '/v1/enrolments/AAAAAAAAAAAAAAAAAAAAAA', undefined],
  ['DELETE', '/v1/tokens/AAAAAAAAAAAAAAAAAAAAAA', undefined],
  ['GET', '/v1/events?app=chat&consumer=a', undefined],
  ['POST', '/v1/events/ack', { app: 'chat', consumer: 'a', cursor: 'x' }],
  ['DELETE', '/v1/events/consumers/a?app=chat', undefined],
  ['POST', '/v1/messages', { to: { app: 'chat', versions: '*' }, payload: 'x' }],
]
const DEVICE_CALLS: [string, string, unknown][] = [
  ['GET', '/v1/messages', undefined],
  ['POST', '/v1/messages/ack', { cursor: 'x' }],
  ['DELETE', '/v1/tokens/current', undefined],
]

await t.test('keys, tokens and neither', async (t) => {
  let now = Date.UTC(2030, 0, 1)
  const api = await serve(t, { now: () => now })
  const { token } = await issueToken(api, { app: 'chat', device: 'a', ttl: 60 })
  const tampered = `${token.slice(0, -4)}AAAA`
  const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${token.split('.')[1]}.`
  const bearers: [string | null, number, string][] = [
    [null, 401, 'CREDENTIALS_MISSING'],
    ['a-key-that-nobody-was-given', 401, 'CREDENTIALS_INVALID'],
    [tampered, 401, 'TOKEN_INVALID'],
    [none, 401, 'TOKEN_INVALID'],
  ]
  for (const [method, path, body] of [...CALLS_OF_ANYBODY, ...PROVIDER_CALLS, ...DEVICE_CALLS]) {
    for (const [bearer, status, code] of bearers) {
      const answer = await request(api, method, path, { bearer, ...(body === undefined ? {} : { body }) })
      t.match(
        answer,
        { status, body: { status, code, type: `urn:aedes-push:error:${code}` } },
        `${method} ${path} ${code}`,
      )
      t.match(answer.headers['content-type'], 'application/problem+json')
      t.match(answer.headers['www-authenticate'], bearer === null ? /^Bearer realm="[^"]+"$/ : /error="invalid_token"/)
    }
    const basic = await request(api, method, path, {
      bearer: null,
      headers: { authorization: 'Basic cHJvdmlkZXI6eA==' },
    })
    t.match(basic.body, { code: 'CREDENTIALS_MISSING' })
  }
  for (const [method, path, body] of PROVIDER_CALLS) {
    const answer = await request(api, method, path, { bearer: token, ...(body === undefined ? {} : { body }) })
    t.match(answer, { status: 403, body: { code: 'NOT_A_PROVIDER' } })
  }
  for (const [method, path, body] of DEVICE_CALLS) {
    const answer = await request(api, method, path, body === undefined ? {} : { body })
    t.match(answer, { status: 403, body: { code: 'NOT_A_DEVICE' } })
  }
  for (const path of ['/healthz', '/readyz', '/metrics', '/openapi.json']) {
    t.equal((await request(api, 'GET', path, { bearer: null })).status, 200, path)
  }
  now += 60_000
  t.match(await request(api, 'GET', '/v1/messages', { bearer: token }), {
    status: 401,
    body: { code: 'TOKEN_EXPIRED' },
  })
})

await t.test('a token that the registry does not know', async (t) => {
  const api = await serve(t)
  const { token } = api.auth.issue({ app: 'chat', device: 'a', account: '', ttl: 60, generation: 1 })
  t.match(await request(api, 'GET', '/v1/messages', { bearer: token }), {
    status: 404,
    body: { code: 'TOKEN_UNKNOWN' },
  })
})

await t.test('a provider key that is not ASCII', async (t) => {
  const key = 'schlüssel-für-den-anbieter'
  const api = await serve(t, { providers: [{ name: 'umlaut', key }] })
  const bearer = Buffer.from(key, 'utf8').toString('latin1')
  // Without a body: with one, Node would write these bytes as UTF-8 once more.
  const answer = await request(api, 'DELETE', '/v1/tokens/AAAAAAAAAAAAAAAAAAAAAA', { bearer })
  t.match(answer.body, { code: 'TOKEN_UNKNOWN' })
})
