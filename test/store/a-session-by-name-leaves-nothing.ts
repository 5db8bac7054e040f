// Does nothing stay of a session by name that has ended, and is a value that cannot be read a fault of that name alone?
import { ClassicLevel } from 'classic-level'
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { Kind, namedSessionKey } from '../../store/level/keys.ts'
import { openLevel } from './support/level.ts'

const HOUR = 3_600_000
const STATE = Buffer.from('state')

async function onDisk<T>(directory: string, work: (level: ClassicLevel<Buffer, Buffer>) => Promise<T>): Promise<T> {
  const level = new ClassicLevel<Buffer, Buffer>(directory, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  const result = await work(level)
  await level.close()
  return result
}

/** How many keys there are of each kind. */
async function kindsOf(directory: string): Promise<Record<number, number>> {
  const keys = await onDisk(directory, (level) => level.keys().all())
  const counts: Record<number, number> = {}
  for (const [kind = 0] of keys) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}

await t.test('what is on disk', async (t) => {
  let now = 1_800_000_000_000
  let writes = 0
  const { store, directory } = await openLevel(t, { now: () => now, beforeSync: async () => void (writes += 1) })
  const kinds = async () => {
    await store.close()
    const counts = await kindsOf(directory)
    await store.open()
    return counts
  }
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
  const { store, directory } = await openLevel(t)
  await store.close()
  for (const [name, bytes] of Object.entries({ newer: [99, 0, 1], short: [1, 0, 1] })) {
    await onDisk(directory, (level) => level.put(namedSessionKey(name), Buffer.from(bytes)))
  }
  await store.open()
  const opened = await Promise.allSettled(
    ['newer', 'short', 'sound'].map((name) => store.openNamedSession(name, false)),
  )
  t.match(opened, [
    { status: 'rejected', reason: { code: 'STORE_UNAVAILABLE' } },
    { status: 'rejected', reason: { code: 'STORE_UNAVAILABLE' } },
    { status: 'fulfilled' },
  ])
})
