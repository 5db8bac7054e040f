// A node appends to a session of another node: does that hear it, with what is small? And of wills, and of changes?
import { t } from '../support/tap.ts'
import { eventually } from '../support/index.ts'
import { onServerAndCluster, redisStore } from './support/engine.ts'
import { deliver, SessionEar, subscribe } from './support/named.ts'

const LARGE = 20_000

await onServerAndCluster(t, async (t, url) => {
  const clock = { ahead: 0 }
  const now = (): number => Date.now() + clock.ahead
  const limits = { sweepMs: 2 ** 31 - 1 }
  const [one, two] = [await redisStore(t, { url, now, limits }), await redisStore(t, { url, now, limits })]
  const [ear, other] = [new SessionEar(), new SessionEar()]
  one.watch(ear)
  two.watch(other)
  const { epoch } = await one.openNamedSession('held', false)
  const kept = await one.openNamedSession('kept', false)
  await one.closeNamedSession('kept', kept.epoch, { state: Buffer.from(''), stateExpiresAt: Infinity })

  for (const payload of ['small', 'x'.repeat(LARGE)]) await deliver(two, ['held', 'kept'], payload)
  await eventually('both', () => ear.appended.length === 2)
  t.match(ear.appended, [
    { name: 'held', entry: { topic: 'general', qos: 1, released: false, payload: Buffer.from('small') } },
    { name: 'held', entry: undefined },
  ])
  t.same(ear.appended[0]?.entry, (await one.readSession('held', 0, { entries: 1, bytes: 1 })).entries[0])

  await deliver(one, ['held'], 'of its own node')
  await eventually('its own', () => ear.appended.length === 3)
  t.match(ear.appended[2]?.entry, { payload: Buffer.from('of its own node') })
  t.same(other.appended, [], 'nobody else does')

  const offset = await subscribe(two, 'kept', kept.epoch, 'a')
  await eventually('the change', () => ear.changes.includes(offset) && other.changes.includes(offset))

  const will = { publishAt: now() + 1_000, value: Buffer.from('will') }
  await one.closeNamedSession('held', epoch, { state: Buffer.from(''), stateExpiresAt: Infinity, will })
  await two.sweep()
  clock.ahead = 1_000
  await two.sweep()
  await eventually('the will', () => other.wills.length === 1)
  t.same(other.wills, [{ name: 'held' }], 'by who finds it')
})
