/** What `Inventory` promises, for every engine. */
import type { Test } from 'tap'
import type { KnownToken, Store } from '../../../store/contract.ts'
import { NO_DETAILS } from '../../../store/details.ts'
import { deviceMark } from '../../../topics/index.ts'
import { ALL, APP, DAY, exactly, HOUR, type MakeEngine, range, scenario, text } from '../../store/support/world.ts'

async function allTokens(store: Store): Promise<Map<string, KnownToken>> {
  const tokens = new Map<string, KnownToken>()
  for await (const token of store.tokens()) tokens.set(token.registration.tokenId, token)
  return tokens
}

async function allApps(store: Store): Promise<string[]> {
  const apps = []
  for await (const app of store.broadcastApps()) apps.push(app)
  return apps.sort()
}

export async function inventory(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'an empty store holds nothing', async (t, world) => {
    t.equal((await allTokens(world.store)).size, 0)
    t.same(await allApps(world.store), [])
    t.same(await world.store.retainedBroadcasts(APP), [])
  })

  await scenario(t, makeEngine, 'every token id is told once, as it is', async (t, world) => {
    const ids = []
    for (let number = 0; number < 1_200; number += 1) ids.push(world.token({ device: `device ${number}` }))
    const expected = new Set(await Promise.all(ids))
    const anna = await world.token({ device: 'shared' })
    await world.register({ device: 'shared', account: 'bert' }, { version: '1.0' })
    const bert = world.idOf({ device: 'shared', account: 'bert' })
    const lost = await world.token({ device: 'lost' })
    await world.store.revokeToken(lost)
    const sent = await world.send(bert)
    await world.send(bert)
    const broadcast = await world.broadcast(ALL)
    await world.store.commit([{ tokenId: bert, private: sent.offset, broadcast: broadcast.offset }])

    const tokens = await allTokens(world.store)
    t.same(new Set(tokens.keys()), new Set([...expected, anna, bert, lost]))
    t.match(tokens.get(anna), { current: false, revoked: false, generation: 1 })
    t.match(tokens.get(lost), { current: true, revoked: true, generation: 2 })
    t.same(tokens.get(bert), {
      registration: {
        tokenId: bert,
        app: APP,
        deviceMark: deviceMark(APP, 'shared'),
        expiresAt: world.now + 365 * DAY,
      },
      generation: 1,
      revoked: false,
      current: true,
      cursors: { private: sent.offset, broadcast: broadcast.offset },
      details: { ...NO_DETAILS, version: '1.0' },
      lastSeen: world.now,
      privateEnd: sent.offset + 1,
    })
  })

  await scenario(t, makeEngine, 'every app with broadcasts is told', async (t, world) => {
    const apps = ['a', 'b*?[x]', 'c}d', 'å b', 'h']
    for (const app of apps) await world.broadcast(ALL, {}, app)
    await world.token({ app: 'no broadcasts' })
    t.same(await allApps(world.store), apps.sort())
  })

  await scenario(t, makeEngine, 'what is retained is told by offset, and what only hides too', async (t, world) => {
    const first = await world.broadcast(range('>=1'), { payload: 'range', retain: true })
    const second = await world.broadcast(exactly('2.0.0'), { payload: '', retain: true })
    const third = await world.broadcast(exactly('3.0.0'), { payload: 'soon over', retain: true, ttl: HOUR / 2 })
    await world.broadcast(exactly('4.0.0'), { payload: 'not retained' })
    const rows = await world.store.retainedBroadcasts(APP)
    t.same(
      rows.map(({ offset, entry }) => [offset, entry && text(entry)]),
      [
        [first.offset, 'range'],
        [second.offset, undefined],
        [third.offset, 'soon over'],
      ],
    )
    t.same(rows[1]?.selector, exactly('2.0.0'))
    world.pass(HOUR / 2)
    t.equal((await world.store.retainedBroadcasts(APP))[2]?.entry, undefined)
    await world.broadcast(ALL, { payload: '', retain: true })
    t.same(await world.store.retainedBroadcasts(APP), [])
  })

  await scenario(t, makeEngine, 'a token id is put in place as it was elsewhere', async (t, world) => {
    const place = { app: APP, deviceMark: deviceMark(APP, 'phone'), expiresAt: world.now + DAY }
    const { store } = world
    const anna = world.idOf({ account: 'anna' })
    const bert = world.idOf({ account: 'bert' })
    const broadcast = await world.broadcast(ALL)
    await world.broadcast(ALL)
    const restore = (tokenId: string, more: object) =>
      store.restoreToken({
        registration: { ...place, tokenId },
        generation: 7,
        revoked: false,
        current: true,
        broadcastCursor: broadcast.offset,
        ...more,
      })
    const cursors = { broadcast: broadcast.offset }
    const known = { app: APP, generation: 7, revoked: false, current: true, cursors }
    t.match(await restore(bert, {}), known)
    t.match(await restore(anna, { current: false }), { ...known, current: false })
    t.match(await restore(bert, {}), known, 'once more')
    await t.rejects(world.open(anna, 7), { code: 'TOKEN_SUPERSEDED' })
    await t.rejects(world.open(bert, 6), { code: 'TOKEN_REVOKED' })
    t.match(await world.open(bert, 7), { cursors })
    t.match(await world.register({ account: 'anna' }), { generation: 8, switchedFrom: bert })
  })

  await scenario(t, makeEngine, 'what is known of a token id is put in place where nothing is', async (t, world) => {
    const { store } = world
    const details = { accountMark: world.idOf(), epochs: [5, 6] as const, tags: ['x'], version: '1.0' }
    const place = { generation: 1, revoked: false, current: true, broadcastCursor: 0 }
    const restored = { ...place, registration: world.registration(), details, lastSeen: world.now - HOUR }
    t.match(await store.restoreToken(restored), { details, lastSeen: world.now - HOUR })
    t.same((await world.open(world.idOf(), 1)).tags, ['x'])
    await world.register({}, { tags: [], version: '1.1' })
    const since = { ...details, tags: [], version: '1.1' }
    t.match(await store.restoreToken(restored), { details: since, lastSeen: world.now }, 'what happened here stays')
    t.equal((await world.open(world.idOf(), 1)).tags, undefined)

    await world.register({ device: 'tablet' })
    const tablet = { ...restored, registration: world.registration({ device: 'tablet' }) }
    t.match(await store.restoreToken(tablet), { details })
    t.same((await world.open(world.idOf({ device: 'tablet' }), 1)).tags, ['x'], 'of one that was known without')
  })

  await scenario(t, makeEngine, 'putting in place takes nothing back', async (t, world) => {
    const place = { app: APP, deviceMark: deviceMark(APP, 'phone'), expiresAt: world.now + DAY }
    const { store } = world
    const anna = world.idOf({ account: 'anna' })
    const bert = world.idOf({ account: 'bert' })
    const before = { generation: 3, revoked: false, current: true, broadcastCursor: 0 }
    await store.restoreToken({ ...before, registration: { ...place, tokenId: anna } })
    await store.revokeToken(anna)
    t.match(await store.restoreToken({ ...before, registration: { ...place, tokenId: anna } }), {
      generation: 4,
      revoked: true,
    })
    await world.register({ account: 'bert' })
    await store.restoreToken({ ...before, registration: { ...place, tokenId: anna } })
    t.match(await store.lookupToken(bert), { current: true })
    t.match(await store.lookupToken(anna), { current: false })
    const carl = world.idOf({ account: 'carl' })
    t.match(await store.restoreToken({ ...before, registration: { ...place, tokenId: carl } }), { current: false })
    t.match(await store.lookupToken(bert), { current: true }, 'who is there stays')
    const revoked = { ...before, revoked: true, registration: { ...place, tokenId: carl } }
    t.match(await store.restoreToken(revoked), { generation: 3, revoked: true })
    t.match(await store.restoreToken({ ...revoked, revoked: false }), { generation: 3, revoked: true })
  })
}
