/** Recall, and one message that replaces another. */
import type { Test } from 'tap'
import type { Watcher } from '../../../store/contract.ts'
import { ArrivalQueue } from '../../support/waiting.ts'
import { LATE, sendAs, stateOf, statesOf } from './following.ts'
import {
  ALL,
  APP,
  DEAF,
  EVERYTHING,
  exactly,
  HOUR,
  type MakeEngine,
  range,
  scenario,
  tagged,
  type World,
} from './world.ts'

export async function recall(t: Test, makeEngine: MakeEngine): Promise<void> {
  await privateRecalls(t, makeEngine)
  await seen(t, makeEngine)
  await broadcastRecalls(t, makeEngine)
  await collapse(t, makeEngine)
  await broadcastCollapse(t, makeEngine)
  await removals(t, makeEngine)
}

async function privateRecalls(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'what is recalled is not pending any more', async (t, world) => {
    const token = await world.token()
    await sendAs(world, token, 'a')
    await sendAs(world, token, 'b')
    await sendAs(world, token, 'c')
    const times = { storedAt: world.now, expiresAt: world.now + HOUR }
    const recalled = { state: 'recalled', ...times, mayHaveBeenSeen: false } as const
    world.pass(1)
    t.same(await world.store.recall(token, 'b'), recalled)
    t.same(await world.texts(token), ['a', 'c'])
    t.same(await world.store.recall(token, 'b'), recalled, 'once more')
    await world.reopen()
    t.same(await world.store.recall(token, 'b'), recalled, 'also after a restart')
    t.same(await world.texts(token), ['a', 'c'])
    t.match(
      await world.send(token, { id: 'b', payload: 'b', dedupe: true }),
      { duplicate: true },
      'it does not come back',
    )
    t.equal(await world.store.recall(token, 'never'), undefined)
    t.equal(await world.store.recall(world.idOf({ device: 'none' }), 'a'), undefined)
    t.same(await world.texts(token), ['a', 'c'])
    const last = await sendAs(world, token, 'd')
    await world.store.commit([{ tokenId: token, private: last }])
    t.match(await world.store.recall(token, 'a'), { state: 'acknowledged', ...times, mayHaveBeenSeen: true })
    t.same(await statesOf(world, token, 'a', 'b', 'd'), ['acknowledged', 'recalled', 'acknowledged'])
    await sendAs(world, token, 'e', { ttl: 1_000 })
    world.pass(1_000)
    t.match(await world.store.recall(token, 'e'), { state: 'expired' })
    t.equal(await stateOf(world, token, 'e'), 'expired')
  })

  await scenario(
    t,
    makeEngine,
    'what is recalled is not retained either, also after it was acknowledged',
    async (t, world) => {
      const token = await world.token()
      const first = await sendAs(world, token, 'a', { retain: true })
      await world.store.recall(token, 'a')
      t.equal(await world.store.retainedPrivate(token), undefined)
      const second = await sendAs(world, token, 'b', { retain: true })
      await world.store.commit([{ tokenId: token, private: second }])
      t.match(await world.store.retainedPrivate(token), { id: 'b' })
      t.match(await world.store.recall(token, 'a'), { state: 'recalled' })
      t.match(await world.store.retainedPrivate(token), { id: 'b' }, 'that of another message stays')
      t.match(await world.store.recall(token, 'b'), { state: 'acknowledged' })
      t.equal(await world.store.retainedPrivate(token), undefined)
      await world.send(token, { id: 'c', retain: true })
      t.match(await world.store.recall(token, 'c'), { state: 'recalled' }, 'the server made its id')
      t.equal(await world.store.retainedPrivate(token), undefined)
      await world.reopen()
      t.equal(await world.store.retainedPrivate(token), undefined)
      t.ok(second > first)
    },
  )

  await scenario(t, makeEngine, 'a recalled message that was skipped is taken', async (t, world) => {
    const tokenId = await world.token()
    const large = await sendAs(world, tokenId, 'large')
    const next = await sendAs(world, tokenId, 'next')
    await world.store.commit([{ tokenId, private: next, skipped: { private: [large], broadcast: [] } }])
    t.match(await world.store.recall(tokenId, 'large'), { state: 'recalled' })
    t.same(await world.texts(tokenId), [])
    await world.store.commit([{ tokenId, taken: { private: [large], broadcast: [] } }])
    t.equal(await stateOf(world, tokenId, 'large'), 'recalled')
  })
}

