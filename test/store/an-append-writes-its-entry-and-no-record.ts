// How many changes of LevelDB is a message that is appended and one that is acknowledged, once its log has begun: a private one, and one for sessions?
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { Database } from '../../store/level/database.ts'
import { metaKey } from '../../store/level/keys.ts'
import { deliver, entriesOf, message, onDisk, openLevel, register, texts, TOKEN } from './support/level.ts'

const TOGETHER = 20

/** Counts those of one call. */
function changesOf(t: Test): (call: () => Promise<unknown>) => Promise<number> {
  let changes = 0
  const write = Database.prototype.write
  t.teardown(() => (Database.prototype.write = write))
  Database.prototype.write = function counted(writes, sync) {
    const all = [...writes]
    changes += all.length
    return write.call(this, all, sync)
  }
  return async (call) => {
    changes = 0
    await call()
    return changes
  }
}

await t.test('private messages', async (t) => {
  const { store } = await openLevel(t)
  await register(store)
  const changed = changesOf(t)
  const append = () => store.append({ tokenId: TOKEN, message: message(), dedupe: false })
  const appendAll = () => Promise.all(Array.from({ length: TOGETHER }, append))

  t.ok((await changed(append)) > 3, 'the first one also says when it is due')
  t.equal(await changed(append), 2, 'its entry, and how many there are')
  t.equal(await changed(appendAll), TOGETHER + 1, 'entries, and how many there are')
  const commit = () => store.commit([{ tokenId: TOKEN, private: TOGETHER + 2 }])
  t.equal(await changed(commit), TOGETHER + 2 + 2, 'entries, the record, and how many there are')
  await appendAll()
  await store.close()
  await store.open()
  const { entries, end } = await store.readPrivate(TOKEN, 0, { entries: 100, bytes: 1_000_000 })
  t.equal(entries.length, TOGETHER, 'those that came after the record was written are in the log')
  t.equal(end, 2 * TOGETHER + 2)
})

await t.test('messages for sessions', async (t) => {
  const { store } = await openLevel(t)
  const changed = changesOf(t)
  const names = Array.from({ length: 10 }, (_, at) => `session ${at}`)
  const epochs = await Promise.all(names.map(async (name) => (await store.openNamedSession(name, false)).epoch))
  t.ok((await changed(() => deliver(store, names))) > 3 * names.length, 'the first one also numbers the logs')
  t.equal(await changed(() => deliver(store, names)), names.length, 'entries')
  const commit = (done: readonly number[]) => () =>
    Promise.all(names.map((name, at) => store.commitSession({ name, epoch: epochs[at] ?? 0, done, released: [] })))
  t.equal(await changed(commit([1])), 2 * names.length, 'an entry and the record of each')
  await deliver(store, names)
  await store.close()
  await store.open()
  for (const name of names)
    t.same(
      (await entriesOf(store, name)).map(({ offset }) => offset),
      [2, 3],
      'what came after the record was written is in the log',
    )
  t.equal(await changed(commit([2, 3])), 3 * names.length)
  for (const name of names) t.same(await entriesOf(store, name), [])
})

for (const before of [3, 4]) {
  await t.test(`a directory of format ${before}`, async (t) => {
    const opened = await openLevel(t)
    const { store } = opened
    await register(store)
    await store.append({ tokenId: TOKEN, message: message(), dedupe: false })
    const format = metaKey('format')
    await onDisk(opened, (level) => level.put(format, Buffer.from([before])))
    t.same(await texts(store), ['hello'], 'is read')
    t.same(await onDisk(opened, (level) => level.get(format)), Buffer.from([5]), 'and is no longer one of it')
  })
}
