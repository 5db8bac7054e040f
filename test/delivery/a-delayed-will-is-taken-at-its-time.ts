// Is a delayed will taken when its time has come, also where its timer runs early or news of an older one comes late?
import type { Logger } from 'pino'
import { t } from '../support/tap.ts'
import { DelayedWills } from '../../broker/session/delayed-wills.ts'
import { PushError } from '../../errors.ts'
import { ArrivalQueue } from '../support/waiting.ts'

const OWNER = { name: 'p/backend/one' }

function wills(behindMs: readonly number[], refusal?: Error) {
  const looks = [...behindMs]
  const taken = new ArrivalQueue<number>('a will that is taken')
  const done = new ArrivalQueue<string>('a will that is over')
  const delayed = new DelayedWills({
    store: {
      takeWill: async (_owner, epoch) => {
        taken.push(epoch)
        return Buffer.from('will')
      },
      willPublished: async () => done.push('published'),
    },
    logger: { error: () => done.push('failed') } as unknown as Logger,
    // Each look finds the clock so much behind the timers.
    now: () => Date.now() - (looks.shift() ?? 0),
    publish: async () => {
      if (refusal !== undefined) throw refusal
    },
  })
  t.teardown(() => delayed.stop())
  return { delayed, taken, done }
}

await t.test('a timer that runs early', async (t) => {
  // The look at `add`, then one when the timer runs.
  const { delayed, taken, done } = wills([0, 30, 0])
  const publishAt = Date.now() + 10
  delayed.add(OWNER, 1, publishAt)
  t.equal(await taken.next(), 1)
  t.ok(Date.now() >= publishAt)
  t.equal(await done.next(), 'published')
})

await t.test('late news of an older one', async (t) => {
  const { delayed, taken } = wills([])
  delayed.add(OWNER, 2, Date.now() + 20)
  delayed.due(OWNER, 1)
  t.equal(await taken.next(), 1, 'the store says that there is none')
  t.equal(await taken.next(), 2, 'and the newer one has its time')
})

await t.test('a session that is open again', async (t) => {
  const { delayed, taken } = wills([])
  delayed.add(OWNER, 1, Date.now() + 5)
  delayed.forget(OWNER)
  delayed.add({ name: 'p/backend/control' }, 7, Date.now() + 20)
  t.equal(await taken.next(), 7)
})

await t.test('what is refused is over, and what was not answered is told again', async (t) => {
  const refused = wills([], new PushError('PAYLOAD_TOO_LARGE'))
  refused.delayed.due(OWNER, 1)
  t.same([await refused.done.next(), await refused.done.next()], ['failed', 'published'])
  const away = wills([], new PushError('STORE_UNAVAILABLE'))
  away.delayed.due(OWNER, 1)
  t.equal(await away.done.next(), 'failed')
  t.equal(away.done.received.length, 1)
})
