// Does /metrics count what is stored, repeated, refused, looked up and acknowledged, without a label for a token, device or account?
import { t } from '../support/tap.ts'
import { ack, issueToken, lookup, metric, request, send } from '../support/api.ts'
import { serve } from './support/serve.ts'

await t.test('counters', async (t) => {
  const api = await serve(t)
  const { token, tokenId } = await issueToken(api, { app: 'chat', device: 'phone', account: 'ann' })
  await send(api, { tokens: [token, 'x', 'y'] }, 'x', { id: 'a' })
  await send(api, { token }, 'x', { id: 'a' })
  await send(api, { app: 'chat', versions: '*' }, 'x')
  await request(api, 'POST', '/v1/messages', { body: { to: { token }, payload: 'x'.repeat(300 * 1024) } })
  t.equal(await metric(api, 'push_accepted_total', 'destination="private"'), 1)
  t.equal(await metric(api, 'push_accepted_total', 'destination="broadcast"'), 1)
  t.equal(await metric(api, 'push_duplicates_total', 'destination="private"'), 1)
  t.equal(await metric(api, 'push_rejected_total', 'code="TOKEN_INVALID"'), 2)
  t.equal(await metric(api, 'push_rejected_total', 'code="PAYLOAD_TOO_LARGE"'), 1)

  const { headers, text } = await request(api, 'GET', '/metrics', { bearer: null })
  t.match(headers['content-type'], 'text/plain; version=0.0.4')
  for (const name of [tokenId, 'phone', 'ann', 'chat']) t.notMatch(text, name)
  t.notMatch(text, /push_tls_certificate_end_seconds/, 'without TLS no certificate ends')
})

await t.test('lookups and acknowledgements', async (t) => {
  const api = await serve(t)
  const { token } = await issueToken(api, { app: 'chat', device: 'phone', version: '1.0' })
  for (const id of ['a', 'b', 'c']) await send(api, { token }, id, { id })
  await send(api, { app: 'chat', versions: '*' }, 'x')
  const counted = (name: string) =>
    Promise.all(['private', 'broadcast'].map((log) => metric(api, name, `destination="${log}"`)))

  const first = await lookup(api, token, { limit: 2 })
  t.same(await counted('push_delivered_total'), [2, 0])
  const all = await lookup(api, token)
  t.same(await counted('push_delivered_total'), [5, 1], 'again is counted again')
  t.same(await counted('push_acknowledged_total'), [0, 0])
  await ack(api, token, first.cursor)
  await ack(api, token, all.cursor)
  await ack(api, token, all.cursor)
  await ack(api, token, first.cursor)
  t.same(await counted('push_acknowledged_total'), [3, 1], 'each message once, whatever is repeated')
})
