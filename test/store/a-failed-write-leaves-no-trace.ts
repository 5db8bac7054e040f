// When the disk refuses a write, do its calls fail, and is everything as if they had not been made?
import { setImmediate as turn } from 'node:timers/promises'
import { t } from '../support/tap.ts'
import { message, openLevel, OTHER, register, texts, TOKEN } from './support/level.ts'

await t.test('a failed write', async (t) => {
  let failing = false
  const { store } = await openLevel(t, {
    beforeSync: async () => {
      if (failing) throw new Error('no space left on device')
    },
  })
  const { generation } = await register(store)
  const { epoch } = await store.openSession({ tokenId: TOKEN, app: 'weather', generation, cleanStart: false })
  await store.append({ tokenId: TOKEN, message: message({ payload: 'before' }), dedupe: false })
  const record = await store.lookupToken(TOKEN)
  let told = 0
  store.watch({
    privateAppended: () => void told++,
    broadcastAppended: () => void told++,
    sessionEnded: () => void told++,
    cursorMoved: () => void told++,
    cursorsLost: () => undefined,
    resync: () => void told++,
  })

  failing = true
  const retained = message({ id: 'b', retain: true })
  const calls = await Promise.allSettled([
    store.append({ tokenId: TOKEN, message: message({ id: 'a' }), dedupe: true }),
    store.append({ tokenId: TOKEN, message: message({ retain: true }), dedupe: false }),
    store.appendBroadcast({ app: 'weather', selector: { kind: 'all' }, message: retained, dedupe: true }),
    store.commit([{ tokenId: TOKEN, private: 1 }]),
    store.revokeToken(TOKEN),
    register(store, OTHER),
    store.closeSession(TOKEN, epoch, { stateExpiresAt: 0 }),
    store.secret('name', () => 'never kept'),
  ])
  failing = false

  t.ok(calls.every((call) => call.status === 'rejected' && call.reason.code === 'STORE_UNAVAILABLE'))
  t.same(await store.lookupToken(TOKEN), record)
  t.equal(await store.lookupToken(OTHER), undefined)
  t.same(await texts(store), ['before'])
  t.equal(await store.retainedPrivate(TOKEN), undefined)
  t.equal(await store.retainedBroadcast('weather', '1', []), undefined)
  t.equal((await store.readBroadcast('weather', 0, { entries: 1, bytes: 1 })).end, 0)
  await store.saveSession(TOKEN, epoch, Buffer.from('still open'))
  t.equal(await store.secret('name', () => 'kept'), 'kept')
  t.match(await store.append({ tokenId: TOKEN, message: message({ id: 'a' }), dedupe: true }), {
    offset: 2,
    duplicate: false,
  })
  t.match(await store.appendBroadcast({ app: 'weather', selector: { kind: 'all' }, message: retained, dedupe: true }), {
    offset: 1,
    duplicate: false,
  })
  t.ok(await store.retainedBroadcast('weather', '1', []))
  await turn()
  t.equal(told, 2, 'the two that were stored')
})
