// How many commands of Redis does each step of a session by name cost? A bound that fails when they grow.
import { t } from '../support/tap.ts'
import { groupLog } from '../../store/contract.ts'
import { RedisObserver } from '../nodes/support/redis-work.ts'
import { startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { deliver, subscribe } from './support/named.ts'
import { ALL } from './support/people.ts'

const groupId = 'AAAAAAAAAAAAAAAAAAAAAA'
/** Of any batch that changes something: FCALL, the journal read and written, LASTSAVE. */
const BATCH = 4

await t.test('commands of each step', async (t) => {
  const redis = await startRedis(t)
  const store = await redisStore(t, { url: redis.url, limits: { sweepMs: 2 ** 31 - 1, redisProbeMs: 60_000 } })
  const observer = new RedisObserver(t, redis)
  const cost = async (work: () => Promise<unknown>): Promise<Record<string, number>> =>
    (await observer.of(work)).commands
  const total = async (work: () => Promise<unknown>): Promise<number> =>
    Object.values(await cost(work)).reduce((sum, calls) => sum + calls, 0)
  const names = Array.from({ length: 100 }, (_, number) => `name ${number}`)
  const epochs = await Promise.all(names.map(async (name) => (await store.openNamedSession(name, false)).epoch))
  const [name = ''] = names
  const [epoch = 0] = epochs
  // The first message of a log also says when something of it is due.
  await deliver(store, names, 'first')

  t.equal((await total(() => deliver(store, [name], 'one'))) - BATCH, 3, 'a message for one session')
  t.equal((await total(() => deliver(store, [name], 'two', 'uid'))) - BATCH, 6, 'and with a uid')
  t.equal((await total(() => store.forgetUid('uid', [name]))) - BATCH, 1, 'which is forgotten')
  const many = await cost(() => deliver(store, names, 'for all'))
  t.equal(many['fcall'], 1, 'one batch for a hundred sessions')
  t.equal(many['hset'], 201, 'an entry and a record each, and the journal')
  t.ok((many['hmget'] ?? 0) <= 101, 'sessions of one partition are read together')

  const offsets = (await store.readSession(name, 0, ALL)).entries.map(({ offset }) => offset)
  const commit =
    (done: readonly number[], released: readonly number[] = []) =>
    () =>
      store.commitSession({ name, epoch, done, released })
  t.equal((await total(commit(offsets.slice(0, 1)))) - BATCH, 4, 'the first of several is acknowledged')
  t.equal((await total(commit([], offsets.slice(1, 2)))) - BATCH, 3, 'one is released')
  t.equal((await total(commit(offsets.slice(1)))) - BATCH, 3, 'all that is there is acknowledged')

  const first = await cost(() => subscribe(store, name, epoch, 'a', 'b'))
  t.equal(first['fcall'], 2, 'a subscription is two steps: its session, and the log')
  const subscribes = await total(() => subscribe(store, name, epoch, 'a', 'b'))
  t.equal(subscribes - 2 * BATCH, 1 + 8, 'a change, who relies on its table, and news of it')
  t.same(await cost(() => store.subscriptionsEnd()), { get: 1 }, 'a look at the end of the log')
  const all = await cost(() => Promise.all(Array.from({ length: 50 }, () => store.subscriptionsEnd())))
  t.same(all, { get: 1 }, 'those of one turn are one')
  const joined = await cost(() => Promise.all([store.subscriptionsEnd(), deliver(store, [name], 'with a look')]))
  t.same([joined['fcall'], joined['get']], [1, 1], 'and travels with what goes to Redis anyway')

  const open = { app: groupLog(groupId), reader: 'g', expiresAt: Date.now() + 60_000 }
  t.ok((await total(() => store.openReader(open))) < 20, 'the reader of a shared subscription is in one part')
  t.ok((await total(() => store.listenUpstream(open.app))) < 20, 'and so is who hears of it')
  t.ok((await total(() => store.closeReader(open.app, open.reader))) < 20)
})
