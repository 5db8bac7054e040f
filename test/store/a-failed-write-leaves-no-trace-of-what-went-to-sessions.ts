// When the disk refuses a write, is everything of sessions by name as if no call had been made?
import { setImmediate as turn } from 'node:timers/promises'
import { t } from '../support/tap.ts'
import { deliver, entriesOf, message, openLevel } from './support/level.ts'

const LARGE = 'x'.repeat(600)

await t.test('a failed write', async (t) => {
  let failing = false
  const { store } = await openLevel(t, {
    beforeSync: async () => {
      if (failing) throw new Error('no space left on device')
    },
  })
  const { epoch } = await store.openNamedSession('open', false)
  const kept = await store.openNamedSession('kept', false)
  const will = { publishAt: 0, value: Buffer.from('will') }
  const close = { state: Buffer.from('state'), stateExpiresAt: Infinity, will }
  await store.closeNamedSession('kept', kept.epoch, close)
  await deliver(store, ['open', 'kept'], { payload: LARGE, uid: 'before', qos: 2 })
  await deliver(store, ['open'], { payload: 'second' })
  await store.rememberReceived('open', epoch, 1, 'one')
  await store.changeSubscriptions({ name: 'open', epoch, replaces: true, filters: [['a', Buffer.from('options')]] })
  const end = await store.subscriptionsEnd()
  const [first] = await entriesOf(store, 'open')
  const done = [first?.offset ?? 0]
  const told: string[] = []
  store.watch({
    privateAppended: () => undefined,
    broadcastAppended: () => undefined,
    sessionEnded: () => undefined,
    namedSessionEnded: (name) => void told.push(`${name} ended`),
    sessionAppended: (name, _, entry) => void told.push(`${name} has ${Buffer.from(entry?.payload ?? '').toString()}`),
    subscriptionsChanged: (offset) => void told.push(`change ${offset}`),
    cursorMoved: () => undefined,
    cursorsLost: () => undefined,
    resync: () => undefined,
  })

  failing = true
  const calls = await Promise.allSettled([
    deliver(store, ['open', 'kept'], { payload: LARGE, uid: 'lost', qos: 2 }),
    store.commitSession({ name: 'open', epoch, done, released: [] }),
    store.commitSession({ name: 'open', epoch, done: [], released: done }),
    store.forgetUid('before', ['open', 'kept']),
    store.rememberReceived('open', epoch, 2, 'two'),
    store.releaseReceived('open', epoch, 1),
    store.changeSubscriptions({ name: 'open', epoch, replaces: true, filters: [['b', Buffer.from('lost')]] }),
    store.takeWill({ name: 'kept' }, kept.epoch, Infinity),
    store.willPublished({ name: 'kept' }, kept.epoch),
    store.openNamedSession('kept', true),
    store.openNamedSession('new', false),
    store.closeNamedSession('open', epoch, { stateExpiresAt: 0 }),
    store.retainedTopics?.retainTopic({ ...message({ retain: true }), topic: 'a', qos: 1 }),
  ])
  failing = false

  t.ok(calls.every((call) => call.status === 'rejected' && call.reason.code === 'STORE_UNAVAILABLE'))
  t.match(await entriesOf(store, 'open'), [
    { payload: Buffer.from(LARGE), released: false },
    { topic: 'general/topic' },
  ])
  t.equal((await entriesOf(store, 'kept')).length, 1)
  t.same(await deliver(store, ['open', 'kept'], { uid: 'before' }), ['duplicate', 'duplicate'])
  t.same(await deliver(store, ['open', 'new'], { uid: 'lost', payload: 'again' }), ['stored', 'gone'])
  t.equal(await store.rememberReceived('open', epoch, 2, 'again'), undefined)
  t.equal(await store.releaseReceived('open', epoch, 1), 'one')
  t.equal(await store.subscriptionsEnd(), end)
  t.match(await store.subscriptionsOf('open'), { filters: [['a', Buffer.from('options')]] })
  t.same(await store.takeWill({ name: 'kept' }, kept.epoch, Infinity), Buffer.from('will'))
  for await (const { topic } of store.retainedTopics?.retainedTopics('') ?? []) t.fail(`${topic} is retained`)
  t.match(await store.openNamedSession('kept', false), { state: Buffer.from('state') })
  await turn()
  t.same(told, ['open has again'], 'nothing was heard but what is stored')
})
