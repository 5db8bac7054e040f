// How often does it write to disk what goes to the sessions of users, for one and for a hundred, and what does a large message take?
import { t } from '../support/tap.ts'
import { Kind } from '../../store/level/keys.ts'
import { deliver, entriesOf, kindsOf, message, openLevel, register, TOKEN } from './support/level.ts'

await t.test('writes', async (t) => {
  let writes = 0
  const opened = await openLevel(t, { beforeSync: async () => void writes++, limits: { storedMessages: 5 } })
  const { store } = opened
  const written = async (call: () => Promise<unknown>) => {
    writes = 0
    await call()
    return writes
  }
  const names = Array.from({ length: 100 }, (_, at) => `session ${at}`)
  let epoch = 0
  t.equal(await written(async () => void ({ epoch } = await store.openNamedSession('session 0', false))), 1)
  await Promise.all(names.slice(1).map((name) => store.openNamedSession(name, false)))

  t.equal(await written(() => deliver(store, ['session 0'])), 1)
  t.equal(await written(() => deliver(store, names, { uid: 'u', qos: 2 })), 1, 'a hundred')
  t.equal(await written(() => deliver(store, names, { uid: 'u', qos: 2 })), 0, 'they have it')
  t.equal(await written(() => deliver(store, ['nobody'])), 0)
  const large = { payload: 'x'.repeat(513) }
  t.equal(await written(() => deliver(store, names, large)), 1)
  t.match(await kindsOf(opened), { [Kind.body]: 1, [Kind.bodyCount]: 1 }, 'one body')
  t.equal(
    await written(() => Promise.all([deliver(store, ['session 0']), deliver(store, ['session 1'])])),
    1,
    'together',
  )
  await deliver(store, ['session 0'])
  t.equal(await written(() => deliver(store, ['session 0'])), 0, 'it is full')

  const offsets = (await entriesOf(store, 'session 0')).map(({ offset }) => offset)
  const commit = { name: 'session 0', epoch, done: offsets.slice(0, 2), released: offsets.slice(2) }
  t.equal(await written(() => store.commitSession(commit)), 1)
  t.equal(await written(() => store.commitSession({ ...commit, epoch: epoch - 1 })), 0, 'an older session')
  t.equal(await written(() => store.forgetUid('u', names)), 1)
  t.equal(await written(() => store.rememberReceived('session 0', epoch, 1, 'one')), 1)
  t.equal(await written(() => store.rememberReceived('session 0', epoch, 1, 'two')), 0, 'it is known')
  t.equal(await written(() => store.releaseReceived('session 0', epoch, 1)), 1)
  t.equal(await written(() => store.releaseReceived('session 0', epoch, 1)), 0)
  const filters = names.map((name): [string, Uint8Array] => [name, Buffer.alloc(3)])
  const change = { name: 'session 0', epoch, replaces: true, filters }
  t.equal(await written(() => store.changeSubscriptions(change)), 1, 'a hundred filters')
  const will = { publishAt: 0, value: Buffer.from('will') }
  const close = { state: Buffer.from('state'), stateExpiresAt: Infinity, will }
  t.equal(await written(() => store.closeNamedSession('session 0', epoch, close)), 1, 'with its will')
  t.equal(await written(() => store.takeWill({ name: 'session 0' }, epoch, Infinity)), 1)
  t.equal(await written(() => store.takeWill({ name: 'session 0' }, epoch, Infinity)), 0, 'somebody has it')
  t.equal(await written(() => store.willPublished({ name: 'session 0' }, epoch)), 1)

  const events = names.map((subject) => ({ app: 'weather', tokenId: TOKEN, subject, message: message() }))
  t.equal(await written(() => store.appendEvents(events)), 0, 'nobody reads the events')
  await store.openReader({ app: '/weather', reader: 'reader', expiresAt: Infinity })
  t.equal(await written(() => store.appendEvents(events)), 1)
  const { retainedTopics } = store
  const retained = { ...message({ retain: true }), topic: 'a/b', qos: 1 } as const
  t.equal(await written(async () => await retainedTopics?.retainTopic(retained)), 1)
  t.equal(
    await written(async () => await retainedTopics?.retainTopic({ ...retained, topic: 'b', payload: Buffer.alloc(0) })),
    0,
  )
})

await t.test('an event takes no share of what its device may publish', async (t) => {
  const { store } = await openLevel(t, { limits: { upstreamMessages: 10, eventMessages: 3 } })
  const { generation } = await register(store)
  for (const app of ['weather', '/weather']) await store.openReader({ app, reader: 'reader', expiresAt: Infinity })
  const event = { app: 'weather', tokenId: TOKEN, subject: 'acknowledged', message: message() }
  const offsets = await store.appendEvents([event, event, event, event, event])
  t.same(offsets, [1, 2, 3, 4, 5])
  const publish = {
    app: 'weather',
    tokenId: TOKEN,
    generation,
    subject: 's',
    message: message(),
    as: 'stored',
  } as const
  t.match(await store.appendUpstream(publish), { offset: 1 })
  await store.appendEvents([event])
  await t.rejects(store.appendUpstream(publish), { code: 'UPSTREAM_SHARE' }, 'an event that went gave no share back')
})
