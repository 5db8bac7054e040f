// How many commands of Redis does a step of the registry cost, and does any grow with the devices of an account?
import { t } from '../support/tap.ts'
import { deviceMark } from '../../topics/index.ts'
import { RedisObserver } from '../nodes/support/redis-work.ts'
import { startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { APP, idOf, message } from './support/people.ts'

/** Of any batch that changes something: EVALSHA, the journal read and written, LASTSAVE. */
const BATCH = 4
const EXPIRES = 2e12
const accountMark = idOf('of an account')

await t.test('commands of each step', async (t) => {
  const redis = await startRedis(t)
  const store = await redisStore(t, { url: redis.url, limits: { sweepMs: 2 ** 31 - 1, redisProbeMs: 60_000 } })
  const observer = new RedisObserver(t, redis)
  const cost = async (work: () => Promise<unknown>): Promise<number> => (await observer.of(work)).total - BATCH
  const registration = (device: string, account?: string) => {
    return { tokenId: idOf(device, account), app: APP, deviceMark: deviceMark(APP, device), expiresAt: EXPIRES }
  }
  const tokenId = idOf('phone')
  const details = { accountMark, version: '1.0', tags: ['x'] }
  const { generation } = await store.registerToken(registration('phone'))
  const renewal = { kind: 'renewal', generation } as const
  const renew = (more: object = {}) => store.registerToken({ ...registration('phone'), ...more }, renewal)
  const open = () => store.openSession({ tokenId, app: APP, generation, cleanStart: false })

  t.equal(await cost(open), 4, 'a session is opened')
  t.equal(await cost(open), 6, 'and taken over')
  t.equal(await cost(() => renew()), 3, 'a renewal: its record and its details are read, the record is written')
  t.equal(await cost(() => renew({ details })), 4, 'and its details, where they change')
  t.equal(await cost(() => renew({ details })), 3)
  t.equal(await cost(open), 7, 'tags are one look more')
  t.equal(await cost(() => store.append({ tokenId, message: message('one'), dedupe: false, onlyCurrent: true })), 5)
  const free = () => store.registerToken(registration('phone', 'bert'), { kind: 'free' })
  t.equal(await cost(free), 3 + 4, 'a refusal, after a look at the broadcasts of the app and how many share the bucket')

  const note = (device: string) =>
    store.noteDevice({ accountMark, tokenId: idOf(device), epochs: [0, 0], expiresAt: EXPIRES, most: 10_000 })
  t.equal(await cost(() => note('phone')), 5, 'the first device of an account')
  t.equal(await cost(() => note('tablet')), 4)
  t.equal(await cost(() => note('phone')), 3)
  await Promise.all(Array.from({ length: 1_000 }, (_, number) => note(`${number}`)))
  t.equal(await cost(() => note('one more')), 4, 'the same with a thousand')
  t.equal(await cost(() => note('phone')), 3)
})
