/** Sessions that are known by a name. */
import type { Test } from 'tap'
import type { OpenedNamedSession } from '../../../store/contract.ts'
import { anySession, STORED_MESSAGES } from './any-session.ts'
import { DAY, DEAF, HOUR, type MakeEngine, scenario, type World } from './world.ts'

const NAME = 'provider/shop/backend 1'

function open(world: World, cleanStart = false, name = NAME): Promise<OpenedNamedSession> {
  return world.store.openNamedSession(name, cleanStart)
}

function stateOf({ state }: OpenedNamedSession): string | undefined {
  return state && Buffer.from(state).toString()
}

/** The first end that is heard of. */
function ending(t: Test, world: World): Promise<{ name: string; epoch: number }> {
  return new Promise((resolve) => {
    t.teardown(world.store.watch({ ...DEAF, namedSessionEnded: (name, epoch) => resolve({ name, epoch }) }))
  })
}

export async function namedSessions(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'a session is kept until its time', async (t, world) => {
    const first = await open(world)
    t.match(first, { state: undefined, unclean: false })
    t.ok(first.epoch > 0)
    await world.store.closeNamedSession(NAME, first.epoch, {
      state: Buffer.from('kept'),
      stateExpiresAt: world.now + HOUR,
    })
    world.pass(HOUR - 1)
    await world.store.sweep()
    const second = await open(world)
    t.equal(stateOf(second), 'kept')
    t.equal(second.unclean, false)
    t.ok(second.epoch > first.epoch)
    t.equal(stateOf(await open(world, false, 'another')), undefined)
    await world.store.closeNamedSession(NAME, second.epoch, {
      state: Buffer.from('again'),
      stateExpiresAt: world.now + HOUR,
    })
    world.pass(HOUR)
    t.match(await open(world), { state: undefined, unclean: false }, 'also before a sweep')
  })

  await scenario(t, makeEngine, 'a newer session fences an older one', async (t, world) => {
    const ended = ending(t, world)
    const first = await open(world)
    await world.store.saveNamedSession(NAME, first.epoch, Buffer.from('saved'))
    const second = await open(world)
    t.match(second, { unclean: true })
    t.equal(stateOf(second), 'saved')
    t.same(await ended, { name: NAME, epoch: first.epoch })
    const late = world.store.saveNamedSession(NAME, first.epoch, Buffer.from('late'))
    await t.rejects(late, { code: 'SESSION_TAKEN_OVER' })
    await world.store.closeNamedSession(NAME, first.epoch, { stateExpiresAt: 0 })
    await world.reopen()
    const third = await open(world)
    t.equal(stateOf(third), 'saved', 'the older one ended nothing')
    t.equal(third.unclean, true)
    t.ok(third.epoch > second.epoch)
  })

  await scenario(t, makeEngine, 'nothing stays of a session that ends', async (t, world) => {
    const first = await open(world)
    await world.store.saveNamedSession(NAME, first.epoch, Buffer.from('saved'))
    await world.store.closeNamedSession(NAME, first.epoch, { stateExpiresAt: 0 })
    await t.rejects(world.store.saveNamedSession(NAME, first.epoch, Buffer.from('late')), {
      code: 'SESSION_TAKEN_OVER',
    })
    const second = await open(world)
    t.match(second, { state: undefined, unclean: false })
    await world.store.saveNamedSession(NAME, second.epoch, Buffer.from('saved'))
    const clean = await open(world, true)
    t.match(clean, { state: undefined, unclean: false }, 'a clean start')
    t.equal(Buffer.from(clean.discarded ?? '').toString(), 'saved', 'gives what it discards')
    t.notOk('discarded' in (await open(world, true)), 'once')
    t.equal(stateOf(await open(world)), undefined, 'it is gone, not only left out')
  })
  await ends(t, makeEngine)
  await names(t, makeEngine)
  const few = { storedMessages: STORED_MESSAGES }
  const anySequence = (t: Test, world: World) => t.resolves(anySession(world)).then(() => undefined)
  await scenario(t, makeEngine, 'any sequence of calls', anySequence, few)
}

