// Is a provider that asks for more work than its share put off, and nobody else?
import { t } from '../support/tap.ts'
import { serve } from '../bridge/support/serve.ts'
import { issueToken, lookup, request } from '../support/index.ts'

let elapsed = 0
const served = await serve(t, {
  limits: { work: 500 },
  providers: [{ name: 'other', key: 'key-of-the-other-provider' }],
  monotonic: () => elapsed,
})
const { token, tokenId } = await issueToken(served, { app: 'news', device: 'phone' })
const send = (payload: string, bearer = served.providerKey) =>
  request(served, 'POST', '/v1/messages', { bearer, body: { to: { token: tokenId }, payload } })

t.test('work over HTTP has a share', async (t) => {
  t.equal((await send('x'.repeat(200 * 1024))).status, 202, 'a large request passes')
  const refused = await send('small')
  t.equal(refused.status, 429, 'and the next one has to come later')
  t.match(refused.body, { code: 'RATE_LIMITED' })
  t.ok(refused.headers['retry-after'], 'it is told when')
  t.equal((await send('small', 'key-of-the-other-provider')).status, 202, 'another provider is served')
  t.equal((await lookup(served, token)).messages.length, 2, 'and so is a device')

  elapsed += 10_000
  t.equal((await send('small')).status, 202, 'the share grows with time')
})
