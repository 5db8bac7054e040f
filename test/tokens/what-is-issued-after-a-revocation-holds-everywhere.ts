// All tokens of an account are revoked at one node, and another node issues at once: does what it issues hold, and does nothing
// of before come back by it, whoever forgets the revocation?
import { t } from '../support/tap.ts'
import { connectDevice, request } from '../support/index.ts'
import { ask, enrol, honoured, issue, told } from './support/calls.ts'
import { onEachEngine } from './support/engines.ts'

const ROUNDS = 12

await onEachEngine(t, async (t, { one, other }) => {
  const revokeAnns = async () => {
    const { status } = await request(one, 'POST', '/v1/tokens/revoke', { body: { app: 'chat', account: 'ann' } })
    t.equal(status, 204)
  }
  const issued: string[] = []
  const codes: string[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = await issue(one, { app: 'chat', device: 'phone', account: 'ann' })
    await revokeAnns()
    const [after, { code }] = await Promise.all([
      issue(other, { app: 'chat', device: 'phone', account: 'ann' }),
      enrol(other, { app: 'chat', account: 'ann' }),
    ])
    // The other node may not have heard of the revocation yet; that of before is refused there by its generation.
    t.equal(await honoured(other, before.token), 'TOKEN_REVOKED')
    await t.rejects(connectDevice(t, other, before.token), { code: 0x87 })
    t.equal(await honoured(one, after.token), '200', 'at the node that knows')
    issued.push(after.token)
    codes.push(code)
  }
  t.equal(await honoured(one, issued.at(-1) ?? ''), '200')
  t.equal(told(await ask(one, { app: 'chat', device: 'tablet' }, codes.at(-1))), '201', 'so does a code')
  for (const token of issued.slice(0, -1)) t.equal(await honoured(one, token), 'TOKEN_REVOKED')
})
