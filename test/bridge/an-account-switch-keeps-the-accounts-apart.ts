// When another account logs in on the device, is the previous one's token refused and its mail kept for its return?
import { t } from '../support/tap.ts'
import { issueToken, lookup, request, send } from '../support/api.ts'
import { serve } from './support/serve.ts'

await t.test('ann, then bob, then ann again', async (t) => {
  const api = await serve(t)
  const ann = await issueToken(api, { app: 'chat', device: 'phone', account: 'ann' })
  const bob = await issueToken(api, { app: 'chat', device: 'phone', account: 'bob' })
  const refused = await request(api, 'GET', '/v1/messages', { bearer: ann.token })
  t.match(refused, { status: 403, body: { code: 'TOKEN_SUPERSEDED' } })

  t.match(await send(api, { token: ann.token }, 'for ann'), { accepted: 1 }, 'her mail waits')
  t.same((await lookup(api, bob.token)).messages, [], 'and is not for bob')

  const again = await issueToken(api, { app: 'chat', device: 'phone', account: 'ann' })
  t.match(await lookup(api, again.token), { messages: [{ payload: 'for ann' }] })
  t.match(await request(api, 'GET', '/v1/messages', { bearer: bob.token }), { body: { code: 'TOKEN_SUPERSEDED' } })
  t.match(
    await request(api, 'GET', '/v1/messages', { bearer: ann.token }),
    { status: 403, body: { code: 'TOKEN_REVOKED' } },
    'what she had before the switch stays refused',
  )
  const renewed = await issueToken(api, { app: 'chat', device: 'phone', account: 'ann' })
  for (const { token } of [again, renewed]) t.match(await lookup(api, token), { messages: [{ payload: 'for ann' }] })
})
