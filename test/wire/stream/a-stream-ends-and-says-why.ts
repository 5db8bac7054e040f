// Is a stream told why it ends: its token is revoked, switched or over, newer ones need its room, the server shuts down?
import { Agent } from 'node:http'
import { t } from '../../support/tap.ts'
import { issueToken, request, revoke, send } from '../../support/api.ts'
import { within } from '../../support/waiting.ts'
import { serve } from '../../bridge/support/serve.ts'
import { openStream, type OpenedStream } from './support/stream.ts'

const end = async (stream: OpenedStream) => {
  const event = await stream.events.nextWhere(({ type }) => type === 'end')
  await within('the end', stream.ended)
  return event.data
}

await t.test('revoked, switched and logged out', async (t) => {
  const api = await serve(t, { limits: { longPollRecheckMs: 3_600_000 } })
  const ann = await issueToken(api, { app: 'chat', device: 'phone', account: 'ann' })
  const tablet = await issueToken(api, { app: 'chat', device: 'tablet', account: 'ann' })
  const watch = await issueToken(api, { app: 'chat', device: 'watch', account: 'eve' })
  const laptop = await issueToken(api, { app: 'chat', device: 'laptop', account: 'joe' })
  const open = ({ token }: { token: string }) => openStream(t, api, { bearer: token })
  const [onPhone, onTablet] = [await open(ann), await open(tablet)]
  const [onWatch, onLaptop] = [await open(watch), await open(laptop)]
  await revoke(api, tablet.tokenId)
  t.match(await end(onTablet), { code: 'TOKEN_REVOKED', status: 403, title: String })
  await issueToken(api, { app: 'chat', device: 'phone', account: 'bob' })
  t.match(await end(onPhone), { code: 'TOKEN_SUPERSEDED' })
  await request(api, 'DELETE', '/v1/tokens/current', { bearer: watch.token })
  t.match(await end(onWatch), { code: 'TOKEN_REVOKED' })
  await request(api, 'POST', '/v1/tokens/revoke', { body: { app: 'chat' } })
  t.match(await end(onLaptop), { code: 'TOKEN_REVOKED' })
  t.match(await request(api, 'GET', '/v1/messages/stream', { bearer: tablet.token }), { status: 403 })
})

await t.test('over', async (t) => {
  let ahead = 0
  const api = await serve(t, { limits: { longPollRecheckMs: 3_600_000 }, now: () => Date.now() + ahead })
  const { token, expiresAt } = await issueToken(api, { app: 'chat', device: 'phone', ttl: 3_600 })
  ahead = Date.parse(String(expiresAt)) - Date.now() - 500
  const stream = await openStream(t, api, { bearer: token })
  t.match(await end(stream), { code: 'TOKEN_EXPIRED' })
})

await t.test('years away', async (t) => {
  let looks = 0
  const now = () => {
    looks++
    return Date.now()
  }
  const api = await serve(t, { limits: { longPollRecheckMs: 3_600_000, maximumTokenTtl: 4e7 }, now })
  const { token } = await issueToken(api, { app: 'chat', device: 'phone', ttl: 4e7 })
  const stream = await openStream(t, api, { bearer: token })
  const before = looks
  await send(api, { token }, 'still there')
  await stream.events.next()
  t.ok(looks - before < 20, `no timer runs over: ${looks - before} looks at the clock`)
})

await t.test('crowded', async (t) => {
  const api = await serve(t, { limits: { waitingPerToken: 2 }, random: () => 0 })
  const { token } = await issueToken(api, { app: 'chat', device: 'phone' })
  const first = await openStream(t, api, { bearer: token })
  const second = await openStream(t, api, { bearer: token })
  const waiting = request(api, 'GET', '/v1/messages?wait=50', { bearer: token })
  t.match(await end(first), { code: 'RATE_LIMITED' })
  t.same(first.lines.received, ['retry: 1000', 'retry: 20000'], 'it comes back later, or they end each other for ever')
  await openStream(t, api, { bearer: token })
  t.match(await end(second), { code: 'RATE_LIMITED' }, 'streams and long polls count together')
  await openStream(t, api, { bearer: token })
  t.match(await within('the long poll', waiting), { status: 200, body: { messages: [] } })
})

await t.test('too many in all', async (t) => {
  const api = await serve(t, { limits: { waiting: 1 } })
  const { token } = await issueToken(api, { app: 'chat', device: 'phone' })
  const stream = await openStream(t, api, { bearer: token })
  const refused = await request(api, 'GET', '/v1/messages/stream', { bearer: token })
  t.match(refused, { status: 429, body: { code: 'RATE_LIMITED' }, headers: { 'retry-after': String } })
  stream.close()
})

await t.test('shut down, on a connection that is kept', async (t) => {
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  const api = await serve(t)
  const { token } = await issueToken(api, { app: 'chat', device: 'phone' })
  const stream = await openStream(t, api, { bearer: token, agent })
  const closed = api.app.close()
  t.match(await end(stream), { code: 'SHUTTING_DOWN' })
  await within('close, with streams open', closed, 4_000)
})

await t.test('a connection is good for more', async (t) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  const api = await serve(t)
  const issued = await issueToken(api, { app: 'chat', device: 'phone' })
  const stream = await openStream(t, api, { bearer: issued.token, agent })
  await revoke(api, issued.tokenId)
  await end(stream)
  t.equal((await request(api, 'GET', '/healthz', { agent })).status, 200)
  t.equal(api.app.server.listening, true)
})
