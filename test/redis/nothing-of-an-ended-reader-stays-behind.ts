// After readers, groups, listeners and retained messages have ended: does Redis hold what it held before?
import { t } from '../support/tap.ts'
import { startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { APP } from './support/people.ts'
import { publisher } from './support/upstream.ts'

const HOUR = 3_600_000

await t.test('keys of upstream logs', async (t) => {
  const redis = await startRedis(t)
  const clock = { ahead: 0 }
  const now = (): number => Date.now() + clock.ahead
  // So little that what each token id has is counted.
  const limits = { sweepMs: 2 ** 31 - 1, upstreamMessages: 320 }
  const store = await redisStore(t, { url: redis.url, now, limits })
  const phone = await publisher(store, 'phone')
  const part = store.upstreamPart(phone.tokenId)
  const keys = async (): Promise<string[]> => (await redis.cli('keys', '*')).split('\n').sort()
  const due = () => redis.cli('zcard', `{push:${part}}x`)
  await store.sweep()
  const before = await keys()

  const stop = await store.listenUpstream(APP)
  for (const reader of ['closed', 'group']) await store.openReader({ app: APP, reader, expiresAt: Infinity })
  await store.openReader({ app: APP, reader: 'expires', expiresAt: now() + HOUR })
  const { offset } = await phone.publish('one', { received: 7, subject: 'a' }, true)
  await phone.publish('two', { subject: 'b' }, true)
  await t.rejects(phone.publish('more than its share'), { code: 'UPSTREAM_SHARE' })
  const group = { app: APP, reader: 'group', part, member: 'ann' }
  await store.claimUpstream({ ...group, until: now() + HOUR, limit: { entries: 1, bytes: 1 } })
  await store.settleUpstream(group, [offset])
  const suffixes = (await keys())
    .filter((key) => key.startsWith(`{push:${part}}`))
    .map((key) => key.split('}')[1] ?? '')
  for (const name of [`ul${APP}`, `ur${APP}`, `us${APP}`, `uv${APP}`, 'u', 'q1', 'v1', 'o1']) {
    t.ok(suffixes.includes(name), `${name} is in use`)
  }

  await store.closeReader(APP, 'closed')
  await store.closeReader(APP, 'group')
  await phone.publish('', { subject: 'a', as: 'told' }, true)
  await store.closeSession(phone.tokenId, phone.epoch, { stateExpiresAt: Infinity })
  stop()
  clock.ahead = HOUR
  await store.sweep()
  t.same(
    (await keys()).filter((key) => !before.includes(key)),
    [],
  )
  t.equal(await due(), '1', 'the bucket of the token id')
})
