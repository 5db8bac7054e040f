// Is a session closed, with its will, whose connection ended while Redis was away, unless it is open again?
import { t } from '../support/tap.ts'
import type { SessionOwner } from '../../store/contract.ts'
import { eventually, startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { known, UNAVAILABLE } from './support/people.ts'

await t.test('sessions whose connections end while Redis is away', async (t) => {
  const redis = await startRedis(t)
  const store = await redisStore(t, { url: redis.url, limits: { redisTimeoutMs: 500, redisProbeMs: 100 } })
  const [tokenId, other] = [await known(store, 'phone'), await known(store, 'other')]
  const open = async (session: SessionOwner) =>
    'name' in session
      ? await store.openNamedSession(session.name, false)
      : await store.openSession({ tokenId: session.tokenId, app: 'weather', generation: 1, cleanStart: false })
  const left: readonly SessionOwner[] = [{ tokenId }, { name: 'backend' }]
  const returns: readonly SessionOwner[] = [{ tokenId: other }, { name: 'other' }]
  const epochs = await Promise.all([...left, ...returns].map(async (session) => (await open(session)).epoch))

  await redis.kill()
  await Promise.all(
    [...left, ...returns].map((session, at) => {
      const now = Date.now()
      const state = Buffer.from('state')
      const close = { state, stateExpiresAt: now + 3_600_000, will: { publishAt: now, value: Buffer.from('will') } }
      const closing =
        'name' in session
          ? store.closeNamedSession(session.name, epochs[at]!, close)
          : store.closeSession(session.tokenId, epochs[at]!, close)
      return t.rejects(closing, UNAVAILABLE)
    }),
  )
  await redis.restart()
  for (const session of returns) await eventually('a session that is open again', () => open(session))
  for (const [at, session] of left.entries()) {
    const take = async () => (await store.takeWill(session, epochs[at]!, Date.now() + 60_000))?.toString()
    await eventually('the will of one that was closed', async () => (await take()) === 'will')
    const { state, unclean } = await open(session)
    t.equal(state?.toString(), 'state')
    t.equal(unclean, false, 'it was closed')
  }
})
