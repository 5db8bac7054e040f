// Revocations of one account after the other: has each app so many, and no others, and can whoever has as many still revoke?
import { t } from '../support/tap.ts'
import { request, revoke } from '../support/index.ts'
import { honoured, issue, told } from '../tokens/support/calls.ts'
import { onEachEngine } from '../tokens/support/engines.ts'

const MOST = 5

await onEachEngine(
  t,
  async (t, { one, other }) => {
    const revokeAll = async (app: string, account?: string) =>
      told(
        await request(one, 'POST', '/v1/tokens/revoke', { body: account === undefined ? { app } : { app, account } }),
      )
    for (let number = 0; number < MOST; number += 1) t.equal(await revokeAll('chat', `${number}`), '204')
    t.equal(await revokeAll('chat', 'ann'), '409 REVOCATIONS_LIMIT')
    t.equal(await revokeAll('chat', '0'), '204', 'again, one of those')
    t.equal(await revokeAll('mail', 'ann'), '204', 'of another app')
    const ann = await issue(other, { app: 'chat', device: 'phone', account: 'ann' })
    const listed = await request(one, 'GET', '/v1/tokens?app=chat&account=ann')
    for (const { tokenId } of listed.body.tokens) await revoke(one, tokenId)
    t.equal(await honoured(other, ann.token), 'TOKEN_REVOKED', 'one token id after the other')
    const bob = await issue(other, { app: 'chat', device: 'tablet', account: 'bob' })
    t.equal(await revokeAll('chat'), '204')
    t.equal(await honoured(one, bob.token), 'TOKEN_REVOKED', 'and the whole app')
  },
  { settings: { PUSH_MAX_REVOKED_ACCOUNTS: String(MOST) } },
)
