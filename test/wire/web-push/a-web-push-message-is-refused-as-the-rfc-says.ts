// Is each thing that is wrong with a Web Push message refused with its own status, and nothing of it stored?
import { Validator } from '@seriousme/openapi-schema-validator'
import webPush from 'web-push'
import { lookup, request, startServer } from '../../support/index.ts'
import { t } from '../../support/tap.ts'
import { at, BODY, PLAIN, type Posted, subscribe, through, vapidOf } from './support/push.ts'

const ORIGIN = 'https://push.example.com'
const server = await startServer(t, {
  settings: { PUSH_PUBLIC_URL: `${ORIGIN}/below/`, PUSH_MESSAGE_TTL_MAX: '1000', PUSH_MESSAGE_TTL: '1000' },
})
const keys = webPush.generateVAPIDKeys()
const [free, bound] = [await subscribe(server), await subscribe(server, { device: 'tablet', vapidKey: keys.publicKey })]
const local = (url: string) => through(url.replace('/below/', '/'), server)
const post = (endpoint: string, posted: Posted = {}) => at(local(endpoint), { headers: PLAIN, body: BODY, ...posted })

await t.test('what is well', async (t) => {
  t.ok(free.endpoint.startsWith(`${ORIGIN}/below/v1/web-push/`), 'a proxy may put it below a path')
  const sent = await post(free.endpoint, { headers: { ...PLAIN, ttl: '99999999999999999999' } })
  t.match(sent, { status: 201, text: '', headers: { ttl: '1000' } }, 'no longer than the server allows')
  t.equal((await post(free.endpoint, { headers: { ...PLAIN, prefer: 'respond-async' } })).status, 201)
  const basic = { ...PLAIN, authorization: 'Basic eDp5' }
  t.equal((await post(free.endpoint, { headers: basic })).status, 201, 'credentials that nobody asked for')
  t.equal((await post(free.endpoint, { body: Buffer.alloc(4_096, 1) })).status, 201)
  t.equal((await at(local(free.endpoint), { headers: { ttl: '1' } })).status, 201, 'a message may be empty')
  t.equal((await lookup(server, free.token)).messages.length, 5)
})

await t.test('the UnifiedPush probe', async (t) => {
  const probe = await at(local(free.endpoint), { method: 'GET' })
  t.match(probe, { status: 200, text: '{"unifiedpush":{"version":1}}' })
  t.match(probe.headers, { 'content-type': /^application\/json/ })
  t.match(await at(local(`${free.endpoint}A`), { method: 'GET' }), { status: 404, code: 'ENDPOINT_UNKNOWN' })
  t.match(await at(local(free.endpoint), { method: 'PUT' }), { status: 405, headers: { allow: /POST/ } })
})

await t.test('header fields and bodies', async (t) => {
  const wrong: [name: string, posted: Posted, status: number, code: string][] = [
    ['no TTL', { headers: { 'content-encoding': 'aes128gcm' } }, 400, 'TTL_INVALID'],
    ...['', '-1', '1.5', '1e3', 'soon', '1, 2'].map((ttl): [string, Posted, number, string] => [
      `TTL "${ttl}"`,
      { headers: { ...PLAIN, ttl } },
      400,
      'TTL_INVALID',
    ]),
    ...['', 'a'.repeat(33), 'a b', 'ä', 'a/b', 'a='].map((topic): [string, Posted, number, string] => [
      `Topic "${topic}"`,
      { headers: { ...PLAIN, topic } },
      400,
      'REQUEST_INVALID',
    ]),
    ...['', 'urgent', 'low, high'].map((urgency): [string, Posted, number, string] => [
      `Urgency "${urgency}"`,
      { headers: { ...PLAIN, urgency } },
      400,
      'REQUEST_INVALID',
    ]),
    ['a draft of the encoding', { headers: { ttl: '1', 'content-encoding': 'aesgcm' } }, 415, 'WEB_PUSH_ENCODING'],
    ['two encodings', { headers: { ttl: '1', 'content-encoding': 'aes128gcm, gzip' } }, 415, 'WEB_PUSH_ENCODING'],
    ['no encoding', { headers: { ttl: '1' } }, 415, 'WEB_PUSH_ENCODING'],
    ['too large', { body: Buffer.alloc(4_097, 1) }, 413, 'BODY_TOO_LARGE'],
  ]
  const before = (await lookup(server, free.token)).messages.length
  for (const [name, posted, status, code] of wrong) t.match(await post(free.endpoint, posted), { status, code }, name)
  t.match((await post(free.endpoint, { headers: { ttl: '1' } })).headers, { 'accept-encoding': 'aes128gcm' })
  t.match(await post(`${free.endpoint}?x=1`), { status: 400, code: 'REQUEST_INVALID' })
  t.equal((await lookup(server, free.token)).messages.length, before)
})

