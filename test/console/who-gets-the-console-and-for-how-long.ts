// Is the console there only for whom it is meant, and does a session end with its key, its time, or its person?
import { request as httpsRequest } from 'node:https'
import { t } from '../support/tap.ts'
import {
  eventually,
  makeKey,
  metric,
  request,
  rotateKey,
  startServer,
  type RequestOptions,
  type Server,
} from '../support/index.ts'
import { authority } from '../tls/support/certificates.ts'
import { portFor, startTls } from '../tls/support/server.ts'
import { serve, type Served } from '../bridge/support/serve.ts'

type Target = Pick<Server | Served, 'httpPort' | 'providerKey'>

/** As the console's own page makes a request, but for what is changed. */
function ask(target: Target, method: string, path: string, { headers = {}, ...rest }: RequestOptions = {}) {
  const host = `localhost:${target.httpPort}`
  const own = { host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin', 'x-push-console': 'active' }
  return request(target, method, path, { bearer: null, headers: { ...own, ...headers }, ...rest })
}

async function signIn(target: Target, key = target.providerKey, headers = {}) {
  const answer = await ask(target, 'POST', '/v1/session', { body: { key }, headers })
  const [cookie = ''] = answer.headers['set-cookie'] ?? []
  return { ...answer, set: cookie, cookie: cookie.split(';')[0] ?? '' }
}

const NOT_THERE = { status: 404, body: { code: 'NOT_FOUND' } }
const ENDED = { status: 401, body: { code: 'SESSION_ENDED' } }

await t.test('a browser on this machine gets it, and nobody else', async (t) => {
  const server = await startServer(t)
  const page = await ask(server, 'GET', '/console/')
  t.equal(page.status, 200)
  t.match((await ask(server, 'GET', '/console')).headers, { location: 'console/' })
  const { 'content-security-policy': policy, ...headers } = page.headers
  t.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';.* frame-ancestors 'none'/)
  t.notMatch(policy, /unsafe|\*|https?:/)
  t.match(headers, { 'x-frame-options': 'DENY', 'referrer-policy': 'no-referrer', 'x-content-type-options': 'nosniff' })
  const { cookie } = await signIn(server)
  const strange: Record<string, string>[] = [
    { host: '192.0.2.7' },
    { 'x-forwarded-for': '192.0.2.7' },
    { forwarded: 'for=192.0.2.7' },
    { via: '1.1 proxy' },
    { 'x-real-ip': '192.0.2.7' },
  ]
  for (const headers of strange) {
    t.match(await ask(server, 'GET', '/console/', { headers }), NOT_THERE, JSON.stringify(headers))
    t.match(await signIn(server, undefined, headers), NOT_THERE)
    const answer = await ask(server, 'GET', '/v1/overview', { headers: { ...headers, cookie } })
    t.match(answer, { status: 401, body: { code: 'CREDENTIALS_MISSING' } }, 'nor does its cookie count')
  }
  t.match(await ask(server, 'GET', '/console/../package.json'), NOT_THERE)
  t.match(await ask(server, 'GET', '/console/app.jsx'), NOT_THERE)
  t.equal((await request(server, 'GET', '/v1/overview')).status, 200, 'who has the key needs no session')
})

await t.test('a setting says otherwise', async (t) => {
  const off = await startServer(t, { settings: { PUSH_CONSOLE: 'off' } })
  t.match(await ask(off, 'GET', '/console/'), NOT_THERE)
  t.match(await signIn(off), NOT_THERE)
  const on = await startServer(t, { settings: { PUSH_CONSOLE: 'on', PUSH_ALLOWED_HOSTS: 'push.example.com' } })
  const headers = { host: 'push.example.com', origin: 'https://push.example.com', 'x-forwarded-for': '192.0.2.7' }
  t.equal((await ask(on, 'GET', '/console/', { headers })).status, 200)
  const { set, cookie } = await signIn(on, undefined, headers)
  t.match(
    set,
    /^__Host-push_console=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
    'a page that came over TLS',
  )
  t.equal((await ask(on, 'GET', '/v1/session', { headers: { ...headers, cookie } })).status, 200)
  const plain = { origin: 'http://push.example.com', host: 'push.example.com' }
  t.match((await signIn(on, undefined, plain)).set, /^push_console=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/)
})

await t.test('only its own pages', async (t) => {
  const server = await startServer(t)
  const { cookie } = await signIn(server)
  const body = { name: 'evil', apps: '*', scopes: ['messages:send'] }
  const post = (headers: Record<string, string | undefined>) =>
    ask(server, 'POST', '/v1/keys', { body, headers: { cookie, ...headers } as Record<string, string> })
  t.equal((await post({})).status, 201)
  const forged: [Record<string, string>, string][] = [
    [{ origin: 'http://localhost:1' }, 'ORIGIN_FORBIDDEN'],
    [{ origin: `http://127.0.0.1:${server.httpPort}` }, 'ORIGIN_FORBIDDEN'],
    [{ origin: 'null' }, 'ORIGIN_FORBIDDEN'],
    [{ 'sec-fetch-site': 'cross-site' }, 'ORIGIN_FORBIDDEN'],
    [{ 'sec-fetch-site': 'same-site' }, 'ORIGIN_FORBIDDEN'],
  ]
  for (const [headers, code] of forged) {
    t.match(await post(headers), { status: 403, body: { code } }, JSON.stringify(headers))
    t.match(await signIn(server, undefined, headers), { status: 403, body: { code } })
    t.match(await ask(server, 'DELETE', '/v1/session', { headers: { cookie, ...headers } }), { status: 403 })
  }
  const host = `localhost:${server.httpPort}`
  const bare = { host, cookie }
  t.match((await request(server, 'POST', '/v1/keys', { body, bearer: null, headers: bare })).body, {
    code: 'CREDENTIALS_MISSING',
  })
  const headerOnly = { ...bare, 'x-push-console': 'active' }
  t.match((await request(server, 'POST', '/v1/keys', { body, bearer: null, headers: headerOnly })).body, {
    code: 'ORIGIN_FORBIDDEN',
  })
  t.match(await ask(server, 'GET', '/v1/keys', { headers: { cookie: `${cookie}; ${cookie}` } }), { status: 401 })
  t.equal((await request(server, 'GET', '/v1/keys')).body.keys.length, 1)
})

await t.test('attempts to sign in have a limit', async (t) => {
  const server = await startServer(t, { settings: { PUSH_MAX_SIGN_INS: '3' } })
  for (const key of ['wrong', 'x'.repeat(43), `push_${'A'.repeat(12)}_${'B'.repeat(32)}`])
    t.match(await signIn(server, key), { status: 401, body: { code: 'CREDENTIALS_INVALID' }, cookie: '' })
  t.match(await signIn(server), { status: 429, body: { code: 'RATE_LIMITED' } })
  t.notMatch(server.logs.join(), server.providerKey)
})

await t.test('a session ends with its key', async (t) => {
  const server = await startServer(t)
  const look = (cookie: string) => ask(server, 'GET', '/v1/session', { headers: { cookie } })
  for (const end of ['rotated', 'removed', 'changed'] as const) {
    const key = await makeKey(server, { name: end, apps: ['chat'], scopes: ['tokens:read'] })
    const { cookie, body } = await signIn(server, key.key)
    t.match(body, { provider: end, apps: ['chat'], scopes: ['tokens:read'] })
    t.match((await ask(server, 'GET', '/v1/overview', { headers: { cookie } })).body, { code: 'SCOPE_MISSING' })
    if (end === 'rotated') await rotateKey(server, key, 0)
    else if (end === 'removed') await request(server, 'DELETE', `/v1/keys/${key.id}`)
    else await request(server, 'PATCH', `/v1/keys/${key.id}`, { body: { scopes: ['server:read'] } })
    if (end === 'changed') t.equal((await ask(server, 'GET', '/v1/overview', { headers: { cookie } })).status, 200)
    else {
      const answer = await look(cookie)
      t.match(answer, ENDED, end)
      t.match(answer.headers['set-cookie'], [/^push_console=; .*Max-Age=0/])
    }
  }
  const { cookie } = await signIn(server)
  await server.restart()
  t.equal((await look(cookie)).status, 200, 'a restart ends none')
  await server.restart({ PUSH_PROVIDER_KEY: 'another-key-of-the-provider' })
  t.match(await look(cookie), ENDED)
})

await t.test('a session ends by its time, and when its person leaves', async (t) => {
  let now = Date.now()
  const limits = { consoleIdleMs: 600_000, consoleSessionMs: 1_500_000, consoleSessions: 3 }
  const api = await serve(t, { console: 'local', limits, now: () => now })
  const look = (cookie: string, how = 'active') =>
    ask(api, 'GET', '/v1/session', { headers: { cookie, 'x-push-console': how } })
  const { cookie } = await signIn(api)
  for (const passed of [500_000, 500_000, 400_000]) {
    now += passed
    t.equal((await look(cookie)).status, 200, 'somebody uses it')
  }
  now += 100_000
  t.match(await look(cookie), ENDED, 'not for ever')

  const idle = await signIn(api)
  for (const passed of [300_000, 299_000]) {
    now += passed
    t.equal((await look(idle.cookie, 'background')).status, 200)
  }
  now += 1_000
  t.match(await look(idle.cookie, 'background'), ENDED, 'what a page asks for by itself is no use')

  const one = await signIn(api)
  t.equal((await ask(api, 'DELETE', '/v1/session', { headers: { cookie: one.cookie } })).status, 204)
  t.match(await look(one.cookie), ENDED)
  t.equal((await ask(api, 'DELETE', '/v1/session', { headers: { cookie: one.cookie } })).status, 204, 'again')
  const many = [await signIn(api), await signIn(api), await signIn(api), await signIn(api)]
  const states = await Promise.all(many.map(async (each) => (await look(each.cookie)).status))
  t.equal(states.filter((status) => status === 200).length, 3, 'as many as are allowed')
})

await t.test('a stream that is open ends with its session', async (t) => {
  const server = await startServer(t)
  const { cookie } = await signIn(server)
  const stream = ask(server, 'GET', '/v1/events/stream?app=chat&consumer=page', { headers: { cookie } })
  await eventually('that it is open', async () => (await metric(server, 'push_http_waiting')) === 1)
  t.equal((await ask(server, 'DELETE', '/v1/session', { headers: { cookie } })).status, 204)
  t.match((await stream).text, /event: end\ndata: .*"SESSION_ENDED"/)
})

await t.test('over TLS the browser shows it over TLS alone', async (t) => {
  const signer = authority(t)
  const server = await startTls(t, signer.issue('push'))
  const port = portFor(server, 'https')
  const headers = { host: `localhost:${port}`, origin: `http://localhost:${port}`, 'content-type': 'application/json' }
  const options = { host: '127.0.0.1', port, path: '/v1/session', method: 'POST', ca: signer.ca, agent: false, headers }
  const cookies = await new Promise((resolve, reject) => {
    httpsRequest(options, (answer) => resolve(answer.resume().headers['set-cookie']))
      .on('error', reject)
      .end(JSON.stringify({ key: server.providerKey }))
  })
  t.match(cookies, [/^__Host-push_console=.*; Secure$/])
})