async function seen(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'a recall says whether somebody may have seen the message', async (t, world) => {
    const { generation } = await world.register()
    const token = world.idOf()
    const recalled = async (id: string) => (await world.store.recall(token, id))?.mayHaveBeenSeen
    for (const id of ['a', 'b', 'c', 'd']) await sendAs(world, token, id)
    await world.texts(token)
    t.equal(await recalled('a'), false, 'the store was read, and nothing was handed out')
    const handed = await world.store.readPrivate(token, 0, { entries: 1, bytes: 1 }, { handsOut: true })
    t.match(handed.entries, [{ id: 'b' }])
    t.equal(await recalled('c'), false, 'it was not looked up')
    t.equal(await recalled('b'), true, 'it was looked up')

    const { epoch } = await world.open(token, generation)
    t.equal(await recalled('d'), true, 'there is a session')
    for (const id of ['e', 'f']) await sendAs(world, token, id)
    t.equal(await recalled('e'), true)
    await world.store.closeSession(token, epoch, { stateExpiresAt: 0 })
    t.equal(await recalled('f'), true, 'there was one')
    for (const id of ['g', 'h', 'i']) await sendAs(world, token, id)
    t.equal(await recalled('g'), false, 'there has been none since')
    await world.open(token, generation)
    const taken = await world.open(token, generation)
    await world.store.closeSession(token, taken.epoch, { stateExpiresAt: 0 })
    t.equal(await recalled('h'), true, 'two sessions, one after the other')
    await sendAs(world, token, 'j')
    await world.open(token, generation)
    await world.store.revokeToken(token)
    t.equal(await recalled('j'), true, 'it had a session when it was revoked')
    await world.reopen()
    t.match(await world.store.recall(token, 'g'), { state: 'recalled' })
    t.equal(await recalled('i'), true)
  })
}

async function broadcastRecalls(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'a broadcast is recalled', async (t, world) => {
    const send = (id: string, selector = ALL, retain = false) =>
      world.broadcast(selector, { id, payload: id, dedupe: true, retain })
    for (const id of ['a', 'b', 'c']) await send(id)
    const times = { storedAt: world.now, expiresAt: world.now + HOUR }
    const recalled = { state: 'recalled', ...times, mayHaveBeenSeen: true } as const
    t.same(await world.store.recallBroadcast(APP, 'b'), recalled)
    t.same(await world.broadcastTexts(), ['a', 'c'])
    t.same(await world.store.recallBroadcast(APP, 'b'), recalled)
    t.match(await send('b'), { duplicate: true })
    t.equal(await world.store.recallBroadcast(APP, 'never'), undefined)
    t.equal(await world.store.recallBroadcast('chat', 'a'), undefined)
    const first = (await world.store.readBroadcast(APP, 0, { entries: 1, bytes: 1 })).readTo
    await world.store.recallBroadcast(APP, 'a')
    const { entries, end } = await world.store.readBroadcast(APP, first, EVERYTHING)
    t.match(entries, [{ id: 'c' }])
    await world.store.recallBroadcast(APP, 'c')
    const empty = await world.store.readBroadcast(APP, 0, EVERYTHING)
    t.match(empty, { entries: [], end, readTo: end })
    await world.reopen()
    t.ok((await send('d')).offset > end, 'offsets go on')
    t.same(await world.broadcastTexts(), ['d'])
  })

  await scenario(t, makeEngine, 'a recalled broadcast is not retained, and brings none back', async (t, world) => {
    const send = (id: string, selector = ALL) =>
      world.broadcast(selector, { id, payload: id, dedupe: true, retain: true })
    const retained = async (version: string) => (await world.store.retainedBroadcast(APP, version, []))?.id
    await send('one', exactly('1.0.0'))
    await send('two', exactly('2.0.0'))
    await send('range', range('<2'))
    t.same([await retained('1.0.0'), await retained('1.5.0'), await retained('2.0.0')], ['range', 'range', 'two'])
    await world.store.recallBroadcast(APP, 'range')
    t.same([await retained('1.0.0'), await retained('1.5.0')], [undefined, undefined])
    t.equal(await retained('2.0.0'), 'two')
    await world.store.recallBroadcast(APP, 'one')
    t.equal(await retained('2.0.0'), 'two', 'one that was replaced takes nothing else with it')
    await world.store.recallBroadcast(APP, 'two')
    t.equal(await retained('2.0.0'), undefined)
    await send('all')
    await world.reopen()
    await world.store.recallBroadcast(APP, 'all')
    t.same([await retained('1.0.0'), await retained('2.0.0')], [undefined, undefined])
    t.same(await world.broadcastTexts(), [])
  })
}

