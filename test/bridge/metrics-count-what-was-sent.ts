// Does /metrics count stored, repeated and refused messages, without a label for a token, device or account?
import t from 'tap'
import { issueToken, metric, request, send } from '../support/api.ts'
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
})
