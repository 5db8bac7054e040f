/** Sessions that are known by a name. */
import type { Test } from 'tap'
import type { OpenedNamedSession, Watcher } from '../../../store/contract.ts'
import { HOUR, type MakeEngine, scenario, type World } from './world.ts'

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
    const watcher: Watcher = {
      privateAppended: () => undefined,
      broadcastAppended: () => undefined,
      sessionEnded: () => undefined,
      cursorMoved: () => undefined,
      cursorsLost: () => undefined,
      resync: () => undefined,
      namedSessionEnded: (name, epoch) => resolve({ name, epoch }),
    }
    t.teardown(world.store.watch(watcher))
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
    t.match(await open(world, true), { state: undefined, unclean: false }, 'a clean start')
  })
}
