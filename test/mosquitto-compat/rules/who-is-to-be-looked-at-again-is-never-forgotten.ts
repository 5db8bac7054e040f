// Is a user looked at again who comes just as the last look at the others ends?
import { pino } from 'pino'
import { t } from '../../support/tap.ts'
import { UserRechecks } from '../../../broker/session/user-rechecks.ts'
import { Turns } from '../../../common/turns.ts'

await t.test('in the moment in which nobody was left', async (t) => {
  const looked: string[] = []
  const session = (name: string) => ({
    users: { authenticate: async () => undefined },
    isOpen: true,
    recheck: async () => void looked.push(name),
  })
  let turns = 0
  const rechecks = new UserRechecks({
    logger: pino({ level: 'silent' }),
    turns: Object.assign(new Turns(), {
      take: async () => {
        turns += 1
        // It finds nobody, and two microtasks later it is not known yet that it has ended.
        if (turns === 2) queueMicrotask(() => queueMicrotask(() => rechecks.add(session('second'))))
      },
    }),
    sessions: () => [],
    later: () => t.fail('nothing failed'),
  })
  rechecks.add(session('first'))
  await new Promise((resolve) => setImmediate(resolve))
  t.same(looked, ['first', 'second'])
})
