// When ids are not remembered any more, and events were kept as long as they are: does all that followed messages leave Redis?
import { t } from '../support/tap.ts'
import { redisStore } from './support/engine.ts'
import { startRedis } from '../support/index.ts'
import type { Message } from '../../store/contract.ts'
import { APP, known, message } from './support/people.ts'

const DAY = 86_400_000
const ALL = { kind: 'all' } as const

await t.test('ids, collapse keys, counts, what was missed and receipts', async (t) => {
  let ahead = 0
  const redis = await startRedis(t)
  const limits = { sweepMs: 2 ** 31 - 1, privateMessages: 4 }
  const store = await redisStore(t, { url: redis.url, now: () => Date.now() + ahead, limits })
  const keys = async (): Promise<string[]> => (await redis.cli('--scan')).split('\n').sort()
  const tokenId = await known(store, 'phone')
  // The record of an app stays, with its last offset.
  await store.appendBroadcast({ app: APP, selector: ALL, message: message('plain'), dedupe: false })
  ahead = DAY
  await store.sweep()
  const before = await keys()

  const draft = (id: string): Message => {
    const { payload, retain } = message(id)
    const storedAt = Date.now() + ahead
    return { id, payload, retain, collapseKey: 'k', storedAt, expiresAt: storedAt + 60_000 }
  }
  const last = async (id: string, more: Partial<Message> = {}): Promise<number> =>
    (await store.append({ tokenId, message: { ...draft(id), receipt: true, ...more }, dedupe: true })).offset
  await last('replaced')
  await last('dropped')
  for (const collapseKey of ['a', 'b', 'c', 'd']) await last(collapseKey, { collapseKey })
  const publish = (id: string) => store.appendBroadcast({ app: APP, selector: ALL, message: draft(id), dedupe: true })
  const { offset } = await publish('one')
  await store.countBroadcasts([{ app: APP, offset, acknowledged: 1, sent: 1 }])
  await publish('two')
  const suffixes = (await keys()).filter((key) => !before.includes(key)).map((key) => key.split('}')[1])
  t.same(suffixes.sort(), ['b', 'b1', 'c', 'd', 'd1', 'g', 'l', 'l', 'u', `ul/${APP}`], 'all are in use')

  await store.commit([{ tokenId, private: await last('last') }])
  ahead += 60_000
  await store.sweep()
  ahead += DAY
  await publish('one')
  ahead += DAY
  await store.sweep()
  ahead += 7 * DAY
  await store.sweep()
  t.same(
    (await keys()).filter((key) => !before.includes(key)),
    [],
  )
})