async function ends(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'epochs of a name only grow, also when it was forgotten', async (t, world) => {
    const epochs = (await Promise.all([open(world), open(world), open(world)])).map(({ epoch }) => epoch)
    await world.store.closeNamedSession(NAME, epochs[2]!, { stateExpiresAt: 0 })
    epochs.push((await open(world)).epoch)
    await world.store.closeNamedSession(NAME, epochs[3]!, { state: Buffer.from('kept'), stateExpiresAt: world.now + 1 })
    world.pass(1)
    await world.store.sweep()
    await world.reopen()
    epochs.push((await open(world)).epoch)
    t.same(
      epochs,
      [...new Set(epochs)].sort((one, other) => one - other),
    )
    for (const epoch of epochs.slice(0, -1)) {
      const late = world.store.saveNamedSession(NAME, epoch, Buffer.from('late'))
      await t.rejects(late, { code: 'SESSION_TAKEN_OVER' })
    }
  })

  await scenario(t, makeEngine, 'a session may be kept for ever, and be closed again', async (t, world) => {
    const close = (epoch: number, text: string, stateExpiresAt: number) =>
      world.store.closeNamedSession(NAME, epoch, { state: Buffer.from(text), stateExpiresAt })
    const first = await open(world)
    await close(first.epoch, 'for an hour', world.now + HOUR)
    await close(first.epoch, '', Infinity)
    world.pass(30 * DAY)
    await world.store.sweep()
    const second = await open(world)
    t.match(second, { unclean: false })
    t.equal(stateOf(second), '', 'an empty state is one')
    await close(second.epoch, 'for ever', Infinity)
    await close(second.epoch, 'for an hour', world.now + HOUR)
    world.pass(HOUR)
    await close(second.epoch, 'late', Infinity)
    t.equal(stateOf(await open(world)), undefined, 'what has ended does not come back')
  })

  await scenario(t, makeEngine, 'a session that was opened again does not end at its former time', async (t, world) => {
    const first = await open(world)
    const kept = { state: Buffer.from('kept'), stateExpiresAt: world.now + HOUR }
    await world.store.closeNamedSession(NAME, first.epoch, kept)
    const second = await open(world)
    world.pass(30 * DAY)
    await world.store.sweep()
    await world.store.saveNamedSession(NAME, second.epoch, Buffer.from('saved'))
    await world.reopen()
    const third = await open(world)
    t.equal(stateOf(third), 'saved')
    t.equal(third.unclean, true, 'its node is gone')
  })

  await scenario(t, makeEngine, 'a session that nobody knows', async (t, world) => {
    const save = world.store.saveNamedSession(NAME, 1, Buffer.from('state'))
    await t.rejects(save, { code: 'SESSION_TAKEN_OVER' })
    await world.store.closeNamedSession(NAME, 1, { state: Buffer.from('state'), stateExpiresAt: Infinity })
    t.match(await open(world), { state: undefined, unclean: false })
  })
}

async function names(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'names are long, of any character, and each its own', async (t, world) => {
    const long = 'ü'.repeat(35_000)
    const all = ['a', 'ab', 'A', 'a\0', long, `${long}b`, `${long.slice(1)}ab`, '{}:/%', 'constructor']
    const opened = await Promise.all(all.map((name) => open(world, false, name)))
    for (const [position, name] of all.entries()) {
      await world.store.saveNamedSession(name, opened[position]!.epoch, Buffer.from(`state ${position}`))
    }
    const ended = ending(t, world)
    const again = await open(world, false, long)
    t.same(await ended, { name: long, epoch: opened[4]!.epoch })
    await world.store.closeNamedSession(long, again.epoch, { stateExpiresAt: 0 })
    await world.reopen()
    const resumed = await Promise.all(all.map((name) => open(world, false, name)))
    const states = all.map((_, position) => (position === 4 ? undefined : `state ${position}`))
    t.same(resumed.map(stateOf), states)
  })
}
