// After a move to Redis and back: do Web Push messages still have places of their own, and take none of others?
import { t } from '../support/tap.ts'
import type { Store } from '../../store/contract.ts'
import { openLevelStore } from '../../store/index.ts'
import { openRedisStore } from '../../store/redis/index.ts'
import { exportStore, importStore, noCounts, nothingImported, splitLines } from '../../store/transfer/index.ts'
import { ALL, known, message } from '../redis/support/people.ts'
import { startRedis, temporaryFolder } from '../support/index.ts'

const NO_TOPICS = {
  async *all() {},
  async *matching() {},
  retain: async () => {},
}

async function transfer(from: Store, to: Store): Promise<void> {
  const lines = splitLines(
    exportStore(from, { id: 'x', secrets: [], topics: NO_TOPICS, tables: [], counts: noCounts() }),
  )
  await importStore(to, lines, { secrets: to, topics: NO_TOPICS, now: Date.now, imported: nothingImported() })
}

await t.test('level, Redis, level', async (t) => {
  const redis = await startRedis(t)
  const limits = { privateMessages: 2, webPushMessages: 2 }
  const first = openLevelStore({ directory: temporaryFolder(t, 'level'), limits })
  const second = openRedisStore({ url: redis.url, limits })
  const third = openLevelStore({ directory: temporaryFolder(t, 'level'), limits })
  for (const store of [first, second, third]) {
    await store.open()
    t.teardown(() => store.close())
  }
  const tokenId = await known(first, 'phone')
  const push = async (store: Store, id: string) => {
    const { generation = 0 } = (await store.lookupToken(tokenId)) ?? {}
    return await store.appendWebPush({ tokenId, generation, message: { ...message(id), webPush: true } })
  }
  for (const id of ['a', 'b']) {
    await push(first, id)
    await first.append({ tokenId, message: message(`other ${id}`), dedupe: false })
  }
  let before: Store = first
  for (const store of [second, third]) {
    await transfer(before, store)
    const { entries, missed } = await store.readPrivate(tokenId, 0, ALL)
    t.same(
      entries.map(({ id, webPush }) => [id, webPush]),
      [
        ['a', true],
        ['other a', undefined],
        ['b', true],
        ['other b', undefined],
      ],
    )
    t.equal(missed, undefined)
    await t.rejects(push(store, 'c'), { code: 'WEB_PUSH_FULL' })
    before = store
  }
})
