// Does /metrics tell for how long the event loop was blocked, once?
import { setTimeout as sleep } from 'node:timers/promises'
import { t } from '../support/tap.ts'
import { eventually, metric, request } from '../support/index.ts'
import { serve } from './support/serve.ts'

const NAME = 'push_event_loop_delay_seconds'
const BLOCKED_MS = 300

const api = await serve(t)
await metric(api, NAME)
// It has to be seen going round first.
await sleep(50)
const end = performance.now() + BLOCKED_MS
while (performance.now() < end);
await eventually('the delay', async () => (await metric(api, NAME, 'percentile="100"')) >= BLOCKED_MS / 2 / 1000)
const { text } = await request(api, 'GET', '/metrics', { bearer: null })
for (const percentile of [50, 99, 100]) t.match(text, `${NAME}{percentile="${percentile}"}`)
