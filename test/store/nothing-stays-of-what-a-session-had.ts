// When a session ends that had a long log, subscriptions and packet ids, is that one small step, and is all of it gone after a sweep?
import { t } from '../support/tap.ts'
import { Kind } from '../../store/level/keys.ts'
import { deliver, entriesOf, kindsOf, openLevel } from './support/level.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const STATE = Buffer.from('state')
const LARGE = 'x'.repeat(600)

await t.test('a session', async (t) => {
  let now = 1_800_000_000_000
  let writes = 0
  const opened = await openLevel(t, { now: () => now, beforeSync: async () => void (writes += 1) })
  const { store } = opened
  const { epoch } = await store.openNamedSession('ends', false)
  const stays = await store.openNamedSession('stays', false)
  await store.saveNamedSession('ends', epoch, STATE)
  const long = Array.from({ length: 3_000 }, (_, at) =>
    deliver(store, at % 100 === 0 ? ['ends', 'stays'] : ['ends'], {
      now,
      ttl: at % 2 === 0 ? 2 * DAY : DAY,
      payload: at % 10 === 0 ? LARGE : 'small',
      qos: 2,
      ...(at % 50 === 0 ? { uid: `uid ${at}` } : {}),
    }),
  )
  await Promise.all(long)
  const [first, second] = await entriesOf(store, 'ends')
  const both = [first?.offset ?? 0, second?.offset ?? 0]
  await store.commitSession({ name: 'ends', epoch, done: [], released: both })
  await Promise.all([1, 2, 65_535].map((packetId) => store.rememberReceived('ends', epoch, packetId, `of ${packetId}`)))
  const filters = Array.from({ length: 1_000 }, (_, at): [string, Uint8Array] => [`a/${at}`, Buffer.from([at % 256])])
  await store.changeSubscriptions({ name: 'ends', epoch, replaces: false, filters })
  await store.changeSubscriptions({ name: 'ends', epoch, replaces: true, filters: filters.slice(0, 900) })
  t.match(await kindsOf(opened), {
    [Kind.sessionEntry]: 2_998 + 30,
    [Kind.sessionReleased]: 2,
    [Kind.sessionReceived]: 3,
    [Kind.sessionUid]: 60 + 30,
    [Kind.body]: 300,
    [Kind.bodyCount]: 300,
    [Kind.namedState]: 1,
  })

  writes = 0
  await store.closeNamedSession('ends', epoch, { stateExpiresAt: 0 })
  t.equal(writes, 1)
  t.same(await deliver(store, ['ends', 'stays'], { now }), ['gone', 'stored'])
  t.same(await entriesOf(store, 'ends'), [])
  t.equal(await store.subscriptionsOf('ends'), undefined)
  for await (const { name } of store.subscriptions()) t.fail(`${name} has subscriptions`)
  writes = 0
  await store.sweep()
  t.ok(writes > 2, 'in portions')
  const left = await kindsOf(opened)
  t.match(left, { [Kind.sessionEntry]: 31, [Kind.sessionUid]: 30, [Kind.body]: 30, [Kind.bodyCount]: 30 })
  for (const kind of [Kind.sessionReleased, Kind.sessionReceived, Kind.namedState, Kind.subscription, Kind.sessionRest])
    t.equal(left[kind], undefined)
  t.equal(left[Kind.namedSession], 1)
  const bodies = (await entriesOf(store, 'stays')).map(({ payload }) => payload.byteLength)
  t.equal(bodies.filter((length) => length === 600).length, 30, 'what it shared stays with the other')

  const offsets = (await entriesOf(store, 'stays')).map(({ offset }) => offset)
  await store.commitSession({ name: 'stays', epoch: stays.epoch, done: offsets, released: [] })
  const acknowledged = await kindsOf(opened)
  for (const kind of [Kind.sessionEntry, Kind.body, Kind.bodyCount]) t.equal(acknowledged[kind], undefined)
  now += 2 * DAY
  await store.sweep()
  const later = await kindsOf(opened)
  t.equal(later[Kind.sessionUid], undefined, 'uids stay for a day')
  t.equal(later[Kind.due], undefined, 'what was due was passed over')
  const again = await store.openNamedSession('stays', true)
  await store.closeNamedSession('stays', again.epoch, { stateExpiresAt: 0 })
  await store.sweep()
  t.same(Object.keys(await kindsOf(opened)).sort(), [Kind.meta, Kind.subscriptionChange].map(String).sort())
})

await t.test('a session that ends by its time', async (t) => {
  let now = 1_800_000_000_000
  const opened = await openLevel(t, { now: () => now })
  const { store } = opened
  const { epoch } = await store.openNamedSession('kept', false)
  await deliver(store, ['kept'], { now, ttl: DAY, payload: LARGE })
  const will = { publishAt: now + HOUR, value: Buffer.from('will') }
  await store.closeNamedSession('kept', epoch, { state: STATE, stateExpiresAt: now + HOUR, will })
  now += HOUR
  await store.sweep()
  t.match(await kindsOf(opened), { [Kind.namedWill]: 1 }, 'its will waits for who publishes it')
  t.same(await store.takeWill({ name: 'kept' }, epoch, now + 1_000), Buffer.from('will'))
  await store.willPublished({ name: 'kept' }, epoch)
  t.same(Object.keys(await kindsOf(opened)), [String(Kind.meta)])
})
