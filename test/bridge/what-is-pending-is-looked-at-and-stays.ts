// Does a provider see what is known of a token id and what is pending for it, without anything being taken for seen?
import { t } from '../support/tap.ts'
import { ack, issueToken, lookup, request, send } from '../support/api.ts'
import { serve } from './support/serve.ts'

const api = await serve(t, { providers: [{ name: 'mail', key: 'provider-key-of-the-mail-app-0123', apps: ['mail'] }] })
const { token, tokenId } = await issueToken(api, { app: 'chat', device: 'phone', account: 'ann', version: '2.1.0' })
const look = (path = '', bearer = api.providerKey) => request(api, 'GET', `/v1/tokens/${tokenId}${path}`, { bearer })

await send(api, { token: tokenId }, 'hello', { id: 'one' })
await send(api, { token: tokenId }, Buffer.from([0xff, 0]), { id: 'two', retain: true })
await send(api, { app: 'chat', versions: '>=2' }, { to: 'all' }, { id: 'three' })
await send(api, { app: 'chat', versions: '>=3' }, 'not for it', { id: 'four' })

await t.test('it is known', async (t) => {
  const { status, body } = await look()
  t.equal(status, 200)
  t.match(body, { app: 'chat', tokenId, state: 'current', version: '2.1.0', session: 'none' })
  t.same(body.pending, { messages: 2, bytes: 7 })
  t.equal(body.cursors.privateEnd - body.cursors.private, 2)
})

await t.test('what is pending, private and broadcast', async (t) => {
  const { body } = await look('/messages?limit=10')
  t.match(body, {
    more: false,
    messages: [
      { id: 'one', log: 'private', topic: `chat/t/${tokenId}`, payload: 'hello', bytes: 5, retain: false },
      { id: 'two', log: 'private', payloadBase64: '/wA=', bytes: 2, retain: true, collapseKey: null },
      { id: 'three', log: 'broadcast', topic: 'chat/2.1.0', payload: '{"to":"all"}' },
    ],
  })
  t.equal(body.messages.length, 3)
  t.match((await look('/messages?limit=1')).body, { more: true, messages: [{ id: 'one' }] })
  const { cursor, messages } = await lookup(api, token)
  t.equal(messages.length, 3, 'the device has it all the same')
  await ack(api, token, cursor)
  t.match((await look('/messages')).body, { messages: [], more: false })
})

await t.test('looking is not seeing', async (t) => {
  const other = await issueToken(api, { app: 'chat', device: 'tablet', account: 'ann' })
  await send(api, { token: other.tokenId }, 'secret', { id: 'five' })
  await request(api, 'GET', `/v1/tokens/${other.tokenId}/messages`)
  const { body } = await request(api, 'POST', '/v1/messages/five/recall', { body: { to: { token: other.tokenId } } })
  t.match(body.states, [{ state: 'recalled', mayHaveBeenSeen: false }])
})

await t.test('only of its apps, and with the scopes', async (t) => {
  for (const path of ['', '/messages']) {
    t.match((await look(path, 'provider-key-of-the-mail-app-0123')).body, { code: 'APP_FORBIDDEN' })
    t.match((await look(path, token)).body, { code: 'NOT_A_PROVIDER' })
  }
  for (const unknown of ['A'.repeat(22), 'no-token-id'])
    t.match((await request(api, 'GET', `/v1/tokens/${unknown}`)).body, { code: 'TOKEN_UNKNOWN' })
  const make = async (scopes: readonly string[]) =>
    (await request(api, 'POST', '/v1/keys', { body: { name: 'shop', apps: ['chat'], scopes } })).body.key
  const reader = await make(['tokens:read'])
  t.equal((await look('', reader)).status, 200)
  t.match((await look('/messages', reader)).body, { code: 'SCOPE_MISSING', detail: 'messages:read' })
  t.match((await look('', await make(['messages:read']))).body, { code: 'SCOPE_MISSING', detail: 'tokens:read' })
})
