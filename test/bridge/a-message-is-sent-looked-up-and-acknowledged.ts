// Does a message that a provider sends reach the device's lookup, and stay until its cursor is acknowledged?
import { t } from '../support/tap.ts'
import { ack, issueToken, lookup, send } from '../support/api.ts'
import { serve } from './support/serve.ts'

await t.test('sent, looked up, acknowledged', async (t) => {
  const api = await serve(t)
  const device = await issueToken(api, { app: 'chat', device: 'phone', account: 'ann', version: '2.1.0' })
  t.match(device.topics, { private: `chat/t/${device.tokenId}`, broadcast: 'chat/2.1.0' })

  const sent = await send(api, { token: device.token }, 'Hello')
  t.match(sent, { accepted: 1, rejected: [] })

  const first = await lookup(api, device.token)
  t.match(first, { messages: [{ id: sent.id, topic: `chat/t/${device.tokenId}`, payload: 'Hello' }], more: false })
  t.same((await lookup(api, device.token)).messages, first.messages, 'a lookup acknowledges nothing')

  await ack(api, device.token, first.cursor)
  t.match(await lookup(api, device.token), { messages: [], more: false })
})
