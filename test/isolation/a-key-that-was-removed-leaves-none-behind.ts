// A key that makes keys is removed, or loses that scope, at one node: does another node still make, change or replace a key for it?
import { t } from '../support/tap.ts'
import { changeKey, deleteKey, makeKey, request } from '../support/index.ts'
import { onEachEngine } from '../tokens/support/engines.ts'

const ROUNDS = 12
const SCOPES = ['keys:admin', 'messages:send']

await onEachEngine(t, async (t, { one, other }) => {
  const kept = await makeKey(one, { apps: ['chat'], scopes: ['messages:send'] })
  const body = { name: 'shop', apps: ['chat'], scopes: ['messages:send'] }
  for (let round = 0; round < ROUNDS; round += 1) {
    const key = await makeKey(one, { apps: ['chat'], scopes: SCOPES })
    const call = (method: string, path = '', content: object = {}) =>
      request(other, method, `/v1/keys${path}`, { bearer: key.key, body: content })
    const lost = round % 2 === 0
    // Both nodes know it then: neither has to hear of it first.
    t.equal((await call('PATCH', `/${kept.id}`, { name: 'shop' })).status, 200)
    if (lost) await deleteKey(one, key)
    else await changeKey(one, key, { scopes: ['messages:send'] })
    const answers = [
      await call('POST', '', body),
      await call('POST', `/${kept.id}/rotate`),
      await call('PATCH', `/${kept.id}`, { apps: ['chat'] }),
      await request(other, 'DELETE', `/v1/keys/${kept.id}`, { bearer: key.key }),
    ]
    const told = lost ? { status: 401, body: { code: 'CREDENTIALS_INVALID' } } : { body: { code: 'SCOPE_MISSING' } }
    for (const answer of answers) t.match(answer, told)
  }
})
