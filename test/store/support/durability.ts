/** What is there after the process is gone, and what a store says that is closed. */
import type { Test } from 'tap'
import { eventLog } from '../../../store/contract.ts'
import { deliver, entriesOf } from './session-logs.ts'
import { subscribe } from './subscriptions.ts'
import { ALL, DAY, exactly, HOUR, type MakeEngine, scenario, text, type World } from './world.ts'

const STATE = Buffer.from('state')

export async function durability(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'everything is there after a restart', async (t, world) => {
    await restarted(t, world, () => world.reopen())
  })

  await scenario(t, makeEngine, 'everything is there after the process was killed', async (t, world) => {
    if (world.engine.crash === undefined) return void t.pass('this engine is killed in a test of its own')
    await restarted(t, world, () => world.crash())
  })

  await scenario(t, makeEngine, 'a secret is made once', async (t, world) => {
    let made = 0
    const make = (name: string) => world.store.secret(name, () => `${name} ${(made += 1)}`)
    const first = await make('signing')
    const all = await Promise.all(['signing', 'signing', 'hash', 'hash'].map(make))
    t.same(all.slice(0, 2), [first, first])
    t.equal(all[2], all[3])
    t.not(all[2], first)
    await world.reopen()
    t.equal(await make('signing'), first)
    t.equal(await make('hash'), all[2])
  })

  await scenario(t, makeEngine, 'a store that is open is healthy', async (t, world) => {
    t.ok(Array.isArray((await world.store.health()).warnings))
  })

  await scenario(t, makeEngine, 'a store that is closed says so', async (t, world) => {
    const token = await world.token()
    const written = world.send(token, { payload: 'just before' })
    const { store } = world
    await store.close()
    await written
    const unavailable = { code: 'STORE_UNAVAILABLE' }
    await t.rejects(store.health(), unavailable)
    await t.rejects(world.send(token), unavailable)
    await t.rejects(world.broadcast(ALL), unavailable)
    await t.rejects(world.register(), unavailable)
    await t.rejects(store.lookupToken(token), unavailable)
    await t.rejects(world.texts(token), unavailable)
    await t.rejects(store.retainedBroadcast('weather', '1', []), unavailable)
    await t.rejects(store.commit([{ tokenId: token, private: 1 }]), unavailable)
    await t.rejects(world.open(token, 1), unavailable)
    await t.rejects(store.openNamedSession('name', false), unavailable)
    await world.reopen()
    t.same(await world.texts(token), ['just before'], 'closing waited for what was under way')
  })
}

/** One that stays open, one that was closed, and one that has ended; their epochs. */
async function sessionsByName({ store, now }: World): Promise<readonly number[]> {
  const all = await Promise.all(['open', 'closed', 'ended'].map((name) => store.openNamedSession(name, false)))
  const [open = 0, closed = 0, ended = 0] = all.map(({ epoch }) => epoch)
  await store.saveNamedSession('open', open, STATE)
  await store.closeNamedSession('closed', closed, { state: STATE, stateExpiresAt: now + DAY })
  await store.saveNamedSession('ended', ended, STATE)
  await store.closeNamedSession('ended', ended, { stateExpiresAt: 0 })
  return [open, closed, ended]
}

async function resumedByName(t: Test, { store }: World, before: readonly number[]): Promise<void> {
  const all = await Promise.all(['open', 'closed', 'ended'].map((name) => store.openNamedSession(name, false)))
  t.same(
    all.map(({ state, unclean }) => [state && Buffer.from(state), unclean]),
    [
      [STATE, true],
      [STATE, false],
      [undefined, false],
    ],
  )
  t.ok(all.every(({ epoch }, position) => epoch > before[position]!))
}

