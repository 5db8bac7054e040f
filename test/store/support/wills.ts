/** Wills that wait with the session of a device, or of a name, until their time has come. */
import type { Test } from 'tap'
import type { SessionOwner, Store } from '../../../store/contract.ts'
import { ArrivalQueue } from '../../support/waiting.ts'
import { openSession } from './session-logs.ts'
import { DEAF, HOUR, type MakeEngine, scenario, type World } from './world.ts'

const STATE = Buffer.from('state')

/** A session that is closed with a will, and what is done with it. */
interface Owner {
  readonly session: SessionOwner
  open(cleanStart?: boolean): Promise<number>
  /** Gives the will that the session which is opened has ended. */
  openAndEnd(cleanStart: boolean): Promise<string | undefined>
  close(epoch: number, publishAt: number, stateExpiresAt: number): Promise<void>
}

function named({ store }: World, name: string): Owner {
  return {
    session: { name },
    open: async (cleanStart = false) => (await store.openNamedSession(name, cleanStart)).epoch,
    openAndEnd: async (cleanStart) => textOf((await store.openNamedSession(name, cleanStart)).will),
    close: (epoch, publishAt, stateExpiresAt) =>
      store.closeNamedSession(name, epoch, {
        state: STATE,
        stateExpiresAt,
        will: { publishAt, value: Buffer.from('will') },
      }),
  }
}

async function ofDevice(world: World, device: string): Promise<Owner> {
  const { store } = world
  const { generation } = await world.register({ device })
  const tokenId = world.idOf({ device })
  return {
    session: { tokenId },
    open: async (cleanStart = false) => (await world.open(tokenId, generation, cleanStart)).epoch,
    openAndEnd: async (cleanStart) => textOf((await world.open(tokenId, generation, cleanStart)).will),
    close: (epoch, publishAt, stateExpiresAt) =>
      store.closeSession(tokenId, epoch, {
        state: STATE,
        stateExpiresAt,
        will: { publishAt, value: Buffer.from('will') },
      }),
  }
}

async function take(store: Store, { session }: Owner, epoch: number, until: number): Promise<string | undefined> {
  const value = await store.takeWill(session, epoch, until)
  return textOf(value)
}

function textOf(value: Uint8Array | undefined): string | undefined {
  return value && Buffer.from(value).toString()
}

export async function wills(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'wills', async (t, world) => {
    await t.test('of a session by name', (t) => life(t, world, (name) => named(world, name)))
    await t.test('of a device', (t) => life(t, world, (name) => ofDevice(world, name)))

    await t.test('a device that is revoked has no will', async (t) => {
      const lost = await ofDevice(world, 'lost')
      const epoch = await lost.open()
      await lost.close(epoch, world.now, world.now + HOUR)
      await world.store.revokeToken(world.idOf({ device: 'lost' }))
      t.equal(await take(world.store, lost, epoch, world.now + HOUR), undefined)
    })

    await t.test('a device that is revoked has none, however late its session is closed', async (t) => {
      const lost = await ofDevice(world, 'lost and late')
      const epoch = await lost.open()
      await lost.open(true)
      await world.store.revokeToken(world.idOf({ device: 'lost and late' }))
      await lost.close(epoch, world.now, world.now + HOUR)
      t.equal(await take(world.store, lost, epoch, world.now + HOUR), undefined)
    })

    await t.test('a session that ends at its close has none', async (t) => {
      const epoch = await openSession(world, 'ends')
      const will = { publishAt: world.now, value: Buffer.from('will') }
      await world.store.closeNamedSession('ends', epoch, { stateExpiresAt: 0, will })
      t.equal(await take(world.store, named(world, 'ends'), epoch, world.now + HOUR), undefined)
    })
  })
}

