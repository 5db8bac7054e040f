// What do operators see and change of the keys of message tokens over HTTP, and what is anybody shown of them?
import { createLocalJWKSet, jwtVerify } from 'jose'
import { t } from '../support/tap.ts'
import { issueToken, request, type Answer } from '../support/index.ts'
import { serve } from './support/serve.ts'

const MINUTE = 60_000
const NAMES = { app: 'chat', device: 'phone', account: 'ann' }
const KEYS = '/v1/signing-keys'
const SCOPED = 'a-key-of-one-app-and-no-more'
const kidOf = (token: string) =>
  (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string }).kid

for (const algorithm of ['HS256', 'ES256', 'EdDSA', 'RS256'] as const) {
  await t.test(algorithm, async (t) => {
    let clock = Date.UTC(2030, 0, 1)
    const providers = [{ name: 'shop', key: SCOPED, apps: ['shop'] }]
    const server = await serve(t, { algorithm, providers, now: () => clock })
    const list = async () => (await request(server, 'GET', KEYS)).body.keys as Record<string, unknown>[]
    const states = async () => (await list()).map(({ state }) => state)
    const published = async () => (await request(server, 'GET', '/.well-known/jwks.json', { bearer: null })).body
    const look = (token: string) => request(server, 'GET', '/v1/messages', { bearer: token })

    const old = await issueToken(server, NAMES)
    t.same(await states(), ['signing'])
    clock += 1
    const rotated = await request(server, 'POST', `${KEYS}/rotate`)
    t.equal(rotated.status, 201)
    const { kid } = rotated.body
    t.match(rotated.body, { algorithm, state: 'published', retiredAt: null })
    t.equal(Date.parse(rotated.body.signsFrom), clock + 6 * MINUTE)
    t.same(await states(), ['signing', 'published'])
    t.equal((await request(server, 'POST', `${KEYS}/${kidOf(old.token)}/retire`)).body.code, 'SIGNING_KEY_IN_USE')

    clock += 6 * MINUTE - 1
    t.equal(kidOf((await issueToken(server, NAMES)).token), kidOf(old.token), 'not before all others can know it')
    clock += 1
    const fresh = await issueToken(server, NAMES)
    t.equal(kidOf(fresh.token), kid)
    t.same(await states(), ['verifying', 'signing'])
    t.equal((await look(old.token)).status, 200, 'what was issued before holds')

    const before = await published()
    t.equal(before.keys.length, algorithm === 'HS256' ? 0 : 2, 'a secret is never shown')
    t.notMatch(JSON.stringify([before, await list()]), /"(d|k|secret|privateKey|p|q)":/)
    if (algorithm !== 'HS256')
      for (const { token } of [old, fresh]) {
        const { payload } = await jwtVerify(token, createLocalJWKSet(before), {
          issuer: 'aedes-push',
          audience: 'aedes-push',
          currentDate: new Date(clock),
        })
        t.equal(payload['account'], 'ann')
      }

    const gone = await request(server, 'POST', `${KEYS}/${kidOf(old.token)}/retire`)
    t.match(gone, { status: 200, body: { state: 'retired', retiredAt: new Date(clock).toISOString() } })
    t.match(await look(old.token), { status: 401, body: { code: 'TOKEN_INVALID' } })
    t.equal((await look(fresh.token)).status, 200)
    t.same(await states(), ['retired', 'signing'])
    t.equal((await published()).keys.length, algorithm === 'HS256' ? 0 : 1)
    t.same(
      (await request(server, 'POST', `${KEYS}/${kidOf(old.token)}/retire`)).body,
      gone.body,
      'once more is no harm',
    )
    t.equal((await request(server, 'POST', `${KEYS}/${kid}/retire`)).body.code, 'SIGNING_KEY_IN_USE')

    const audited = server.logs.filter((line) => line.includes('"audit":true')).map((line) => JSON.parse(line))
    t.match(
      audited.filter(({ action }) => action.startsWith('signing-key')),
      [
        { action: 'signing-key.rotated', by: 'provider all', id: kid },
        { action: 'signing-key.retired', by: 'provider all', id: kidOf(old.token) },
        { action: 'signing-key.retired', by: 'provider all', id: kidOf(old.token) },
      ],
    )
  })
}