await t.test('who sends', async (t) => {
  const signed = (authorization: string) => post(bound.endpoint, { headers: { ...PLAIN, authorization } })
  const missing = await post(bound.endpoint)
  t.match(missing, { status: 401, code: 'VAPID_MISSING', headers: { 'www-authenticate': 'vapid' } })
  t.match(await signed(`Bearer ${server.providerKey}`), { status: 401 }, 'a provider key is no VAPID token')
  t.match(await signed(`WebPush ${keys.publicKey}`), { status: 401 }, 'of a draft')
  const other = webPush.generateVAPIDKeys()
  t.match(await signed(vapidOf(ORIGIN, other)), { status: 403, code: 'VAPID_INVALID' })
  t.match(await signed(vapidOf('https://other.example.com', keys)), { status: 403, code: 'VAPID_INVALID' })
  const mixed = vapidOf(ORIGIN, other).replace(/k=.*/, `k=${keys.publicKey}`)
  t.match(await signed(mixed), { status: 403, code: 'VAPID_INVALID' }, 'signed with one key, shown with another')
  t.same((await lookup(server, bound.token)).messages, [])
  t.equal((await signed(vapidOf(ORIGIN, keys))).status, 201)
  const wrong = { ...PLAIN, authorization: vapidOf('https://other.example.com', keys) }
  t.match(await post(free.endpoint, { headers: wrong }), { status: 403 }, 'who says who it is has to be it')
})

await t.test('addresses that are none', async (t) => {
  const sealed = free.endpoint.slice(free.endpoint.lastIndexOf('/') + 1)
  const bytes = Buffer.from(sealed, 'base64url')
  for (let position = 0; position < bytes.length; position++) {
    const changed = Buffer.from(bytes)
    changed[position] = (changed[position] ?? 0) ^ 0x80
    const endpoint = free.endpoint.replace(sealed, changed.toString('base64url'))
    t.match(await post(endpoint), { status: 404, code: 'ENDPOINT_UNKNOWN' })
  }
  for (const part of ['A', free.tokenId, free.token, `${sealed}.`, `%00${sealed}`, 'constructor', `${sealed}${sealed}`])
    t.match(await post(free.endpoint.replace(sealed, part)), { status: 404 }, part.slice(0, 12))
  const { headers } = await post(free.endpoint)
  const message = headers['location'] ?? ''
  const name = message.slice(message.lastIndexOf('/') + 1)
  t.match(await post(free.endpoint.replace(sealed, name)), { status: 404 }, 'the address of a message is no endpoint')
  const remove = (url: string) => at(local(url), { method: 'DELETE' })
  t.match(await remove(message.replace(name, sealed)), { status: 404, code: 'MESSAGE_UNKNOWN' }, 'nor the other way')
  t.match(await remove(`${message}A`), { status: 404, code: 'MESSAGE_UNKNOWN' })
  t.match(await at(local(message), { method: 'GET' }), { status: 405 })
  t.equal((await remove(message)).status, 204)
})

await t.test('what is asked for with a token', async (t) => {
  const ask = (webPush: unknown) =>
    request(server, 'POST', '/v1/tokens', { body: { app: 'chat', device: 'watch', webPush } })
  for (const vapidKey of ['', 'A'.repeat(87), keys.privateKey, `${keys.publicKey}=`])
    t.match(await ask({ vapidKey }), { status: 400, body: { code: 'VAPID_KEY_INVALID' } })
  for (const wrong of [true, null, [], { vapidKey: 1 }, { vapidkey: keys.publicKey }])
    t.match(await ask(wrong), { status: 400, body: { code: 'REQUEST_INVALID' } }, JSON.stringify(wrong))
  const off = await startServer(t)
  const body = { app: 'chat', device: 'watch', webPush: {} }
  t.match(await request(off, 'POST', '/v1/tokens', { body }), { status: 501, body: { code: 'WEB_PUSH_OFF' } })
  t.match((await request(off, 'GET', '/v1/tokens?app=chat')).body, { tokens: [] }, 'nothing is issued')
  t.match(await at(through(free.endpoint.replace('/below/', '/'), off)), { status: 404, code: 'NOT_FOUND' })
})

await t.test('the description of the API', async (t) => {
  const { body } = await request(server, 'GET', '/openapi.json', { bearer: null })
  const { valid, errors } = await new Validator().validate(body)
  t.ok(valid, JSON.stringify(errors))
  const { post, get } = body.paths['/v1/web-push/{endpoint}']
  t.same(post.security, [{}, { vapid: [] }])
  for (const status of ['201', '400', '401', '403', '404', '410', '413', '415', '429', '503'])
    t.ok(post.responses[status])
  t.ok(get.responses['200'])
  t.ok(body.paths['/v1/web-push/messages/{message}'].delete.responses['410'])
})