async function life(t: Test, world: World, make: (name: string) => Owner | Promise<Owner>): Promise<void> {
  await t.test('it is taken at its time, by one, until it is published', async (t) => {
    const owner = await make('waits')
    const due = new ArrivalQueue<{ session: SessionOwner; epoch: number }>('a will that is due')
    t.teardown(world.store.watch({ ...DEAF, willDue: (session, epoch) => due.push({ session, epoch }) }))
    const epoch = await owner.open()
    await owner.close(epoch, world.now + 1_000, world.now + HOUR)
    const other = await world.otherNode()
    world.pass(999)
    await world.store.sweep()
    t.equal(await take(world.store, owner, epoch, world.now + 500), undefined, 'not before')
    world.pass(1)
    await world.store.sweep()
    t.same(await due.next(), { session: owner.session, epoch })
    t.equal(await take(other, owner, epoch + 1, world.now + 500), undefined, 'of another session')
    const until = world.now + 500
    const taken = await Promise.all([world.store, other].map((store) => take(store, owner, epoch, until)))
    t.same(
      taken.filter((value) => value !== undefined),
      ['will'],
      'one has it',
    )
    world.pass(499)
    t.equal(await take(world.store, owner, epoch, until), undefined)
    world.pass(1)
    await world.store.sweep()
    t.same(await due.next(), { session: owner.session, epoch }, 'nobody has published it')
    await world.reopen()
    t.equal(await take(world.store, owner, epoch, world.now), 'will', 'after a restart too')
    await world.store.willPublished(owner.session, epoch)
    await world.store.willPublished(owner.session, epoch)
    t.equal(await take(world.store, owner, epoch, world.now + 500), undefined)
  })

  await t.test('who ends the session that it waits with has it, once', async (t) => {
    const owner = await make('ends')
    const wait = async (cleanStart: boolean, stateMs = HOUR) => {
      const epoch = await owner.open()
      await owner.close(epoch, world.now + Math.min(500, stateMs), world.now + stateMs)
      world.pass(100)
      return await owner.openAndEnd(cleanStart)
    }
    t.equal(await wait(true), 'will', 'a clean start ends it')
    t.equal(await owner.openAndEnd(true), undefined)
    t.equal(await wait(false), undefined, 'it is resumed')
    t.equal(await wait(false, 50), 'will', 'its time had come')
    const epoch = await owner.open()
    await owner.close(epoch, world.now, world.now + HOUR)
    t.equal(await take(world.store, owner, epoch, world.now + 500), 'will')
    t.equal(await owner.openAndEnd(true), undefined, 'somebody has taken it')
  })

  await t.test('a session is closed after a newer one has begun', async (t) => {
    const owner = await make('late')
    const due = new ArrivalQueue<number>('a will that is due')
    t.teardown(world.store.watch({ ...DEAF, willDue: (_, epoch) => due.push(epoch) }))
    const late = async (cleanStart: boolean) => {
      const epoch = await owner.open()
      const newer = await owner.open(cleanStart)
      await owner.close(epoch, world.now + 1_000, world.now + HOUR)
      return [epoch, newer] as const
    }
    for (const epoch of await late(false))
      t.equal(await take(world.store, owner, epoch, world.now + 500), undefined, 'it goes on')
    const [, newer] = await late(true)
    const told = await due.next()
    t.equal(await take(world.store, owner, told, world.now + 500), 'will', 'nothing of it goes on')
    await world.store.willPublished(owner.session, told)
    await owner.close(newer, world.now, world.now + HOUR)
    t.equal(await take(world.store, owner, newer, world.now + 500), 'will', 'the newer one has its own')
    await world.store.willPublished(owner.session, newer)
    await late(true)
    await due.next()
    t.equal(await owner.openAndEnd(false), undefined, 'a newer one goes on')
  })

  await t.test('it is gone when the session is opened again', async (t) => {
    const owner = await make('returns')
    const epoch = await owner.open()
    await owner.close(epoch, world.now, world.now + HOUR)
    const newer = await owner.open()
    t.equal(await take(world.store, owner, epoch, world.now + 500), undefined)
    t.equal(await take(world.store, owner, newer, world.now + 500), undefined)
    await owner.close(newer, world.now, world.now + HOUR)
    await world.store.willPublished(owner.session, epoch)
    t.equal(await take(world.store, owner, newer, world.now + 500), 'will', 'an older one says nothing of it')
    await world.store.willPublished(owner.session, newer)
  })

  await t.test('it outlives the session that it ends with', async (t) => {
    const owner = await make('is over')
    const epoch = await owner.open()
    await owner.close(epoch, world.now + HOUR, world.now + HOUR)
    world.pass(2 * HOUR)
    await world.store.sweep()
    t.equal(await take(world.store, owner, epoch, world.now), 'will')
    await world.store.sweep()
    t.equal(await take(world.store, owner, epoch, world.now + 500), 'will', 'until it is published')
    await world.store.willPublished(owner.session, epoch)
    t.equal(await take(world.store, owner, epoch, world.now + 1_000), undefined)
  })
}
