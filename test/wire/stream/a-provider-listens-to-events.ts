// Does a stream bring events in order, go on from the last id, acknowledge when asked, and end with its key?
import { t } from '../../support/tap.ts'
import { ack, issueToken, lookup, request } from '../../support/api.ts'
import { makeKey, rotateKey } from '../../support/keys.ts'
import { within } from '../../support/waiting.ts'
import { serve, type Served } from '../../bridge/support/serve.ts'
import { openStream } from './support/stream.ts'

const query = 'app=chat&consumer=billing'
const path = (more = '') => `/v1/events/stream?${query}${more}`

async function receipts(api: Served, token: string, ids: readonly string[]) {
  for (const id of ids)
    await request(api, 'POST', '/v1/messages', { body: { to: { token }, payload: id, id, receipt: true } })
  const { cursor } = await lookup(api, token)
  await ack(api, token, cursor)
}

await t.test('in order, and on from the last', async (t) => {
  const api = await serve(t)
  const bearer = api.providerKey
  const early = await openStream(t, api, { bearer, path: path() })
  t.match(early, { status: 200, headers: { 'content-type': 'text/event-stream' } })
  const { token, tokenId } = await issueToken(api, { app: 'chat', device: 'phone' })
  t.match(await early.events.next(), { type: 'message', id: String, data: { type: 'token.issued', tokenId } })
  await receipts(api, token, ['a', 'b', 'c'])
  const events = await early.events.nextN(3)
  t.same(
    events.map(({ data }) => [data.type, data.id]),
    ['a', 'b', 'c'].map((id) => ['message.acknowledged', id]),
  )
  t.not(events[2]?.id, '')
  early.close()

  const passed = await openStream(t, api, { bearer, path: path(), headers: { 'last-event-id': early.lastEventId } })
  await receipts(api, token, ['d'])
  t.match(await passed.events.next(), { data: { id: 'd' } }, 'what came is passed over')
  const again = await request(api, 'GET', `/v1/events?${query}`)
  t.equal(again.body.events.length, 5, 'and not acknowledged')
  passed.close()

  const headers = { 'last-event-id': early.lastEventId }
  const acked = await openStream(t, api, { bearer, path: path('&ack=auto'), headers })
  t.match(await acked.events.next(), { data: { id: 'd' } })
  t.match((await request(api, 'GET', `/v1/events?${query}`)).body.events, [{ id: 'd' }], 'now it is')
  await request(api, 'POST', '/v1/events/ack', {
    body: { app: 'chat', consumer: 'billing', cursor: acked.lastEventId },
  })
  t.same((await request(api, 'GET', `/v1/events?${query}`)).body.events, [])
})

await t.test('what types leave out', async (t) => {
  const api = await serve(t, { limits: { streamCommentMs: 100 } })
  const stream = await openStream(t, api, { bearer: api.providerKey, path: path('&types=message.*') })
  await request(api, 'GET', `/v1/events?${query}&types=token.*`)
  const { token } = await issueToken(api, { app: 'chat', device: 'phone' })
  await receipts(api, token, ['a'])
  t.match(await stream.events.next(), { data: { id: 'a' } })
  t.same(stream.events.pending, [])
})

await t.test('who may not', async (t) => {
  const api = await serve(t)
  const keyOf = async (apps: string[], scopes: string[]) =>
    String((await request(api, 'POST', '/v1/keys', { body: { name: scopes.join(), apps, scopes } })).body.key)
  const { token } = await issueToken(api, { app: 'chat', device: 'phone' })
  const { ticket } = (await request(api, 'POST', '/v1/messages/stream', { bearer: token })).body
  const asked = async (bearer: string | null, more = '') =>
    (await request(api, 'GET', path(more), { bearer })).body.code
  t.equal(await asked(null), 'CREDENTIALS_MISSING')
  t.equal(await asked(token), 'NOT_A_PROVIDER')
  t.equal(await asked(null, `&ticket=${ticket}`), 'CREDENTIALS_MISSING', 'a ticket is for devices')
  t.equal(await asked(api.providerKey, `&ticket=${ticket}`), 'REQUEST_INVALID')
  t.equal(await asked(await keyOf(['shop'], ['events:read'])), 'APP_FORBIDDEN')
  t.equal(await asked(await keyOf(['chat'], ['messages:send'])), 'SCOPE_MISSING')
  t.equal(await asked(api.providerKey, '&lastEventId=x'), 'CURSOR_INVALID')
  t.equal(await asked(api.providerKey, '&types=nothing'), 'REQUEST_INVALID')
})

await t.test('its key is removed', async (t) => {
  const api = await serve(t)
  const made = await request(api, 'POST', '/v1/keys', {
    body: { name: 'billing', apps: ['chat'], scopes: ['events:read'] },
  })
  const stream = await openStream(t, api, { bearer: made.body.key, path: path() })
  await request(api, 'DELETE', `/v1/keys/${made.body.id}`)
  t.match(await stream.events.next(), { type: 'end', data: { code: 'CREDENTIALS_INVALID' } })
  await within('the end', stream.ended)
})

await t.test('its key is replaced', async (t) => {
  let ahead = 0
  const api = await serve(t, { now: () => Date.now() + ahead })
  const scopes = ['events:read']
  const key = await makeKey(api, { name: 'billing', apps: ['chat'], scopes })
  const old = await openStream(t, api, { bearer: key.key, path: path() })
  const second = await rotateKey(api, key, 3600)
  const fresh = await openStream(t, api, { bearer: second.key, path: '/v1/events/stream?app=chat&consumer=other' })
  await issueToken(api, { app: 'chat', device: 'phone' })
  for (const each of [old, fresh]) t.match(await each.events.next(), { data: { type: 'token.issued' } })
  ahead = 3_601_000
  t.match(await old.events.next(), { type: 'end', data: { code: 'CREDENTIALS_INVALID' } }, 'with its overlap')
  await within('the end', old.ended)
  await issueToken(api, { app: 'chat', device: 'tablet' })
  t.match(await fresh.events.next(), { data: { type: 'token.issued' } }, 'the new one goes on')
  await rotateKey(api, key, 0)
  t.match(await fresh.events.next(), { type: 'end', data: { code: 'CREDENTIALS_INVALID' } }, 'at once')

  const third = await makeKey(api, { name: 'billing', apps: ['chat'], scopes, expiresIn: 60 })
  const last = await openStream(t, api, { bearer: third.key, path: path() })
  ahead += 61_000
  // What was stored before comes first.
  let event = await last.events.next()
  while (event.type === 'message') event = await last.events.next()
  t.match(event, { type: 'end', data: { code: 'CREDENTIALS_INVALID' } }, 'with its time')
})

await t.test('shut down', async (t) => {
  const api = await serve(t)
  const stream = await openStream(t, api, { bearer: api.providerKey, path: path() })
  const closed = api.app.close()
  t.match(await stream.events.next(), { type: 'end', data: { code: 'SHUTTING_DOWN' } })
  await within('close', closed)
})
