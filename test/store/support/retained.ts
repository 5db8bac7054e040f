/** The last retained message of private topics and of versions. */
import type { Test } from 'tap'
import { ALL, APP, DAY, exactly, HOUR, type MakeEngine, range, scenario, tagged, text, type World } from './world.ts'

export async function retained(t: Test, makeEngine: MakeEngine): Promise<void> {
  await privateTopics(t, makeEngine)
  await broadcastTopics(t, makeEngine)
  await hiding(t, makeEngine)
  await tags(t, makeEngine)
  await limits(t, makeEngine)
}

/** What a new subscriber of each version gets. */
async function seen(world: World, ...versions: string[]): Promise<(string | undefined)[]> {
  const entries = await Promise.all(versions.map((version) => world.store.retainedBroadcast(APP, version, [])))
  return entries.map((entry) => entry && text(entry))
}

async function privateTopics(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'the last retained private message stays until it is replaced', async (t, world) => {
    const token = await world.token()
    const other = await world.token({ device: 'tablet' })
    t.equal(await world.store.retainedPrivate(token), undefined)
    await world.send(token, { payload: 'one', retain: true })
    const two = await world.send(token, { payload: 'two', retain: true })
    const three = await world.send(token, { payload: 'three' })
    const entry = await world.store.retainedPrivate(token)
    t.match(entry, { offset: two.offset, retain: true })
    t.equal(entry && text(entry), 'two')
    await world.store.commit([{ tokenId: token, private: three.offset }])
    t.match(await world.store.retainedPrivate(token), { offset: two.offset }, 'acknowledged')
    await world.reopen()
    t.match(await world.store.retainedPrivate(token), { offset: two.offset }, 'restarted')
    t.equal(await world.store.retainedPrivate(other), undefined)
  })

  await scenario(t, makeEngine, 'an empty payload clears the retained private message', async (t, world) => {
    const token = await world.token()
    await world.send(token, { payload: 'one', retain: true })
    await world.send(token, { payload: '' })
    t.ok(await world.store.retainedPrivate(token), 'not by a message that is not retained')
    await world.send(token, { payload: '', retain: true })
    t.equal(await world.store.retainedPrivate(token), undefined)
    t.same(await world.texts(token), ['one', '', ''], 'it is delivered nonetheless')
    await world.reopen()
    t.equal(await world.store.retainedPrivate(token), undefined)
  })

  await scenario(t, makeEngine, 'a retained private message ends with its time to live', async (t, world) => {
    const token = await world.token()
    await world.send(token, { payload: 'one', retain: true, ttl: HOUR })
    await world.send(token, { payload: 'two', ttl: DAY })
    world.pass(HOUR - 1)
    t.ok(await world.store.retainedPrivate(token))
    world.pass(1)
    t.equal(await world.store.retainedPrivate(token), undefined)
    await world.store.sweep()
    t.equal(await world.store.retainedPrivate(token), undefined)
  })
}

async function broadcastTopics(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'a version gets the last retained broadcast that selects it', async (t, world) => {
    t.same(await seen(world, '1.0'), [undefined])
    await world.broadcast(ALL, { payload: 'all', retain: true })
    await world.broadcast(exactly('1.0'), { payload: 'one', retain: true })
    const two = await world.broadcast(range('>=2'), { payload: 'two', retain: true })
    await world.broadcast(ALL, { payload: 'not retained' })
    t.same(await seen(world, '1.0', '1.1', '2.3', 'nightly'), ['one', 'all', 'two', 'all'])
    t.match(await world.store.retainedBroadcast(APP, '2.3', []), {
      offset: two.offset,
      selector: range('>=2'),
      retain: true,
    })
    t.equal(await world.store.retainedBroadcast('chat', '1.0', []), undefined)
    await world.broadcast(exactly('1.0'), { payload: 'one again', retain: true })
    t.same(await seen(world, '1.0'), ['one again'], 'the same selector replaces')
    await world.reopen()
    t.same(await seen(world, '1.0', '1.1', '2.3'), ['one again', 'all', 'two'], 'restarted')
    await world.broadcast(ALL, { payload: 'all again', retain: true })
    t.same(await seen(world, '1.0', '1.1', '2.3'), ['all again', 'all again', 'all again'])
  })

  await scenario(
    t,
    makeEngine,
    'a retained broadcast outlives its place in the log',
    async (t, world) => {
      await world.broadcast(exactly('1.0'), { payload: 'kept', retain: true })
      await world.broadcast(ALL)
      await world.broadcast(ALL)
      t.equal((await world.broadcastTexts()).includes('kept'), false)
      t.same(await seen(world, '1.0'), ['kept'])
    },
    { broadcastMessages: 2 },
  )
}

