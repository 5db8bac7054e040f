// When a later export comes into a store that has an earlier one: is what it had already passed over, and the rest taken?
import { t } from '../support/tap.ts'
import type { Message, Store } from '../../store/contract.ts'
import { openLevelStore } from '../../store/index.ts'
import { openRedisStore } from '../../store/redis/index.ts'
import { exportStore, importStore, noCounts, nothingImported, splitLines } from '../../store/transfer/index.ts'
import { ALL, APP, ids, known, message } from '../redis/support/people.ts'
import { startRedis, temporaryFolder } from '../support/index.ts'

const NO_TOPICS = {
  async *all() {},
  async *matching() {},
  retain: async () => {},
}

async function transfer(from: Store, to: Store): Promise<number> {
  const lines = splitLines(
    exportStore(from, { id: 'x', secrets: [], topics: NO_TOPICS, tables: [], counts: noCounts() }),
  )
  const imported = nothingImported()
  await importStore(to, lines, { secrets: to, topics: NO_TOPICS, now: Date.now, imported })
  return imported.duplicates
}

await t.test('what was retained is not any more', async (t) => {
  const redis = await startRedis(t)
  const first = openLevelStore({ directory: temporaryFolder(t, 'level') })
  const second = openRedisStore({ url: redis.url })
  for (const store of [first, second]) {
    await store.open()
    t.teardown(() => store.close())
  }
  const tokenId = await known(first, 'phone')
  const send = async (id: string, more: Partial<Message> = {}): Promise<void> => {
    await first.append({ tokenId, message: { ...message(id), ...more }, dedupe: true })
    const selector = { kind: 'all' } as const
    await first.appendBroadcast({ app: APP, selector, message: { ...message(id), ...more }, dedupe: true })
  }
  const asked = { collapseKey: 'k', receipt: true }
  await send('one', { retain: true })
  await send('two', asked)
  t.equal(await transfer(first, second), 0)
  await send('three', { retain: true })
  t.equal(await transfer(first, second), 4)
  t.same(await ids(second, tokenId), ['one', 'two', 'three'])
  t.match((await second.readPrivate(tokenId, 0, ALL)).entries[1], asked)
  const { entries } = await second.readBroadcast(APP, 0, ALL)
  t.match(entries, [{ id: 'one' }, { id: 'two', collapseKey: 'k' }, { id: 'three' }])
  t.match(await second.retainedPrivate(tokenId), { id: 'three' })
})
