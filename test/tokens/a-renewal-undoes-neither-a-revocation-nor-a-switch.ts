// Raced with a revocation, a logout and an account switch: does a renewal ever bring back what they took away?
import { t } from '../support/tap.ts'
import { request, revoke } from '../support/index.ts'
import { ask, honoured, issue, told, type Token } from './support/calls.ts'
import { onEachEngine } from './support/engines.ts'

const ROUNDS = process.env.PUSH_TEST_LONG === '1' ? 100 : 8
const DEAD = new Set(['TOKEN_REVOKED', 'TOKEN_SUPERSEDED'])

await onEachEngine(t, async (t, { one, other }) => {
  const ends = {
    revocation: async (token: Token) => await revoke(one, token.tokenId),
    logout: async (token: Token) => {
      const { status } = await request(one, 'DELETE', '/v1/tokens/current', { bearer: token.token })
      t.equal(status, 204)
    },
    'account switch': async (token: Token) =>
      void (await issue(one, { app: 'chat', device: token.device, account: 'bob' })),
  }
  for (const [what, end] of Object.entries(ends)) {
    let renewed = 0
    for (let round = 0; round < ROUNDS; round += 1) {
      const first = await issue(one, { app: 'chat', device: `${what} ${round}`, account: 'ann' })
      const renewals = Array.from({ length: 6 }, () => ask(other, { app: 'chat' }, first.token))
      const ended = end(first)
      renewals.push(...Array.from({ length: 6 }, () => ask(other, { app: 'chat' }, first.token)))
      const answers = await Promise.all(renewals)
      await ended
      for (const answer of answers) {
        if (answer.status === 201) renewed += 1
        else if (!DEAD.has(answer.body.code)) t.fail(`a renewal was answered ${told(answer)}`)
      }
      const tokens = [first.token, ...answers.flatMap(({ status, body }) => (status === 201 ? [body.token] : []))]
      const answered = await Promise.all(tokens.map((token) => honoured(other, token)))
      if (!answered.every((code) => DEAD.has(code))) t.fail(`${what}: a token came back: ${answered.join()}`)
      const again = await Promise.all(tokens.map(async (token) => told(await ask(one, { app: 'chat' }, token))))
      if (!again.every((code) => DEAD.has(code.split(' ')[1] ?? ''))) t.fail(`${what}: renewed after: ${again.join()}`)
    }
    t.ok(renewed > 0, `${what}: some renewals came before it`)
  }
})

await onEachEngine(t, async (t, { one, other }) => {
  const ann = await issue(one, { app: 'chat', device: 'd', account: 'ann' })
  await issue(one, { app: 'chat', device: 'd', account: 'bob' })
  const back = await issue(one, { app: 'chat', device: 'd', account: 'ann' })
  t.equal(await honoured(other, ann.token), 'TOKEN_REVOKED', 'switching back revives no token of before')
  t.equal(told(await ask(other, { app: 'chat' }, ann.token)), '403 TOKEN_REVOKED')
  t.equal(await honoured(other, back.token), '200')
})
