// Does a ticket open streams of its device for an hour, end with its token, open nothing else, and stand in no log?
import { t } from '../../support/tap.ts'
import { ack, issueToken, request, revoke, send } from '../../support/api.ts'
import { within } from '../../support/waiting.ts'
import { serve, type Served } from '../../bridge/support/serve.ts'
import { openStream, payloads } from './support/stream.ts'

const HOUR = 3_600_000
const ticketFor = (api: Served, bearer: string) => request(api, 'POST', '/v1/messages/stream', { bearer })
const pathOf = (ticket: string) => `/v1/messages/stream?ticket=${ticket}`

await t.test('opens', async (t) => {
  let ahead = 0
  const api = await serve(t, { now: () => Date.now() + ahead })
  const { token } = await issueToken(api, { app: 'chat', device: 'phone', version: '1.0.0' })
  const answered = await ticketFor(api, token)
  t.match(answered, { status: 201, headers: { 'cache-control': 'no-store' }, body: { ticket: String } })
  const { ticket, expiresAt } = answered.body
  t.ok(Math.abs(Date.parse(expiresAt) - Date.now() - HOUR) < 60_000, 'for an hour')
  t.notOk(Buffer.from(ticket, 'base64url').includes('phone'), 'it says nothing to who sees it')

  const stream = await openStream(t, api, { path: pathOf(ticket) })
  await send(api, { token }, 'one')
  await send(api, { app: 'chat', versions: '*' }, 'all')
  t.same(await payloads(stream, 2), ['one', 'all'])
  await ack(api, token, stream.lastEventId)
  const again = await openStream(t, api, { path: pathOf(ticket) })
  await send(api, { token }, 'two')
  t.same(await payloads(again, 1), ['two'], 'as often as its client comes back')

  ahead = HOUR + 1_000
  t.match(await request(api, 'GET', pathOf(ticket), { bearer: null }), {
    status: 401,
    body: { code: 'TICKET_INVALID' },
  })
  await send(api, { token }, 'three')
  t.same(await payloads(again, 1), ['three'], 'a stream that is open goes on')

  const short = await issueToken(api, { app: 'chat', device: 'watch', ttl: 60 })
  const ofShort = await ticketFor(api, short.token)
  t.equal(ofShort.body.expiresAt, short.expiresAt, 'for no longer than its token')
})

await t.test('ends with its token', async (t) => {
  const api = await serve(t)
  const issued = await issueToken(api, { app: 'chat', device: 'phone' })
  const { ticket } = (await ticketFor(api, issued.token)).body
  const stream = await openStream(t, api, { path: pathOf(ticket) })
  await revoke(api, issued.tokenId)
  t.match(await stream.events.next(), { type: 'end', data: { code: 'TOKEN_REVOKED' } })
  await within('the end', stream.ended)
  const refused = await request(api, 'GET', pathOf(ticket), { bearer: null })
  t.match(refused, { status: 403, body: { code: 'TOKEN_REVOKED' } })
  await issueToken(api, { app: 'chat', device: 'phone' })
  t.match(await request(api, 'GET', pathOf(ticket), { bearer: null }), { status: 403 }, 'also when it is issued again')
})

await t.test('opens nothing else', async (t) => {
  const api = await serve(t)
  const { token } = await issueToken(api, { app: 'chat', device: 'phone' })
  const { ticket } = (await ticketFor(api, token)).body
  const asked = async (method: string, path: string, bearer: string | null, body?: object) =>
    (await request(api, method, path, { bearer, ...(body === undefined ? {} : { body }) })).body.code
  t.equal(await asked('GET', '/v1/messages', ticket), 'CREDENTIALS_INVALID')
  t.equal(await asked('GET', `/v1/messages?ticket=${ticket}`, null), 'CREDENTIALS_MISSING')
  t.equal(await asked('POST', '/v1/messages/ack', ticket, { cursor: 'x' }), 'CREDENTIALS_INVALID')
  t.equal(await asked('POST', '/v1/messages/stream', ticket), 'CREDENTIALS_INVALID', 'no ticket makes another one')
  t.equal(await asked('POST', pathOf(ticket), null), 'CREDENTIALS_MISSING')
  t.equal(await asked('GET', pathOf(ticket), token), 'REQUEST_INVALID', 'a ticket and a token')
  t.equal(await asked('GET', `${pathOf(ticket)}&ticket=${ticket}`, null), 'REQUEST_INVALID')
  t.equal(await asked('GET', pathOf(token), null), 'TICKET_INVALID', 'a token is none')
  t.equal(await asked('GET', pathOf(`${ticket.slice(0, -2)}AA`), null), 'TICKET_INVALID')
  t.equal(await asked('GET', pathOf(''), null), 'TICKET_INVALID')
  t.equal(await asked('POST', '/v1/messages/stream', api.providerKey), 'NOT_A_DEVICE')
  t.equal(await asked('GET', '/v1/messages/stream', api.providerKey), 'NOT_A_DEVICE')
  t.equal(await asked('GET', '/v1/messages/stream', null), 'CREDENTIALS_MISSING')

  const log = api.logs.join('\n')
  t.ok(log.includes('/v1/messages/stream'), 'requests are logged')
  t.notOk(log.includes(ticket) || log.includes('ticket='), 'without the ticket')
  t.notOk(log.includes(token))
})