/** A session that has a log, subscriptions, packet ids and a will, and the reader of an event log. */
async function fullSession(world: World): Promise<number> {
  const { store } = world
  const { epoch } = await store.openNamedSession('full', false)
  await subscribe(world, 'full', epoch, ['a=1', 'b=2'])
  await subscribe(world, 'full', epoch, ['a'])
  for (const payload of ['1', '2', '3']) await deliver(world, ['full'], payload, { qos: 2, uid: payload })
  const [one, two] = await entriesOf(world, 'full')
  await store.commitSession({ name: 'full', epoch, done: [one?.offset ?? 0], released: [two?.offset ?? 0] })
  await store.rememberReceived('full', epoch, 7, 'seven')
  await store.rememberReceived('full', epoch, 8, 'eight')
  await store.releaseReceived('full', epoch, 8)
  await store.openReader({ app: eventLog('weather'), reader: 'reader', expiresAt: Infinity })
  const message = world.message({ payload: 'event', ttl: DAY })
  await store.appendEvents([{ app: 'weather', tokenId: world.idOf(), subject: 'acknowledged', message }])
  const will = { publishAt: world.now, value: Buffer.from('will') }
  await store.closeNamedSession('full', epoch, { state: STATE, stateExpiresAt: world.now + DAY, will })
  return epoch
}

async function isFull(t: Test, world: World, epoch: number): Promise<void> {
  const { store } = world
  const part = store.upstreamPart(world.idOf())
  const events = await store.readUpstream(eventLog('weather'), part, 0, { entries: 10, bytes: Infinity })
  t.same(events.entries.map(text), ['event'])
  t.same(await store.takeWill({ name: 'full' }, epoch, world.now + DAY), Buffer.from('will'))
  const { epoch: resumed } = await store.openNamedSession('full', false)
  t.match(
    (await store.subscriptionsOf('full'))?.filters.map(([filter]) => filter),
    ['b'],
  )
  t.same(
    (await entriesOf(world, 'full')).map((entry) => [text(entry), entry.released]),
    [
      ['2', true],
      ['3', false],
    ],
  )
  t.same(await deliver(world, ['full'], '3', { uid: '3' }), ['duplicate'])
  t.equal(await store.releaseReceived('full', resumed, 7), 'seven')
  t.equal(await store.releaseReceived('full', resumed, 8), undefined)
}

async function restarted(t: Test, world: World, restart: () => Promise<void>): Promise<void> {
  const { generation } = await world.register()
  const token = world.idOf()
  const revoked = await world.token({ device: 'lost' })
  await world.store.revokeToken(revoked)
  const previous = await world.token({ device: 'shared', account: 'anna' })
  await world.register({ device: 'shared', account: 'bert' })

  const sent = await Promise.all(['one', 'two', 'three'].map((payload) => world.send(token, { payload, ttl: DAY })))
  const broadcast = await world.broadcast(ALL, { payload: 'first' })
  const second = { payload: 'second', retain: true, id: 'b', dedupe: true }
  const last = await world.broadcast(exactly('2'), second)
  const kept = { payload: 'kept', retain: true, ttl: HOUR, id: 'p', dedupe: true }
  await world.send(token, kept)
  const session = await world.open(token, generation)
  await world.store.saveSession(token, session.epoch, STATE)
  await world.store.commit([
    { tokenId: token, epoch: session.epoch, private: sent[0]!.offset, broadcast: broadcast.offset },
  ])
  const named = await sessionsByName(world)
  const full = await fullSession(world)

  await restart()

  const cursors = { private: sent[0]!.offset, broadcast: broadcast.offset }
  t.match(await world.store.lookupToken(token), { generation, revoked: false, current: true, cursors })
  t.match(await world.store.lookupToken(revoked), { revoked: true })
  t.match(await world.store.lookupToken(previous), { current: false })
  t.same(await world.texts(token), ['two', 'three', 'kept'])
  t.same(await world.broadcastTexts(), ['first', 'second'])
  t.equal(text((await world.store.retainedPrivate(token))!), 'kept')
  t.equal(text((await world.store.retainedBroadcast('weather', '2', []))!), 'second')
  t.match(await world.send(token, kept), { duplicate: true })
  t.match(await world.broadcast(exactly('2'), second), { duplicate: true, offset: last.offset })
  t.ok((await world.send(token, { payload: 'four' })).offset > sent[2]!.offset + 1)
  t.ok((await world.broadcast(ALL)).offset > last.offset)
  const resumed = await world.open(token, generation)
  t.ok(resumed.epoch > session.epoch)
  t.same(resumed.state && Buffer.from(resumed.state), STATE)
  t.equal(resumed.unclean, true)
  await resumedByName(t, world, named)
  await isFull(t, world, full)
  world.pass(2 * HOUR)
  await world.store.sweep()
  t.equal(world.counted.counts.expired.private, 2, 'what expires is found after a restart')
}
