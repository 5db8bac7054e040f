// Of what was stored before messages could be followed: is it read, is its id known, and can it be recalled?
import { t } from '../support/tap.ts'
import { Kind } from '../../store/level/keys.ts'
import { decodeId } from '../../store/level/message-ids.ts'
import { encodeTimed } from '../../store/level/records.ts'
import { message, onDisk, openLevel, register, texts, TOKEN } from './support/level.ts'

const FLAGS_AT = 23
const FOLLOWED = 16

await t.test('an embedded store of the version before', async (t) => {
  const opened = await openLevel(t)
  const { store } = opened
  const now = Date.now()
  await register(store)
  const send = (id: string, payload = id, retain = false) =>
    store.append({ tokenId: TOKEN, message: message({ id, now, payload, retain }), dedupe: true })
  const gone = await send('gone')
  const retained = await send('retained', 'retained', true)
  await store.commit([{ tokenId: TOKEN, private: retained.offset }])
  const pending = await send('pending')
  const all = { kind: 'all' } as const
  const broadcast = (id: string, payload = id) =>
    store.appendBroadcast({ app: 'weather', selector: all, message: message({ id, now, payload }), dedupe: true })
  const { offset } = await broadcast('b')

  // As it was written then: entries that nobody follows, and ids with an offset and a time.
  await onDisk(opened, async (level) => {
    for await (const [key, value] of level.iterator()) {
      const kind = key[0] ?? 0
      if (kind === Kind.privateId || kind === Kind.broadcastId) {
        const { offset, until } = decodeId(value)
        await level.put(key, encodeTimed(offset, until))
      } else if (kind === Kind.privateEntry || kind === Kind.broadcastEntry || kind === Kind.retainedPrivate) {
        value[FLAGS_AT] = (value[FLAGS_AT] ?? 0) & ~FOLLOWED
        await level.put(key, value)
      } else if (kind === Kind.broadcastCount) await level.del(key)
    }
  })

  t.same(await texts(store), ['pending'])
  t.match(await store.messageStatus(TOKEN, 'pending'), { state: 'pending', storedAt: now })
  t.equal(await store.messageStatus(TOKEN, 'gone'), undefined, 'nobody noted what became of it')
  const again = { offset: pending.offset, duplicate: true, expiresAt: now + 3_600_000 }
  t.match(await send('pending', 'other'), again, 'nor which message it was')
  t.match(await send('gone', 'other'), { offset: gone.offset, duplicate: true })
  t.match(await broadcast('b', 'other'), { offset, duplicate: true })
  await store.countBroadcasts([{ app: 'weather', offset, acknowledged: 1, sent: 0 }])
  t.match(await store.broadcastStatus('weather', 'b'), { state: 'pending', acknowledged: 0 })

  t.match(await store.recall(TOKEN, 'retained'), { state: 'acknowledged', storedAt: now })
  t.equal(await store.retainedPrivate(TOKEN), undefined)
  t.match(await store.recall(TOKEN, 'pending'), { state: 'recalled' })
  t.match(await store.recallBroadcast('weather', 'b'), { state: 'recalled' })
  t.same(await texts(store), [])
  t.same((await store.readBroadcast('weather', 0, { entries: 9, bytes: 9 })).entries, [])
})
