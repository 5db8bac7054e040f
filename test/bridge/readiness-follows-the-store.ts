// Do /healthz and /readyz tell a process that lives from one that can work, and why?
import { t } from '../support/tap.ts'
import { PushError } from '../../errors.ts'
import { request } from '../support/api.ts'
import { serve } from './support/serve.ts'

await t.test('ready, warned, failing, shutting down', async (t) => {
  let health = async () => ({ warnings: [] as string[] })
  const api = await serve(t, { around: () => ({ health: () => health() }) })
  const ready = () => request(api, 'GET', '/readyz', { bearer: null })
  t.match(await ready(), { status: 200, body: { status: 'ready', warnings: [] } })
  health = async () => ({ warnings: ['appendfsync is everysec'] })
  t.match(await ready(), { status: 200, body: { warnings: ['appendfsync is everysec'] } })
  health = async () => {
    throw new PushError('STORE_UNAVAILABLE')
  }
  t.match(await ready(), { status: 503, body: { code: 'STORE_UNAVAILABLE' }, headers: { 'retry-after': '1' } })
  t.match(await request(api, 'GET', '/healthz', { bearer: null }), { status: 200, body: { status: 'live' } })

  const leaving = await serve(t, {
    async ready() {
      throw new PushError('SHUTTING_DOWN')
    },
  })
  t.match(await request(leaving, 'GET', '/readyz'), { status: 503, body: { code: 'SHUTTING_DOWN' } })
})
