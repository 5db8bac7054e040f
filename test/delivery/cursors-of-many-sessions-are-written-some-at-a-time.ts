// Are the cursors of more sessions written than the store takes calls at one time, and also after it was away?
import { pino } from 'pino'
import { t } from '../support/tap.ts'
import { Commits } from '../../broker/session/commits.ts'
import { PushError } from '../../errors.ts'
import type { Commit, Store } from '../../store/contract.ts'

const SESSIONS = 5_000
const MOST = 2_000

t.test('many sessions', async (t) => {
  const written = new Set<string>()
  let isAway = true
  const store = {
    async commit(commits: readonly Commit[]) {
      if (isAway || commits.length > MOST) throw new PushError('STORE_UNAVAILABLE')
      for (const { tokenId } of commits) written.add(tokenId)
      return []
    },
  } as unknown as Store
  const commits = new Commits(store, pino({ enabled: false }), 10, () => performance.now())
  for (let number = 0; number < SESSIONS; number += 1)
    commits.mark({
      tokenId: `token ${number}`,
      epoch: 1,
      cursors: () => ({ private: 1, broadcast: 0 }),
      committed: () => undefined,
      fenced: () => undefined,
    })
  await commits.flush()
  t.equal(written.size, 0, 'the store is away')
  isAway = false
  await commits.flush()
  t.equal(written.size, SESSIONS)
})