await t.test('a key that leaked goes at once', async (t) => {
  const server = await serve(t, { algorithm: 'ES256' })
  const leaked = await issueToken(server, NAMES)
  const { kid } = (await request(server, 'POST', `${KEYS}/rotate`, { body: { now: true } })).body
  t.equal((await request(server, 'POST', `${KEYS}/${kidOf(leaked.token)}/retire`)).status, 200)
  const fresh = await issueToken(server, NAMES)
  t.equal(kidOf(fresh.token), kid)
  t.equal((await request(server, 'GET', '/v1/messages', { bearer: leaked.token })).status, 401)
  t.equal((await request(server, 'GET', '/v1/messages', { bearer: fresh.token })).status, 200)
})

await t.test('a key of another algorithm signs nothing here', async (t) => {
  let clock = Date.UTC(2030, 0, 1)
  const server = await serve(t, { now: () => clock })
  clock += 1
  const { body } = await request(server, 'POST', `${KEYS}/rotate`, { body: { algorithm: 'EdDSA', now: true } })
  t.match(body, { algorithm: 'EdDSA', state: 'published' })
  clock += 10 * MINUTE
  t.not(kidOf((await issueToken(server, NAMES)).token), body.kid)
  const { keys } = (await request(server, 'GET', KEYS)).body
  t.match(keys, [
    { algorithm: 'HS256', state: 'signing' },
    { algorithm: 'EdDSA', state: 'verifying' },
  ])
})

await t.test('who may, and what is wrong', async (t) => {
  const server = await serve(t, { providers: [{ name: 'shop', key: SCOPED, apps: ['shop'] }] })
  const token = (await issueToken(server, NAMES)).token
  const coded = async (answer: Promise<Answer>) => (await answer).body.code
  const narrow = { name: 'keys of one app', apps: ['shop'], scopes: ['keys:admin'] }
  const ofOneApp = (await request(server, 'POST', '/v1/keys', { body: narrow })).body.key
  const calls = [
    ['GET', KEYS],
    ['POST', `${KEYS}/rotate`],
    ['POST', `${KEYS}/unknown/retire`],
  ] as const
  for (const [method, path] of calls) {
    t.equal(await coded(request(server, method, path, { bearer: null })), 'CREDENTIALS_MISSING')
    t.equal(await coded(request(server, method, path, { bearer: token })), 'NOT_A_PROVIDER')
    t.equal(await coded(request(server, method, path, { bearer: SCOPED })), 'SCOPE_MISSING')
    t.equal(await coded(request(server, method, path, { bearer: ofOneApp })), 'APP_FORBIDDEN')
  }
  for (const body of [{ algorithm: 'none' }, { algorithm: 'PS256' }, { now: 'yes' }, { kid: 'x' }])
    t.equal(await coded(request(server, 'POST', `${KEYS}/rotate`, { body })), 'REQUEST_INVALID')
  t.equal(await coded(request(server, 'POST', `${KEYS}/unknown/retire`)), 'KEY_UNKNOWN')
  t.equal(await coded(request(server, 'POST', `${KEYS}/__proto__/retire`)), 'KEY_UNKNOWN')
  const many = Array.from({ length: 31 }, () => request(server, 'POST', `${KEYS}/rotate`))
  for (const { status } of await Promise.all(many)) t.equal(status, 201)
  t.equal(await coded(request(server, 'POST', `${KEYS}/rotate`)), 'SIGNING_KEYS_LIMIT')
})

await t.test('what caches are told', async (t) => {
  const server = await serve(t, { algorithm: 'EdDSA' })
  const answer = await request(server, 'GET', '/.well-known/jwks.json', { bearer: null })
  t.equal(answer.headers['cache-control'], 'max-age=300')
  t.match(answer.headers['content-type'], /^application\/json/)
  t.equal((await request(server, 'GET', KEYS)).headers['cache-control'], 'no-store')
})
