// Is a multicast stored once for each token id, with a code for each receiver that cannot get it?
import { t } from '../support/tap.ts'
import { issueToken, lookup, request, send } from '../support/api.ts'
import { serve } from './support/serve.ts'

await t.test('tokens, token ids, both of one, and strangers', async (t) => {
  let now = Date.UTC(2030, 0, 1)
  const api = await serve(t, { now: () => now })
  const other = await serve(t, { now: () => now })
  const [a, b, c, gone] = await Promise.all(
    ['a', 'b', 'c', 'gone'].map((device) => issueToken(api, { app: 'chat', device })),
  )
  const short = await issueToken(api, { app: 'chat', device: 'short', ttl: 5 })
  const foreign = await issueToken(other, { app: 'chat', device: 'a' })
  now += 10_000
  await request(api, 'DELETE', `/v1/tokens/${gone!.tokenId}`)
  const unknown = 'AAAAAAAAAAAAAAAAAAAAAA'

  const tokens = [a!.token, a!.tokenId, b!.tokenId, b!.tokenId, c!.token, unknown, unknown]
  const sent = await send(api, { tokens: [...tokens, 'x', gone!.token, short.token, foreign.token] }, 'to all')
  t.equal(sent.accepted, 3)
  t.same(
    new Map(sent.rejected.map(({ token, code }) => [token, code])),
    new Map([
      [unknown, 'TOKEN_UNKNOWN'],
      ['x', 'TOKEN_INVALID'],
      [gone!.token, 'TOKEN_REVOKED'],
      [short.token, 'TOKEN_EXPIRED'],
      [foreign.token, 'TOKEN_INVALID'],
    ]),
  )
  t.equal(sent.rejected.length, 5)
  for (const device of [a, b, c]) {
    t.same(
      (await lookup(api, device!.token)).messages.map(({ id, payload }) => [id, payload]),
      [[sent.id, 'to all']],
    )
  }

  t.match(await send(api, { token: unknown }, 'x'), {
    accepted: 0,
    rejected: [{ token: unknown, code: 'TOKEN_UNKNOWN' }],
  })
  const mismatch = await request(api, 'POST', '/v1/messages', {
    body: { to: { app: 'mail', tokens: [a!.token, b!.tokenId] }, payload: 'x' },
  })
  t.match(
    mismatch.body,
    { accepted: 0, rejected: [{ code: 'TOKEN_UNKNOWN' }, { code: 'TOKEN_UNKNOWN' }] },
    'of another app',
  )

  const most = { to: { tokens: new Array(1_000).fill(a!.tokenId) }, payload: 'x' }
  t.match(await request(api, 'POST', '/v1/messages', { body: most }), { status: 202, body: { accepted: 1 } })
  most.to.tokens.push(a!.tokenId)
  t.match(await request(api, 'POST', '/v1/messages', { body: most }), {
    status: 400,
    body: { code: 'TOO_MANY_TOKENS' },
  })
})