/** As with one retained message a topic: what was replaced for a version does not come back for it. */
async function hiding(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'an empty payload clears for the versions it selects', async (t, world) => {
    await world.broadcast(ALL, { payload: 'all', retain: true })
    await world.broadcast(exactly('1.0'), { payload: '', retain: true })
    t.same(await seen(world, '1.0', '1.1'), [undefined, 'all'])
    await world.reopen()
    t.same(await seen(world, '1.0', '1.1'), [undefined, 'all'], 'restarted')
    await world.broadcast(range('>=1'), { payload: '', retain: true })
    t.same(await seen(world, '1.0', '1.1', 'nightly'), [undefined, undefined, 'all'])
    await world.broadcast(exactly('1.0'), { payload: 'back', retain: true })
    t.same(await seen(world, '1.0', '1.1', 'nightly'), ['back', undefined, 'all'])
    await world.broadcast(ALL, { payload: '', retain: true })
    t.same(await seen(world, '1.0', '1.1', 'nightly'), [undefined, undefined, undefined])
    t.equal((await world.broadcastTexts()).length, 5, 'all of them are in the log')
  })

  await scenario(t, makeEngine, 'a clearing holds as long as what it hides', async (t, world) => {
    await world.broadcast(ALL, { payload: 'all', retain: true, ttl: DAY })
    await world.broadcast(exactly('1.0'), { payload: '', retain: true, ttl: HOUR })
    world.pass(2 * HOUR)
    t.same(await seen(world, '1.0', '1.1'), [undefined, 'all'])
    await world.store.sweep()
    t.same(await seen(world, '1.0', '1.1'), [undefined, 'all'])
  })

  await scenario(t, makeEngine, 'a retained broadcast ends with its time to live', async (t, world) => {
    await world.broadcast(ALL, { payload: 'all', retain: true, ttl: DAY })
    await world.broadcast(exactly('1.0'), { payload: 'one', retain: true, ttl: HOUR })
    world.pass(HOUR - 1)
    t.same(await seen(world, '1.0', '1.1'), ['one', 'all'])
    world.pass(1)
    t.same(await seen(world, '1.0', '1.1'), [undefined, 'all'], 'what it replaced does not come back')
    await world.store.sweep()
    t.same(await seen(world, '1.0', '1.1'), [undefined, 'all'])
    world.pass(DAY)
    await world.store.sweep()
    t.same(await seen(world, '1.0', '1.1'), [undefined, undefined])
  })
}

