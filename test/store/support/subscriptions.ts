/** Subscriptions of sessions: a log of their changes, and a table that each node keeps from it. */
import type { Test } from 'tap'
import type { Store } from '../../../store/contract.ts'
import { ArrivalQueue } from '../../support/waiting.ts'
import { keptSession, openSession } from './session-logs.ts'
import { DEAF, HOUR, type MakeEngine, scenario, type World } from './world.ts'

const TAKEN_OVER = { code: 'SESSION_TAKEN_OVER' }

/** What a node knows of all subscriptions: `filter=options`, by session. */
export class Table {
  readonly #store: Store
  #at: number | undefined
  #filters = new Map<string, Map<string, string>>()

  constructor(store: Store) {
    this.#store = store
  }

  /** Reads to the end, as a node does before it publishes. */
  async follow(): Promise<Record<string, string[]>> {
    const end = await this.#store.subscriptionsEnd()
    if (this.#at === undefined) await this.#all()
    while ((this.#at ?? 0) < end) {
      const slice = await this.#store.readSubscriptions(this.#at ?? 0, 3)
      if (slice === undefined) {
        await this.#all()
        continue
      }
      for (const { name, replaces, filters } of slice.changes) {
        const own = new Map(replaces ? [] : this.#filters.get(name))
        for (const [filter, options] of filters) {
          if (options === undefined) own.delete(filter)
          else own.set(filter, Buffer.from(options).toString())
        }
        this.#filters.set(name, own)
      }
      this.#at = slice.readTo
    }
    return this.rows
  }

  async #all(): Promise<void> {
    this.#at = await this.#store.subscriptionsEnd()
    this.#filters = await allSubscriptions(this.#store)
  }

  get rows(): Record<string, string[]> {
    return rowsOf(this.#filters)
  }
}

export function rowsOf(all: ReadonlyMap<string, ReadonlyMap<string, string>>): Record<string, string[]> {
  const rows = [...all].filter(([, filters]) => filters.size > 0).sort(([one], [other]) => (one < other ? -1 : 1))
  return Object.fromEntries(
    rows.map(([name, filters]) => [name, [...filters].map(([filter, options]) => `${filter}=${options}`).sort()]),
  )
}

/** @throws when a session comes twice */
export async function allSubscriptions(store: Store): Promise<Map<string, Map<string, string>>> {
  const all = new Map<string, Map<string, string>>()
  for await (const { name, filters } of store.subscriptions()) {
    if (all.has(name)) throw new Error(`${name} is told twice`)
    all.set(name, new Map(filters.map(([filter, options]) => [filter, Buffer.from(options).toString()])))
  }
  return all
}

/** Subscribes to `filter=options`, and unsubscribes from `filter`. */
export function subscribe(
  { store }: Pick<World, 'store'>,
  name: string,
  epoch: number,
  filters: readonly string[],
  replaces = false,
): Promise<number> {
  const changes = filters.map((each): readonly [string, Uint8Array?] => {
    const [filter = '', options] = each.split('=')
    return options === undefined ? [filter] : [filter, Buffer.from(options)]
  })
  return store.changeSubscriptions({ name, epoch, replaces, filters: changes })
}

async function filtersOf(world: World, name: string): Promise<string[] | undefined> {
  const found = await world.store.subscriptionsOf(name)
  return found?.filters.map(([filter, options]) => `${filter}=${Buffer.from(options).toString()}`).sort()
}

export async function subscriptions(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'subscriptions of sessions by name', async (t, world) => {
    t.same(await filtersOf(world, 'nobody'), undefined)
    t.same(await new Table(world.store).follow(), {})
    await changes(t, world)
    await fences(t, world)
    await ends(t, world)
    await nodes(t, world)
  })
}

async function changes(t: Test, world: World): Promise<void> {
  await t.test('a change is there when it has resolved, and so is its place in the log', async (t) => {
    const before = await world.store.subscriptionsEnd()
    const epoch = await openSession(world, 'one')
    const first = await subscribe(world, 'one', epoch, ['a/+=1', 'b=', '#=3'])
    const second = await subscribe(world, 'one', epoch, ['b', 'a/+=2', 'never there'])
    t.ok(second > first && first > before)
    t.equal(await world.store.subscriptionsEnd(), second)
    t.same(await filtersOf(world, 'one'), ['#=3', 'a/+=2'])
    t.match(await world.store.subscriptionsOf('one'), { name: 'one', epoch })
    const slice = await world.store.readSubscriptions(before, 100)
    t.match(slice, { readTo: second, end: second })
    t.same(
      slice?.changes
        .filter(({ filters }) => filters.length > 0)
        .map(({ offset, name, replaces, filters }) => [offset, name, replaces, filters.map(([filter]) => filter)]),
      [
        [first, 'one', false, ['a/+', 'b', '#']],
        [second, 'one', false, ['b', 'a/+', 'never there']],
      ],
    )
    const third = await subscribe(world, 'one', epoch, ['c=1'], true)
    t.same(await filtersOf(world, 'one'), ['c=1'], 'all of before are replaced')
    t.match(await world.store.readSubscriptions(second, 100), { changes: [{ offset: third, replaces: true, epoch }] })
    t.same((await world.store.readSubscriptions(third, 100))?.changes, [])
    await subscribe(world, 'one', epoch, ['c'])
    t.notOk((await filtersOf(world, 'one'))?.length, 'none is left')
  })

  await t.test('the log is read in slices', async (t) => {
    const before = await world.store.subscriptionsEnd()
    const epoch = await openSession(world, 'two')
    for (let count = 0; count < 7; count += 1) await subscribe(world, 'two', epoch, [`f${count}=1`])
    const seen: string[] = []
    for (let after = before, slices = 0; slices < 10; slices += 1) {
      const slice = await world.store.readSubscriptions(after, 3)
      if (slice === undefined) return void t.fail('what has just been written is there')
      if (slice.changes.length > 3) t.fail('too many')
      seen.push(...slice.changes.flatMap(({ filters }) => filters.map(([filter]) => filter)))
      after = slice.readTo
      if (after >= slice.end) break
    }
    t.same(seen, ['f0', 'f1', 'f2', 'f3', 'f4', 'f5', 'f6'])
  })
}

async function fences(t: Test, world: World): Promise<void> {
  await t.test('only the newest session changes its subscriptions', async (t) => {
    await t.rejects(subscribe(world, 'nobody', 1, ['a=1']), TAKEN_OVER)
    const older = await openSession(world, 'fenced')
    await subscribe(world, 'fenced', older, ['a=1'])
    const epoch = await openSession(world, 'fenced')
    await t.rejects(subscribe(world, 'fenced', older, ['late=1']), TAKEN_OVER)
    await subscribe(world, 'fenced', epoch, ['b=2'])
    t.same(await filtersOf(world, 'fenced'), ['a=1', 'b=2'], 'those of before stay')
    const kept = { state: Buffer.from(''), stateExpiresAt: world.now + HOUR }
    await world.store.closeNamedSession('fenced', epoch, kept)
    await subscribe(world, 'fenced', epoch, ['c=3'])
    t.same(await filtersOf(world, 'fenced'), ['a=1', 'b=2', 'c=3'], 'a session that is kept')
  })
}

async function ends(t: Test, world: World): Promise<void> {
  await t.test('the end of a session is a change', async (t) => {
    const table = new Table(world.store)
    const names = ['closed', 'clean', 'expired']
    for (const name of names) {
      const epoch = name === 'expired' ? await keptSession(world, name, HOUR) : await openSession(world, name)
      await subscribe(world, name, epoch, ['a=1'])
    }
    const before = await table.follow()
    for (const name of names) t.same(before[name], ['a=1'])
    const { epoch } = (await world.store.subscriptionsOf('closed'))!
    await world.store.closeNamedSession('closed', epoch, { stateExpiresAt: 0 })
    await openSession(world, 'clean', true)
    world.pass(HOUR)
    await world.store.sweep()
    const after = await table.follow()
    for (const name of names) {
      t.same(after[name], undefined, `${name}: who follows the log knows it`)
      t.notOk((await filtersOf(world, name))?.length, name)
    }
    t.same(after, rowsOf(await allSubscriptions(world.store)))
    await world.reopen()
    t.same(await new Table(world.store).follow(), after, 'after a restart too')
  })
}

async function nodes(t: Test, world: World): Promise<void> {
  await t.test('every node hears that subscriptions have changed, and reads them to the end', async (t) => {
    const other = await world.otherNode()
    const heard = new ArrivalQueue<number>('a change')
    t.teardown(other.watch({ ...DEAF, subscriptionsChanged: (offset) => heard.push(offset) }))
    const table = new Table(other)
    await table.follow()
    const epoch = await openSession(world, 'subscribes')
    const offset = await subscribe(world, 'subscribes', epoch, ['a=1', 'b=2'])
    t.same((await table.follow())['subscribes'], ['a=1', 'b=2'], 'without a wake')
    await heard.nextWhere((each) => each >= offset)
    const all = await Promise.all(
      ['c=3', 'a', 'd=4'].map((filter) => subscribe({ store: world.store }, 'subscribes', epoch, [filter])),
    )
    t.same(
      all,
      [...all].sort((one, two) => one - two),
      'in the order of the calls',
    )
    t.same((await table.follow())['subscribes'], ['b=2', 'c=3', 'd=4'])
  })
}
