// When the store fails for some receivers, is the whole request answered so that a repeat under its id is safe?
import { t } from '../support/tap.ts'
import { PushError } from '../../errors.ts'
import { issueToken, lookup, request } from '../support/api.ts'
import { serve } from './support/serve.ts'

await t.test('one of three appends fails', async (t) => {
  let isDown = true
  const failing = async () => {
    throw new PushError('STORE_UNAVAILABLE')
  }
  const api = await serve(t, {
    around: (store) => ({
      append: (append) => (isDown && append.tokenId === second ? failing() : store.append(append)),
      appendBroadcast: (append) => (isDown ? failing() : store.appendBroadcast(append)),
    }),
  })
  const devices = await Promise.all(['a', 'b', 'c'].map((device) => issueToken(api, { app: 'chat', device })))
  const second = devices[1]!.tokenId
  const to = { tokens: devices.map(({ tokenId }) => tokenId) }
  const post = (fields: object) => request(api, 'POST', '/v1/messages', { body: { to, payload: 'x', ...fields } })

  const failed = await post({ id: 'order-1' })
  t.match(failed, { status: 503, body: { code: 'STORE_UNAVAILABLE', id: 'order-1' } })
  t.equal(failed.headers['retry-after'], '1')
  const broadcast = await post({ to: { app: 'chat', versions: '*' } })
  t.match(broadcast, { status: 503, body: { code: 'STORE_UNAVAILABLE', id: String } }, 'also an id made by the server')
  t.match(broadcast.body.detail, /`id`/, 'which says how to make repeats safe')

  isDown = false
  t.match(await post({ id: 'order-1' }), { status: 202, body: { accepted: 3, rejected: [] } })
  for (const { token } of devices) t.equal((await lookup(api, token)).messages.length, 1)
})
