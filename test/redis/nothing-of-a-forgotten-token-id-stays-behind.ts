// When a token id is forgotten, does everything that was known of it leave Redis, and does the index of its account end?
import { t } from '../support/tap.ts'
import { deviceMark } from '../../topics/index.ts'
import { startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { APP, idOf } from './support/people.ts'

const DAY = 86_400_000

await t.test('a token id with all that may be known of it', async (t) => {
  // The store keeps expiries to the second.
  let now = Math.floor(Date.now() / 1000) * 1000
  const redis = await startRedis(t)
  const limits = { sweepMs: 2 ** 31 - 1, deviceHoldMs: 30 * DAY }
  const store = await redisStore(t, { url: redis.url, now: () => now, limits })
  const keys = async (): Promise<string[]> => (await redis.cli('--scan')).split('\n').filter((key) => /:\d+}/.test(key))
  await store.sweep()
  const before = await keys()

  const tokenId = idOf('phone')
  const accountMark = idOf('of an account')
  const details = { accountMark, version: '1.0', tags: ['x', 'y'], epochs: [1, 2] as const }
  const expiresAt = now + DAY
  const registration = { tokenId, app: APP, deviceMark: deviceMark(APP, 'phone'), expiresAt, details }
  const { generation } = await store.registerToken(registration)
  await store.noteDevice({ accountMark, tokenId, epochs: [1, 2], expiresAt, most: 10 })
  const { epoch } = await store.openSession({ tokenId, app: APP, generation, cleanStart: false })
  const will = { publishAt: now + DAY, value: Buffer.from('will') }
  await store.closeSession(tokenId, epoch, { state: Buffer.from('state'), stateExpiresAt: Infinity, will })
  const message = { id: 'one', payload: Buffer.from('x'), retain: true, storedAt: now, expiresAt: now + DAY }
  await store.append({ tokenId, message, dedupe: true })
  const account = (await keys()).find((key) => key.endsWith(`c${accountMark}`)) ?? ''
  const ttl = Number(await redis.cli('pttl', account))
  t.ok(ttl > 30 * DAY && ttl <= 31 * DAY, 'the index of an account ends with its last device')

  now = expiresAt + 30 * DAY - 1
  await store.sweep()
  t.match(await store.lookupToken(tokenId), { details }, 'as long as the account may hold its device')
  now += 1
  await store.sweep()
  t.equal(await store.lookupToken(tokenId), undefined)
  const serials = /}n$/
  const left = (await keys()).filter((key) => key !== account && !before.includes(key) && !serials.test(key))
  t.same(left, [])
  t.same(await store.accountDevices(accountMark), [])

  await store.forgetDevices(accountMark, [])
  await store.noteDevice({ accountMark, tokenId, epochs: [1, 2], expiresAt: now + 90 * DAY, most: 10 })
  t.ok(Number(await redis.cli('pttl', account)) > 119 * DAY, 'a device that comes lets it live on')
  await store.forgetDevices(accountMark, await store.accountDevices(accountMark))
  t.ok(Number(await redis.cli('pttl', account)) <= 3_600_000, 'without devices it ends soon')
  await store.noteDevice({ accountMark, tokenId, epochs: [1, 2], expiresAt: now + DAY, most: 10 })
  t.ok(Number(await redis.cli('pttl', account)) > 30 * DAY)
})
