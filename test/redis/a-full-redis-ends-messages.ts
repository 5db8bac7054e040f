// In a Redis that is out of memory, do messages end as they do otherwise, each with its receipt?
import { t } from '../support/tap.ts'
import { eventLog, type Store } from '../../store/contract.ts'
import { startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { ALL, APP, known, message, UNAVAILABLE } from './support/people.ts'

const LATE = 1_000

async function events(store: Store, part: number): Promise<string[]> {
  const { entries } = await store.readUpstream(eventLog(APP), part, 0, ALL)
  return entries.map(({ id, subject }) => `${id} ${subject}`)
}

await t.test('a full redis', async (t) => {
  let ahead = 0
  const redis = await startRedis(t)
  const limits = { sweepMs: 2 ** 31 - 1, lateAckMs: LATE }
  const store = await redisStore(t, { url: redis.url, now: () => Date.now() + ahead, limits })
  const tokenId = await known(store, 'phone')
  const send = async (id: string, lives = 3_600_000): Promise<number> => {
    const sent = { ...message(id), receipt: true, collapseKey: id }
    return (await store.append({ tokenId, message: { ...sent, expiresAt: sent.storedAt + lives }, dedupe: true }))
      .offset
  }
  const acknowledged = await send('acknowledged')
  const sent = await send('sent')
  await send('recalled')
  await send('expired', 5_000)
  await send('purged')

  await redis.cli('config', 'set', 'maxmemory', '1mb')
  await t.rejects(send('refused'), UNAVAILABLE)
  t.same(await store.commit([{ tokenId, private: acknowledged }]), [])
  t.same(await store.commit([{ tokenId, private: sent, passedAs: [[sent, 'sent']] }]), [])
  t.match(await store.recall(tokenId, 'recalled'), { state: 'recalled' })
  ahead = 5_000 + LATE
  await store.sweep()
  t.ok(await store.revokeToken(tokenId, { purge: true }))
  const ended = ['acknowledged', 'sent', 'recalled', 'expired', 'purged']
  t.same(
    await events(store, store.upstreamPart(tokenId)),
    ended.map((state) => `${state} message.${state}`),
  )
  for (const state of ended) t.match(await store.messageStatus(tokenId, state), { state })
})
