// Where users say so, is a password shaped like a token or a provider key never theirs, nor let in anonymously?
import { t } from '../../support/tap.ts'
import { connect } from '../../support/index.ts'
import { people, ruled } from './support/ruled.ts'

const FOREIGN = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqb2UifQ.c2lnbmF0dXJlLW9mLXNvbWVib2R5LWVsc2U'

await t.test('tokens and keys', async (t) => {
  const asked: string[] = []
  const open = people(({ username }) => (asked.push(username), {}))
  const { listen } = await ruled(t, { users: open })
  const strict = await listen({ users: { ...open, ownTokensOnly: true } })
  for (const [username, password] of [
    ['joe', FOREIGN],
    ['provider', 'a wrong provider key 0123456789'],
  ] as const) {
    await t.rejects(connect(t, strict, { username, password }), { code: 0x86 })
    await t.rejects(connect(t, strict, { username, password }, { protocolVersion: 4 }), { code: 4 })
  }
  t.same(asked, [], 'nobody was asked about them')
  await connect(t, strict, { username: 'joe', password: 'a password' })
  const judging = await listen()
  await connect(t, judging, { username: 'joe', password: FOREIGN })
  t.same(asked, ['joe', 'joe'], 'without it they are for users to judge')
})
