// Does nothing stay of a session by name that has ended, and is a value that cannot be read a fault of that name alone?
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { Kind, namedSessionKey } from '../../store/level/keys.ts'
import { kindsOf, onDisk, openLevel } from './support/level.ts'

const HOUR = 3_600_000
const STATE = Buffer.from('state')

await t.test('what is on disk', async (t) => {
  let now = 1_800_000_000_000
  let writes = 0
  const opened = await openLevel(t, { now: () => now, beforeSync: async () => void (writes += 1) })
  const { store } = opened
  const kinds = () => kindsOf(opened)
  // Format, floor, and runs of the process.
  const { [Kind.meta]: before = 0 } = await kinds()
  const close = (epoch: number, stateExpiresAt: number) =>
    store.closeNamedSession('backend', epoch, { state: STATE, stateExpiresAt })
  const first = await store.openNamedSession('backend', false)
  await store.saveNamedSession('backend', first.epoch, STATE)
  const one = { [Kind.meta]: before + 1, [Kind.namedSession]: 1, [Kind.namedState]: 1 }
  t.same(await kinds(), one, 'its record, its state, and the run of the process')
  await close(first.epoch, now + HOUR)
  await close(first.epoch, now + 2 * HOUR)
  t.same(await kinds(), { ...one, [Kind.due]: 1 })
  const second = await store.openNamedSession('backend', false)
  t.same(await kinds(), { ...one, [Kind.due]: 1 }, 'a due key is passed over when it is reached')
  await close(second.epoch, now + HOUR)

  writes = 0
  await store.sweep()
  t.equal(writes, 0)
  now += HOUR
  await store.sweep()
  t.equal(writes, 1)
  t.same(await kinds(), { [Kind.meta]: before + 2 }, 'the floor of epochs')
  const third = await store.openNamedSession('backend', false)
  t.ok(third.epoch > second.epoch)
  await close(third.epoch, now + HOUR)
  await store.closeNamedSession('backend', third.epoch, { stateExpiresAt: 0 })
  t.same(await kinds(), { [Kind.meta]: before + 2 })
})

await t.test('a value that cannot be read', async (t: Test) => {
  const opened = await openLevel(t)
  const { store } = opened
  for (const [name, bytes] of Object.entries({ newer: [99, 0, 1], short: [2, 0, 1] })) {
    await onDisk(opened, (level) => level.put(namedSessionKey(name), Buffer.from(bytes)))
  }
  const answers = await Promise.allSettled(
    ['newer', 'short', 'sound'].map((name) => store.openNamedSession(name, false)),
  )
  t.match(answers, [
    { status: 'rejected', reason: { code: 'STORE_UNAVAILABLE' } },
    { status: 'rejected', reason: { code: 'STORE_UNAVAILABLE' } },
    { status: 'fulfilled' },
  ])
})
