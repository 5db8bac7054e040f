// Is an unexpected failure a 500 without its reason, with the reason in the log under the same request id?
import { t } from '../support/tap.ts'
import { request } from '../support/api.ts'
import { serve } from './support/serve.ts'

await t.test('a store with a bug', async (t) => {
  const api = await serve(t, {
    around: () => ({
      async lookupToken() {
        throw new TypeError('a cause that stays inside')
      },
    }),
  })
  const { token } = api.auth.issue({ app: 'chat', device: 'a', account: '', ttl: 60, generation: 1 })
  const failed = await request(api, 'GET', '/v1/messages', { bearer: token })
  t.match(failed, { status: 500, body: { code: 'INTERNAL', requestId: String } })
  t.notMatch(failed.text, /stays inside/)
  const line = api.logs.map((log) => JSON.parse(log)).find(({ level }) => level >= 50)
  t.match(line, { requestId: failed.body.requestId, err: { message: 'a cause that stays inside' } })
})
