// May pages of the origins that are named call what devices call, refused or not, and nothing that takes a provider key?
import { t } from '../../support/tap.ts'
import { issueToken, request, send } from '../../support/api.ts'
import { serve, type Served } from '../../bridge/support/serve.ts'
import { openStream } from './support/stream.ts'

const PAGE = 'https://app.example.com'
const allowed = ({ headers }: { headers: object }) => Reflect.get(headers, 'access-control-allow-origin')
const from = (origin: string) => ({ headers: { origin } })

function preflight(api: Served, path: string, method: string, origin = PAGE) {
  const headers = { origin, 'access-control-request-method': method, 'access-control-request-headers': 'authorization' }
  return request(api, 'OPTIONS', path, { bearer: null, headers })
}

await t.test('devices', async (t) => {
  const api = await serve(t, { corsOrigins: [PAGE, 'http://localhost:5173'] })
  const { token } = await issueToken(api, { app: 'chat', device: 'phone' })
  for (const [path, methods] of [
    ['/v1/messages', ['GET']],
    ['/v1/messages/ack', ['POST']],
    ['/v1/messages/stream', ['GET', 'POST']],
    ['/v1/tokens', ['POST']],
    ['/v1/tokens/current', ['DELETE']],
  ] as const)
    for (const method of methods) {
      const answer = await preflight(api, path, method)
      t.match(answer, {
        status: 204,
        text: '',
        headers: {
          'access-control-allow-origin': PAGE,
          'access-control-allow-methods': methods.join(', '),
          'access-control-allow-headers': 'Authorization, Content-Type, Last-Event-ID',
          'access-control-max-age': '7200',
          vary: /^Origin, /,
        },
      })
    }

  const asked = await request(api, 'GET', '/v1/messages', { bearer: token, ...from(PAGE) })
  t.match(asked, { status: 200, headers: { 'access-control-allow-origin': PAGE, vary: 'Origin' } })
  t.notOk('access-control-allow-credentials' in asked.headers)
  const other = await request(api, 'GET', '/v1/messages', { bearer: token, ...from('http://localhost:5173') })
  t.equal(allowed(other), 'http://localhost:5173')

  const plain = await request(api, 'GET', '/v1/messages', { bearer: token })
  t.match(plain, { status: 200, headers: { vary: 'Origin' } }, 'a cache tells who asked without one')
  t.equal(allowed(plain), undefined)
  const stream = await openStream(t, api, { bearer: token, ...from(PAGE) })
  t.match(stream.headers, { 'access-control-allow-origin': PAGE, vary: 'Origin' })
})

await t.test('what is refused', async (t) => {
  const api = await serve(t, { corsOrigins: [PAGE] })
  const ask = (bearer: string | null, path = '/v1/messages') => request(api, 'GET', path, { bearer, ...from(PAGE) })
  const { token } = await issueToken(api, { app: 'chat', device: 'phone' })
  const changed = `${token.slice(0, -8)}AAAAAAAA`
  for (const [what, answer, status] of [
    ['no credential', await ask(null), 401],
    ['a token that is none', await ask(changed), 401],
    ['a query that is none', await ask(token, '/v1/messages?x=1'), 400],
    ['a ticket that is none', await ask(null, '/v1/messages/stream?ticket=x'), 401],
  ] as const) {
    t.equal(answer.status, status, what)
    t.match(
      answer.headers,
      { 'access-control-allow-origin': PAGE, 'access-control-expose-headers': /Retry-After/ },
      what,
    )
  }
})

await t.test('nobody else', async (t) => {
  const api = await serve(t, { corsOrigins: [PAGE] })
  const { token } = await issueToken(api, { app: 'chat', device: 'phone' })
  for (const origin of [
    'https://app.example.com.evil.example',
    'http://app.example.com',
    'https://evil.example',
    'null',
  ]) {
    const answer = await request(api, 'GET', '/v1/messages', { bearer: token, ...from(origin) })
    t.match(answer, { status: 403, body: { code: 'ORIGIN_FORBIDDEN' } }, origin)
    t.equal(allowed(answer), undefined, origin)
    t.equal(allowed(await preflight(api, '/v1/messages', 'GET', origin)), undefined, origin)
  }
  for (const [method, path] of [
    ['POST', '/v1/messages'],
    ['GET', '/v1/tokens'],
    ['GET', '/v1/events'],
    ['GET', '/v1/events/stream'],
    ['GET', '/v1/keys'],
    ['POST', '/v1/tokens/revoke'],
    ['GET', '/metrics'],
    ['GET', '/nothing'],
  ] as const) {
    t.equal(allowed(await preflight(api, path, method)), undefined, `no preflight for ${method} ${path}`)
    const answer = await request(api, method, path, from(PAGE))
    t.equal(allowed(answer), undefined, `${method} ${path}`)
    t.equal(answer.status, 403, `${method} ${path}`)
  }
})

await t.test('provider keys', async (t) => {
  const api = await serve(t, { corsOrigins: ['*'], allowedHosts: ['*'] })
  const body = { app: 'chat', device: 'phone' }
  const issued = await request(api, 'POST', '/v1/tokens', { body, ...from(PAGE) })
  t.equal(allowed(issued), undefined, 'a page reads nothing that a provider key gets')
  t.equal(allowed(await request(api, 'GET', '/v1/messages', from(PAGE))), undefined)
  const { token } = issued.body
  const asked = await request(api, 'GET', '/v1/messages', { bearer: token, ...from('null') })
  t.match(asked, { status: 200, headers: { 'access-control-allow-origin': 'null', vary: 'Origin' } }, '* is all')
  await send(api, { token }, 'still')
})

await t.test('without the setting', async (t) => {
  const api = await serve(t, { allowedHosts: ['*'] })
  const { token } = await issueToken(api, { app: 'chat', device: 'phone' })
  const asked = await request(api, 'GET', '/v1/messages', { bearer: token, ...from(PAGE) })
  t.equal(asked.status, 200)
  t.notOk('vary' in asked.headers || 'access-control-allow-origin' in asked.headers)
  t.equal((await preflight(api, '/v1/messages', 'GET')).status, 405)
})
