// Does revoking end every token issued so far, and nothing that was pending?
import { t } from '../support/tap.ts'
import { issueToken, lookup, request, revoke, send } from '../support/api.ts'
import { serve } from './support/serve.ts'

await t.test('revoked, refused, issued again', async (t) => {
  const api = await serve(t)
  const names = { app: 'chat', device: 'phone', account: 'ann' }
  const before = await issueToken(api, names)
  await send(api, { token: before.tokenId }, 'pending')

  await revoke(api, before.tokenId)
  const path = '/v1/messages'
  t.match(await request(api, 'GET', path, { bearer: before.token }), { status: 403, body: { code: 'TOKEN_REVOKED' } })
  t.match(await send(api, { token: before.token }, 'x'), {
    accepted: 0,
    rejected: [{ token: before.token, code: 'TOKEN_REVOKED' }],
  })

  const after = await issueToken(api, names)
  t.equal(after.tokenId, before.tokenId)
  t.match(await lookup(api, after.token), { messages: [{ payload: 'pending' }] })
  t.match(await request(api, 'GET', path, { bearer: before.token }), { status: 403, body: { code: 'TOKEN_REVOKED' } })

  for (const tokenId of ['AAAAAAAAAAAAAAAAAAAAAA', 'nonsense', 'x'.repeat(500), before.token]) {
    const answer = await request(api, 'DELETE', `/v1/tokens/${tokenId}`)
    t.match(answer, { status: 404, body: { code: 'TOKEN_UNKNOWN' } }, tokenId.slice(0, 30))
  }
})
