// After a move to Redis and back: is a device told what it missed, and is a message that is sent again known by its id?
import { t } from '../support/tap.ts'
import type { Message, Store } from '../../store/contract.ts'
import { openLevelStore } from '../../store/index.ts'
import { openRedisStore } from '../../store/redis/index.ts'
import { exportStore, importStore, noCounts, nothingImported, splitLines } from '../../store/transfer/index.ts'
import { ALL, APP, known, message } from '../redis/support/people.ts'
import { startRedis, temporaryFolder } from '../support/index.ts'

const NO_TOPICS = {
  async *all() {},
  async *matching() {},
  retain: async () => {},
}
const EVERYONE = { kind: 'all' } as const

async function transfer(from: Store, to: Store): Promise<void> {
  const lines = splitLines(
    exportStore(from, { id: 'x', secrets: [], topics: NO_TOPICS, tables: [], counts: noCounts() }),
  )
  await importStore(to, lines, { secrets: to, topics: NO_TOPICS, now: Date.now, imported: nothingImported() })
}

await t.test('level, Redis, level', async (t) => {
  const redis = await startRedis(t)
  const limits = { privateMessages: 3 }
  const first = openLevelStore({ directory: temporaryFolder(t, 'level'), limits })
  const second = openRedisStore({ url: redis.url, limits })
  const third = openLevelStore({ directory: temporaryFolder(t, 'level'), limits })
  for (const store of [first, second, third]) {
    await store.open()
    t.teardown(() => store.close())
  }
  const tokenId = await known(first, 'phone')
  const receipt: Message = { ...message('receipt'), retain: true, receipt: true, collapseKey: 'k' }
  const plain: Message = { ...message('plain'), retain: true }
  const { offset } = await first.append({ tokenId, message: receipt, dedupe: true })
  await first.commit([{ tokenId, private: offset }])
  for (const id of ['1', '2', '3', '4', '5']) await first.append({ tokenId, message: message(id), dedupe: true })
  await first.appendBroadcast({ app: APP, selector: EVERYONE, message: plain, dedupe: true })
  await first.appendBroadcast({ app: APP, selector: EVERYONE, message: { ...plain, id: 'next' }, dedupe: true })

  let before: Store = first
  for (const store of [second, third]) {
    await transfer(before, store)
    await transfer(before, store)
    const { missed, entries } = await store.readPrivate(tokenId, 0, ALL)
    t.equal(missed?.count, 2, 'once, however often it was imported')
    t.equal(entries.length, 3)
    t.match(await store.retainedPrivate(tokenId), { id: 'receipt' })
    const other = { tokenId, message: { ...message('3'), payload: Buffer.from('other') }, dedupe: true }
    await t.rejects(store.append(other), { code: 'ID_REUSED' })
    before = store
  }
  t.match(await second.append({ tokenId, message: receipt, dedupe: true }), { duplicate: true }, 'it has ended')
  const broadcast = { app: APP, selector: EVERYONE, message: plain, dedupe: true }
  t.match(await second.appendBroadcast(broadcast), { duplicate: true }, 'it is not retained any more')
  const { entries } = await third.readPrivate(tokenId, 0, ALL)
  await third.commit([{ tokenId, private: entries[0]?.offset ?? 0 }])
  t.equal((await third.readPrivate(tokenId, 0, ALL)).missed, undefined, 'something after it was acknowledged')
})
