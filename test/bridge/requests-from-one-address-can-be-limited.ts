// With a limit set, is the request above it a 429 that says when to come back; and is there none by default?
import { t } from '../support/tap.ts'
import { request } from '../support/api.ts'
import { serve } from './support/serve.ts'

await t.test('limited', async (t) => {
  const api = await serve(t, { limits: { requestsPerMinute: 3 } })
  for (let index = 0; index < 3; index++) t.equal((await request(api, 'GET', '/readyz')).status, 200)
  const refused = await request(api, 'GET', '/v1/messages', { bearer: null })
  t.match(refused, { status: 429, body: { code: 'RATE_LIMITED' } })
  t.match(refused.headers['retry-after'], /^[1-9]\d?$/)
  t.equal((await request(api, 'GET', '/healthz')).status, 200, 'never the liveness')
})

await t.test('unlimited', async (t) => {
  const api = await serve(t)
  for (let index = 0; index < 50; index++) t.equal((await request(api, 'GET', '/readyz')).status, 200)
})
