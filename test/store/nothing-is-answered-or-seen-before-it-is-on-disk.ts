// While the embedded store's write is held back, is nothing answered, told or seen of it?
import { setImmediate as turn } from 'node:timers/promises'
import { t } from '../support/tap.ts'
import { message, openLevel, OTHER, register, texts, TOKEN } from './support/level.ts'

let held: Promise<void> = Promise.resolve()
let release = () => {}
let reached = () => {}
const hold = () => {
  held = new Promise((resolve) => {
    release = resolve
  })
  return new Promise<void>((resolve) => {
    reached = resolve
  })
}
const { store } = await openLevel(t, {
  limits: { diskCalls: 8 },
  beforeSync: () => {
    reached()
    return held
  },
})
const { generation } = await register(store)
const session = await store.openSession({ tokenId: TOKEN, app: 'weather', generation, cleanStart: false })
const before = await store.lookupToken(TOKEN)

const told: string[] = []
store.watch({
  privateAppended: (_, offset) => void told.push(`private ${offset}`),
  broadcastAppended: (app, offset) => void told.push(`${app} ${offset}`),
  sessionEnded: (_, epoch, reason) => void told.push(`${reason} ${epoch}`),
  cursorMoved: () => void told.push('moved'),
  cursorsLost: () => undefined,
  resync: () => void told.push('resync'),
})

const answered: string[] = []
const watchedFor = <T>(name: string, call: Promise<T>): Promise<T> => {
  call.then(
    () => answered.push(name),
    () => answered.push(`not ${name}`),
  )
  return call
}

const atTheDisk = hold()
const calls = [
  watchedFor('append', store.append({ tokenId: TOKEN, message: message({ id: 'a' }), dedupe: true })),
  watchedFor('duplicate', store.append({ tokenId: TOKEN, message: message({ id: 'a' }), dedupe: true })),
  watchedFor(
    'broadcast',
    store.appendBroadcast({
      app: 'weather',
      selector: { kind: 'all' },
      message: message({ id: 'b', retain: true }),
      dedupe: false,
    }),
  ),
  watchedFor('commit', store.commit([{ tokenId: TOKEN, private: 1 }])),
  watchedFor('switch', register(store, OTHER)),
  watchedFor(
    'save',
    store.saveSession(TOKEN, session.epoch, Buffer.from('state')).catch(() => undefined),
  ),
]
await atTheDisk

await t.test('while it is held back', async (t) => {
  const late = watchedFor('late', store.append({ tokenId: TOKEN, message: message(), dedupe: false }))
  calls.push(late)
  for (let turns = 0; turns < 100; turns += 1) await turn()
  t.same(answered, [])
  t.same(told, [])
  t.same(await store.lookupToken(TOKEN), before)
  t.equal(await store.lookupToken(OTHER), undefined)
  t.same(await texts(store), [])
  const all = { entries: 10, bytes: 1_000 }
  t.same(await store.readBroadcast('weather', 0, all), { entries: [], readTo: 0, end: 0 })
  t.equal(await store.retainedBroadcast('weather', '1', []), undefined)
})

await t.test('no more wait than may', async (t) => {
  const more = Array.from({ length: 20 }, () => store.append({ tokenId: TOKEN, message: message(), dedupe: false }))
  const refused = await Promise.allSettled(more.slice(7))
  t.ok(refused.every((result) => result.status === 'rejected' && result.reason.code === 'STORE_UNAVAILABLE'))
  calls.push(...more.slice(0, 7))
})

await t.test('when it is released', async (t) => {
  release()
  await Promise.all(calls)
  await turn()
  t.same(answered.slice(0, 5), ['append', 'duplicate', 'broadcast', 'commit', 'switch'])
  t.same(told.slice(0, 4), ['private 1', 'weather 1', 'moved', `TOKEN_SUPERSEDED ${session.epoch}`])
  t.match(await store.lookupToken(TOKEN), { current: false, cursors: { private: 1 } })
  t.equal((await texts(store)).length, 8)
})
