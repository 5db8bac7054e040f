/** Appending, reading, acknowledging, expiry and caps of broadcast logs. */
import type { Test } from 'tap'
import { ALL, APP, DAY, EVERYTHING, exactly, HOUR, type MakeEngine, offsets, range, scenario } from './world.ts'

export async function broadcastLogs(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'a broadcast comes back with its selector', async (t, world) => {
    const selectors = [ALL, exactly('1.0 β'), range('>=2.1 <3')]
    for (const selector of selectors) await world.broadcast(selector, { payload: selector.kind })
    const { entries, readTo, end } = await world.store.readBroadcast(APP, 0, EVERYTHING)
    t.same(
      entries.map(({ selector }) => selector),
      selectors,
    )
    t.same(await world.broadcastTexts(), ['all', 'exact', 'range'])
    t.equal(end, entries.at(-1)?.offset)
    t.ok(readTo >= end)
    t.match(await world.store.readBroadcast('chat', 0, EVERYTHING), { entries: [], end: 0 }, 'another app')
  })

  await scenario(t, makeEngine, 'every app has a log of its own', async (t, world) => {
    const apps = ['a', 'ab', 'b', 'a b', 'å']
    for (const app of apps) {
      for (const number of [1, 2]) await world.broadcast(ALL, { payload: `${app}${number}` }, app)
    }
    for (const app of apps) t.same(await world.broadcastTexts(app), [`${app}1`, `${app}2`])
  })

  await scenario(t, makeEngine, 'broadcasts of one moment keep their order', async (t, world) => {
    const names = Array.from({ length: 100 }, (_, number) => `message ${number}`)
    const given = await Promise.all(names.map((payload) => world.broadcast(ALL, { payload })))
    t.same(await world.broadcastTexts(), names)
    t.same(
      offsets(await world.store.readBroadcast(APP, 0, EVERYTHING)),
      given.map(({ offset }) => offset),
    )
    const slice = await world.store.readBroadcast(APP, given[9]!.offset, { entries: 10, bytes: Infinity })
    t.same(
      offsets(slice),
      given.slice(10, 20).map(({ offset }) => offset),
    )
    t.equal((await world.store.readBroadcast(APP, 0, { entries: 10, bytes: 1 })).entries.length, 1)
  })

  await scenario(t, makeEngine, 'the same id is the same broadcast', async (t, world) => {
    const token = await world.token()
    await world.send(token, { id: 'a', dedupe: true })
    const first = await world.broadcast(ALL, { id: 'a', payload: 'one', dedupe: true })
    t.match(first, { duplicate: false })
    const again = await Promise.all([1, 2].map(() => world.broadcast(ALL, { id: 'a', payload: 'one', dedupe: true })))
    for (const result of again) t.same(result, { ...first, duplicate: true })
    t.match(await world.broadcast(ALL, { id: 'a', dedupe: true }, 'chat'), { duplicate: false })
    t.same(await world.broadcastTexts(), ['one'])
  })

  await scenario(t, makeEngine, 'a device acknowledges broadcasts for itself only', async (t, world) => {
    const token = await world.token()
    const other = await world.token({ device: 'tablet' })
    const first = await world.broadcast(ALL, { payload: 'one' })
    const second = await world.broadcast(ALL, { payload: 'two' })
    await world.store.commit([{ tokenId: token, broadcast: first.offset }])
    t.match(await world.store.lookupToken(token), { cursors: { broadcast: first.offset } })
    t.match(await world.store.lookupToken(other), { cursors: { broadcast: 0 } })
    t.same(await world.broadcastTexts(), ['one', 'two'])
    await world.store.commit([{ tokenId: token, broadcast: second.offset + 1_000 }])
    t.match(await world.store.lookupToken(token), { cursors: { broadcast: second.offset } }, 'cut to the end')
    await world.store.commit([{ tokenId: token, broadcast: first.offset }])
    t.match(await world.store.lookupToken(token), { cursors: { broadcast: second.offset } }, 'never back')
  })

  await scenario(t, makeEngine, 'an expired broadcast is not read, and counted once', async (t, world) => {
    await world.broadcast(ALL, { payload: 'long', ttl: DAY })
    await world.broadcast(ALL, { payload: 'short', ttl: HOUR })
    const last = await world.broadcast(ALL, { payload: 'long too', ttl: DAY })
    world.pass(HOUR)
    t.same(await world.broadcastTexts(), ['long', 'long too'])
    await world.store.sweep()
    await world.store.sweep()
    t.same(world.counted.counts.expired, { private: 0, broadcast: 1 })
    t.same(await world.broadcastTexts(), ['long', 'long too'])
    world.pass(DAY)
    await world.store.sweep()
    t.same(world.counted.counts.expired, { private: 0, broadcast: 3 })
    t.match(await world.store.readBroadcast(APP, 0, EVERYTHING), { entries: [], end: last.offset })
    await world.reopen()
    t.ok((await world.broadcast(ALL)).offset > last.offset, 'offsets go on')
  })

  await scenario(
    t,
    makeEngine,
    'a full broadcast log drops the oldest',
    async (t, world) => {
      const results = []
      for (const payload of ['1', '2', '3', '4']) results.push(await world.broadcast(ALL, { payload }))
      t.same(
        results.map(({ dropped }) => dropped),
        [0, 0, 0, 1],
      )
      t.match(await world.broadcast(ALL, { payload: '5'.repeat(9) }), { dropped: 2 })
      t.same(await world.broadcastTexts(), ['4', '5'.repeat(9)])
      t.same(world.counted.counts.dropped, { private: 0, broadcast: 3 })
      t.match(await world.broadcast(ALL, { payload: 'x' }, 'chat'), { dropped: 0 }, 'another app has its own room')
    },
    { broadcastMessages: 3, broadcastBytes: 10 },
  )
}
