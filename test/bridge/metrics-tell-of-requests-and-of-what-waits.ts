// Does /metrics tell of requests by route, of lookups, of what waits, and of the version that runs?
import { t } from '../support/tap.ts'
import { eventually, issueToken, lookup, metric, request, send } from '../support/index.ts'
import { serve } from './support/serve.ts'

await t.test('requests', async (t) => {
  const api = await serve(t)
  const { token } = await issueToken(api, { app: 'chat', device: 'phone' })
  await lookup(api, token)
  await send(api, { token }, 'x')
  await lookup(api, token)
  await request(api, 'GET', '/v1/tokens/%3Csecret%3E', {})
  await request(api, 'GET', '/nothing/secret', {})
  const { text } = await request(api, 'GET', '/metrics', { bearer: null })
  t.match(text, 'push_http_requests_total{method="POST",route="/v1/messages",status="202"} 1')
  t.match(text, /push_http_requests_total{method="GET",route="none",status="404"} 1/)
  t.match(text, /push_http_request_duration_seconds_bucket{le="5",method="GET",route="\/v1\/messages"} 2/)
  t.notMatch(text, 'secret', 'a URL is no label')
  t.equal(await metric(api, 'push_lookups_total', 'outcome="empty"'), 1)
  t.equal(await metric(api, 'push_lookups_total', 'outcome="found"'), 1)
  t.match(text, new RegExp(`push_build_info{version="[^"]+",node="${process.versions.node}"} 1`))
})

await t.test('a lookup that waits', async (t) => {
  const api = await serve(t)
  const { token } = await issueToken(api, { app: 'chat', device: 'phone' })
  const waiting = lookup(api, token, { wait: 30 })
  await eventually('that it waits', async () => (await metric(api, 'push_http_waiting')) === 1)
  await send(api, { token }, 'x')
  await waiting
  t.equal(await metric(api, 'push_http_waiting'), 0)
  const { text } = await request(api, 'GET', '/metrics', { bearer: null })
  t.match(text, 'push_http_requests_total{method="GET",route="/v1/messages",status="200"} 1')
  t.notMatch(text, 'push_http_request_duration_seconds_count{method="GET",route="/v1/messages"}', 'waiting is not slow')
})
