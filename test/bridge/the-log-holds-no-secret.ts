// Does any line of the log, at the finest level, hold a token, a key or a payload?
import { t } from '../support/tap.ts'
import { issueToken, request } from '../support/api.ts'
import { serve } from './support/serve.ts'

const PAYLOAD = 'the-payload-nobody-may-read'

await t.test('requests that succeed, fail and break', async (t) => {
  const api = await serve(t, {
    around: () => ({
      async appendBroadcast() {
        throw new Error('a bug')
      },
    }),
  })
  const { token } = await issueToken(api, { app: 'chat', device: 'phone' })
  const post = (body: unknown) => request(api, 'POST', '/v1/messages', { body })
  await post({ to: { token }, payload: PAYLOAD })
  await post({ to: { token }, payload: PAYLOAD, [PAYLOAD]: 1 })
  await post({ to: { tokens: [`${token}x`] }, payload: PAYLOAD })
  t.equal((await post({ to: { app: 'chat', versions: '*' }, payload: PAYLOAD })).status, 500)
  await request(api, 'POST', '/v1/messages', { raw: `{"payload": ${PAYLOAD}` })
  await request(api, 'GET', `/v1/messages?token=${token}`, { bearer: token })
  await request(api, 'GET', `/${token}?key=${api.providerKey}`)
  await request(api, 'DELETE', `/v1/tokens/${token}`, { bearer: `${api.providerKey}x` })
  const log = api.logs.join('')
  t.ok(api.logs.length >= 8, 'there are lines')
  for (const secret of [token, token.split('.')[2]!, api.providerKey, PAYLOAD]) t.notOk(log.includes(secret))
})
