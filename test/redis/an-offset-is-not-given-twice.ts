// After a crash that lost what was written last: can an offset or epoch mean something else than before?
import { t } from '../support/tap.ts'
import { eventually, startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { APP, ids, known, message } from './support/people.ts'

await t.test('an offset is not given twice', async (t) => {
  // Only what was saved by hand comes back: as with appendfsync everysec, and more so.
  const redis = await startRedis(t, { config: { appendonly: 'no' } })
  const store = await redisStore(t, { url: redis.url })
  const token = await known(store, 'phone')
  const send = (id: string) => store.append({ tokenId: token, message: message(id), dedupe: false })
  const broadcast = (id: string) =>
    store.appendBroadcast({ app: APP, selector: { kind: 'all' }, message: message(id), dedupe: false })
  const open = () => store.openSession({ tokenId: token, app: APP, generation: 1, cleanStart: false })

  await send('one')
  const two = await send('two')
  await broadcast('b-one')
  await redis.cli('save')
  const lost = await send('lost')
  const lostBroadcast = await broadcast('b-lost')
  const session = await open()
  t.equal(lost.offset, two.offset + 1)

  await redis.restart()
  await eventually('a store that is healthy', () => store.health())
  t.same(await ids(store, token), ['one', 'two'], 'a crash without fsync loses what was written last')
  t.same(
    await store.commit([
      { tokenId: token, epoch: session.epoch, private: lost.offset, broadcast: lostBroadcast.offset },
    ]),
    [],
    'the device had it, and acknowledges it late',
  )
  const next = await send('next')
  const nextBroadcast = await broadcast('b-next')
  t.ok(next.offset > lost.offset)
  t.ok(nextBroadcast.offset > lostBroadcast.offset)
  t.same(await ids(store, token, lost.offset), ['next'], 'a reader that was ahead finds what comes')
  t.ok((await open()).epoch > session.epoch)

  await send('last')
  const slice = await store.readPrivate(token, 0, { entries: 10, bytes: Infinity })
  t.same(
    slice.entries.map((entry) => entry.id),
    ['next', 'last'],
  )
  t.equal(slice.readTo, slice.end)
  await store.commit([{ tokenId: token, private: next.offset }])
  t.same(await ids(store, token), ['last'])
})
