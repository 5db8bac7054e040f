// Does the overview say how the server does, for who may see it, also where its store is away or it has several processes?
import { t } from '../support/tap.ts'
import { PushError } from '../../errors.ts'
import { parseMetrics, sumOf } from '../../bridge/overview/parse-metrics.ts'
import { issueToken, lookup, request, send } from '../support/api.ts'
import { serve } from './support/serve.ts'

await t.test('what was counted', async (t) => {
  const api = await serve(t)
  const { token } = await issueToken(api, { app: 'chat', device: 'phone' })
  await send(api, { token }, 'one', { id: 'one' })
  await send(api, { token }, 'one', { id: 'one' })
  await request(api, 'POST', '/v1/messages', { body: { to: { token: 'A'.repeat(22) }, payload: 'x' } })
  await lookup(api, token)
  api.metrics.connections.set({ principal: 'device' }, 3)
  api.metrics.drainLatency.observe(0.004)
  const { status, body } = await request(api, 'GET', '/v1/overview')
  t.equal(status, 200)
  t.match(body, {
    version: '0.0.0',
    server: new RegExp(`:${api.httpPort}$`),
    connections: { device: 3, provider: 0, user: 0 },
    totals: { accepted: 1, duplicates: 1, rejected: 1, delivered: 1, acknowledged: 0 },
    latency: { count: 1 },
    nodes: 1,
    store: { engine: 'embedded', ready: true, warnings: [] },
  })
  t.same(body.latency.buckets.slice(0, 3), [
    [0.001, 0],
    [0.0025, 0],
    [0.005, 1],
  ])
})

await t.test('a store that is away is no error here', async (t) => {
  const ready = () => Promise.reject(new PushError('STORE_UNAVAILABLE', 'gone'))
  const api = await serve(t, { ready })
  const { status, body } = await request(api, 'GET', '/v1/overview')
  t.equal(status, 200)
  t.match(body.store, { ready: false, warnings: [/gone/] })
})

await t.test('of several processes, all of them', async (t) => {
  const metricsText = async () =>
    'push_connections{principal="device"} 7\npush_accepted_total{destination="private"} 2\n'
  const api = await serve(t, { metricsText })
  t.match((await request(api, 'GET', '/v1/overview')).body, { connections: { device: 7 }, totals: { accepted: 2 } })
})

await t.test('lines that are no numbers', (t) => {
  const parsed = parseMetrics('# HELP a b\n# TYPE a counter\na{x="1",y="}"} 2\na 3 \n')
  t.equal(sumOf(parsed.get('a')), 2)
  t.equal(sumOf(parsed.get('c')), 0)
  t.end()
})
