// How many commands of Redis does each thing cost that can be asked of a message? Bounds that fail when they grow.
import { t } from '../support/tap.ts'
import type { Message } from '../../store/contract.ts'
import { RedisObserver } from '../nodes/support/redis-work.ts'
import { startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { known, message } from './support/people.ts'

/** Of any batch that changes something: EVALSHA, the journal read and written, LASTSAVE. */
const BATCH = 4
/** The record of the token id, read and written. */
const RECORD = 2

await t.test('commands of each step', async (t) => {
  const redis = await startRedis(t)
  const store = await redisStore(t, { url: redis.url, limits: { sweepMs: 2 ** 31 - 1, redisProbeMs: 60_000 } })
  const observer = new RedisObserver(t, redis)
  const cost = async (work: () => Promise<unknown>): Promise<number> => {
    const { commands } = await observer.of(work)
    return Object.values(commands).reduce((sum, calls) => sum + calls, 0) - BATCH
  }
  const tokenId = await known(store, 'phone')
  let last = 0
  const append = async (id: string, dedupe = false, more: Partial<Message> = {}): Promise<void> => {
    last = (await store.append({ tokenId, message: { ...message(id), ...more }, dedupe })).offset
  }
  const acknowledge = () => store.commit([{ tokenId, private: last }])
  // The first of a log also says when something of it is due.
  for (const receipt of [false, true]) {
    await append('first', receipt, { receipt })
    await acknowledge()
  }

  t.equal(await cost(() => append('plain')), RECORD + 1, 'a message: its entry')
  t.equal(await cost(acknowledge), RECORD + 1, 'which goes')
  t.equal(await cost(() => append('id', true)), RECORD + 3, 'with an id: that is looked for, and remembered')
  t.equal(await cost(acknowledge), RECORD + 1, 'which is not looked at when it is acknowledged')
  await append('sent', true)
  const sent = () => store.commit([{ tokenId, private: last, passedAs: [[last, 'sent']] }])
  t.equal(await cost(sent), RECORD + 4, 'sent with QoS 0: the entry and the id are read, the id is written')
  t.equal(await cost(() => append('key', false, { collapseKey: 'k' })), RECORD + 2, 'a collapse key: it is held')
  const replace = () => append('key 2', false, { collapseKey: 'k' })
  t.equal(await cost(replace), RECORD + 5, 'who holds it, the entry of that, which goes')
  t.equal(await cost(acknowledge), RECORD + 4, 'the entry is read, and who holds the key, which is free again')
  t.equal(await cost(() => append('receipt', false, { receipt: true })), RECORD + 1, 'a receipt: nothing yet')
  t.equal(await cost(acknowledge), RECORD + 5, 'the entry is read; the event, and the record of its log')
  await append('recalled', true)
  t.equal(
    (await cost(() => store.messageStatus(tokenId, 'recalled'))) + BATCH,
    5,
    'a status: the id and the entry are read',
  )
  t.equal(await cost(() => store.recall(tokenId, 'recalled')), RECORD + 6, 'a recall: the same, and the id is written')
})