async function tags(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'tags choose among retained broadcasts as versions do', async (t, world) => {
    const seenBy = async (version: string, ...tags: string[]) => {
      const entry = await world.store.retainedBroadcast(APP, version, tags)
      return entry && text(entry)
    }
    const beta = tagged(ALL, { any: ['beta', 'staff'] })
    const others = tagged(exactly('1.0'), { none: ['beta'] })
    await world.broadcast(beta, { payload: 'for testers', retain: true })
    t.same([await seenBy('1.0'), await seenBy('1.0', 'beta')], [undefined, 'for testers'])
    await world.broadcast(others, { payload: 'for others', retain: true })
    const before = await world.store.retainedBroadcast(APP, '1.0', [])
    t.strictSame(before?.selector, others, 'as it was given')
    for (const restarted of [false, true]) {
      if (restarted) await world.reopen()
      t.same([await seenBy('1.0'), await seenBy('2.0')], ['for others', undefined])
      t.same([await seenBy('1.0', 'beta'), await seenBy('2.0', 'beta', 'x')], ['for testers', 'for testers'])
      t.same([await seenBy('1.0', 'staff'), await seenBy('2.0', 'staff')], ['for others', 'for testers'])
    }
    await world.broadcast(tagged(exactly('1.0'), { all: ['staff'] }), { payload: '', retain: true })
    t.same([await seenBy('1.0', 'staff'), await seenBy('1.0')], [undefined, 'for others'], 'cleared for some')
    t.equal(await seenBy('2.0', 'staff'), 'for testers')
    await world.store.sweep()
    t.equal(await seenBy('1.0', 'staff'), undefined, 'what was cleared stays so while it hides another one')
    await world.broadcast(others, { payload: '', retain: true })
    await world.broadcast(beta, { payload: '', retain: true })
    t.same(await world.store.retainedBroadcasts(APP), [], 'nothing is left to hide')
    await world.broadcast(beta, { payload: 'again', retain: true })
    await world.broadcast(ALL, { payload: 'all', retain: true })
    t.same([await seenBy('1.0', 'beta'), await seenBy('1.0')], ['all', 'all'], 'one for all replaces every other')
    t.equal((await world.store.retainedBroadcasts(APP)).length, 1)
  })

  await scenario(
    t,
    makeEngine,
    'every choice of tags counts as another retained broadcast',
    async (t, world) => {
      await world.broadcast(tagged(ALL, { any: ['one'] }), { retain: true })
      await world.broadcast(tagged(ALL, { any: ['two'] }), { retain: true })
      const third = world.broadcast(tagged(ALL, { any: ['three'] }), { retain: true })
      await t.rejects(third, { code: 'RETAINED_LIMIT' }, 'all versions with tags are not all')
      await world.broadcast(ALL, { retain: true })
    },
    { retainedBroadcasts: 2 },
  )
}

async function limits(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(
    t,
    makeEngine,
    'an app has a limit of different retained broadcasts',
    async (t, world) => {
      await world.broadcast(exactly('1'), { payload: 'one', retain: true })
      await world.broadcast(exactly('2'), { payload: 'two', retain: true })
      const before = await world.broadcastTexts()
      await t.rejects(world.broadcast(exactly('3'), { payload: 'three', retain: true }), { code: 'RETAINED_LIMIT' })
      t.same(await world.broadcastTexts(), before, 'what was refused is not stored')
      await world.broadcast(exactly('3'), { payload: 'three' })
      await world.broadcast(exactly('2'), { payload: 'two again', retain: true })
      await world.broadcast(exactly('1'), { payload: 'another app', retain: true }, 'chat')
      await world.broadcast(exactly('1'), { payload: '', retain: true })
      await world.broadcast(exactly('3'), { payload: 'three', retain: true })
      t.same(await seen(world, '1', '2', '3'), [undefined, 'two again', 'three'], 'clearing made room')
    },
    { retainedBroadcasts: 2 },
  )

  await scenario(
    t,
    makeEngine,
    'expired retained broadcasts make room',
    async (t, world) => {
      await world.broadcast(exactly('1'), { payload: 'one', retain: true, ttl: HOUR })
      await world.broadcast(exactly('2'), { payload: 'two', retain: true, ttl: HOUR })
      world.pass(2 * HOUR)
      await world.store.sweep()
      await world.broadcast(exactly('3'), { payload: 'three', retain: true })
      t.same(await seen(world, '1', '2', '3'), [undefined, undefined, 'three'])
    },
    { retainedBroadcasts: 2 },
  )
}