async function collapse(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(
    t,
    makeEngine,
    'of messages with one collapse key, one is pending',
    async (t, world) => {
      const token = await world.token()
      const other = await world.token({ device: 'tablet' })
      const send = (id: string, collapseKey = 'k') => sendAs(world, token, id, { collapseKey })
      await send('a')
      await send('b', 'other')
      await sendAs(world, other, 'a', { collapseKey: 'k' })
      const full = await world.send(token, { id: 'c', payload: 'c', collapseKey: 'k', dedupe: true })
      t.equal(full.dropped, 0)
      t.match(await world.send(token, { id: 'd', payload: 'd', collapseKey: 'k', dedupe: true }), { dropped: 0 })
      t.same(await world.texts(token), ['b', 'd'], 'it went before room was made')
      t.same(await world.texts(other), ['a'])
      t.same(await statesOf(world, token, 'a', 'b', 'c', 'd'), ['replaced', 'pending', 'replaced', 'pending'])
      t.same(world.counted.counts.dropped.private, 0)
      await world.reopen()
      await send('e')
      t.same(await world.texts(token), ['b', 'e'])
      t.match(await world.send(token, { id: 'd', payload: 'd', collapseKey: 'k', dedupe: true }), { duplicate: true })
      t.same(await world.texts(token), ['b', 'e'], 'a duplicate replaces nothing')
    },
    { privateMessages: 2 },
  )

  await scenario(
    t,
    makeEngine,
    'what has ended is not replaced',
    async (t, world) => {
      const token = await world.token()
      const send = (id: string, ttl = HOUR, collapseKey = 'k') => sendAs(world, token, id, { collapseKey, ttl })
      await world.store.commit([{ tokenId: token, private: await send('acknowledged') }])
      await send('recalled')
      await world.store.recall(token, 'recalled')
      const late = await send('late', 1_000)
      world.pass(1_000)
      await send('purged')
      t.same(await statesOf(world, token, 'acknowledged', 'recalled', 'late'), ['acknowledged', 'recalled', 'expired'])
      await world.store.commit([{ tokenId: token, private: late }])
      t.same(await statesOf(world, token, 'late', 'purged'), ['acknowledged', 'pending'], 'it was acknowledged late')
      await world.store.revokeToken(token, { purge: true })
      await world.register()
      await send('dropped')
      await send('one', HOUR, 'x')
      await send('two', HOUR, 'y')
      await send('three', HOUR, 'z')
      await send('last')
      const ends = ['purged', 'dropped', 'one', 'two', 'last']
      t.same(await statesOf(world, token, ...ends), ['purged', 'dropped', 'dropped', 'pending', 'pending'])
    },
    { privateMessages: 3, lateAckMs: LATE },
  )

  await scenario(t, makeEngine, 'a replaced message stays retained until another one is', async (t, world) => {
    const tokenId = await world.token()
    const first = await sendAs(world, tokenId, 'a', { collapseKey: 'k', retain: true })
    await sendAs(world, tokenId, 'b', { collapseKey: 'k' })
    t.match(await world.store.retainedPrivate(tokenId), { id: 'a' })
    const skip = await sendAs(world, tokenId, 'c', { collapseKey: 'k' })
    await world.store.commit([{ tokenId, private: skip, skipped: { private: [skip], broadcast: [] } }])
    await sendAs(world, tokenId, 'd', { collapseKey: 'k', retain: true })
    t.same(await statesOf(world, tokenId, 'a', 'b', 'c', 'd'), ['replaced', 'replaced', 'replaced', 'pending'])
    t.same(await world.texts(tokenId), ['d'], 'what was skipped is replaced as well')
    t.match(await world.store.retainedPrivate(tokenId), { id: 'd' })
    t.ok(skip > first)
  })
}

