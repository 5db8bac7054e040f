// How many changes of LevelDB are a private message that is appended and one that is acknowledged, once the log has begun?
import { t } from '../support/tap.ts'
import { Database } from '../../store/level/database.ts'
import { metaKey } from '../../store/level/keys.ts'
import { message, onDisk, openLevel, register, texts, TOKEN } from './support/level.ts'

const TOGETHER = 20

await t.test('changes', async (t) => {
  const { store } = await openLevel(t)
  await register(store)
  let changes = 0
  const write = Database.prototype.write
  t.teardown(() => (Database.prototype.write = write))
  Database.prototype.write = function counted(writes, sync) {
    const all = [...writes]
    changes += all.length
    return write.call(this, all, sync)
  }
  const changed = async (call: () => Promise<unknown>) => {
    changes = 0
    await call()
    return changes
  }
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

await t.test('a directory of the format before', async (t) => {
  const opened = await openLevel(t)
  const { store } = opened
  await register(store)
  await store.append({ tokenId: TOKEN, message: message(), dedupe: false })
  const format = metaKey('format')
  await onDisk(opened, (level) => level.put(format, Buffer.from([3])))
  t.same(await texts(store), ['hello'], 'is read')
  t.same(await onDisk(opened, (level) => level.get(format)), Buffer.from([4]), 'and is no longer one of it')
})