async function broadcastCollapse(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(
    t,
    makeEngine,
    'of broadcasts with one collapse key and one selector, one is in the log',
    async (t, world) => {
      const send = (id: string, selector = ALL, collapseKey = 'k') =>
        world.broadcast(selector, { id, payload: id, collapseKey, dedupe: true })
      const state = async (id: string) => (await world.store.broadcastStatus(APP, id))?.state
      await send('all')
      await send('one', exactly('1'))
      await send('tagged', tagged(ALL, { any: ['x'] }))
      await send('other', ALL, 'other')
      t.same(await world.broadcastTexts(), ['all', 'one', 'tagged', 'other'])
      t.match(await send('all 2'), { dropped: 0 })
      t.match(await send('one 2', exactly('1')), { dropped: 0 })
      await world.broadcast(ALL, { collapseKey: 'k', payload: 'of another app' }, 'chat')
      t.same(await world.broadcastTexts(), ['tagged', 'other', 'all 2', 'one 2'])
      t.same(await Promise.all(['all', 'one', 'tagged'].map(state)), ['replaced', 'replaced', 'pending'])
      await world.reopen()
      await send('all 3')
      t.same(await world.broadcastTexts(), ['tagged', 'other', 'one 2', 'all 3'])
      t.match(await world.store.readBroadcast(APP, 0, EVERYTHING), { droppedThrough: undefined }, 'nobody missed any')
      const { offset } = await world.broadcast(ALL)
      t.equal((await world.store.readBroadcast(APP, 0, EVERYTHING)).entries.length, 4)
      t.equal(await state('tagged'), 'dropped')
      await send('tagged 2', tagged(ALL, { any: ['x'] }))
      t.same(await Promise.all(['tagged', 'tagged 2'].map(state)), ['dropped', 'pending'])
      t.ok(offset > 0)
    },
    { broadcastMessages: 4 },
  )
}

class Removals implements Watcher {
  readonly heard = new ArrivalQueue<readonly [of: string, offset: number]>('a removal')
  privateAppended = DEAF.privateAppended
  broadcastAppended = DEAF.broadcastAppended
  sessionEnded = DEAF.sessionEnded
  cursorMoved = DEAF.cursorMoved
  cursorsLost = DEAF.cursorsLost
  resync = DEAF.resync

  privateRemoved(tokenId: string, offset: number): void {
    this.heard.push([tokenId, offset])
  }

  broadcastRemoved(app: string, offset: number): void {
    this.heard.push([app, offset])
  }
}

async function removals(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'who may be sending it hears that a message was removed', async (t, world) => {
    const here = await session(world, 'phone')
    const followed = await world.token({ device: 'tablet' })
    const ear = new Removals()
    t.teardown(world.store.watch(ear))
    const stop = await world.store.follow(followed)
    const other = await world.otherNode()
    const first = await sendAs(world, here, 'a')
    await other.recall(here, 'a')
    t.same(await ear.heard.next(), [here, first])
    await other.recall(here, 'a')
    const second = await sendAs(world, here, 'b', { collapseKey: 'k' })
    await sendAs(world, here, 'c', { collapseKey: 'k' })
    t.same(await ear.heard.next(), [here, second], 'it was replaced; what is removed already is not told of again')
    const third = await sendAs(world, followed, 'd')
    await other.recall(followed, 'd')
    t.same(await ear.heard.next(), [followed, third])
    stop()

    const draft = { id: 'a', dedupe: true, collapseKey: 'k' }
    const one = await world.broadcast(ALL, draft)
    await other.recallBroadcast(APP, 'a')
    t.same(await ear.heard.next(), [APP, one.offset])
    const two = await world.broadcast(ALL, { ...draft, id: 'b' })
    await world.broadcast(ALL, { ...draft, id: 'c' })
    t.same(await ear.heard.next(), [APP, two.offset])
  })
}

async function session(world: World, device: string): Promise<string> {
  const { generation } = await world.register({ device })
  await world.open(world.idOf({ device }), generation)
  return world.idOf({ device })
}
