/** Small tables that all nodes share. */
import type { Test } from 'tap'
import { REMEMBERED_ROWS } from '../../../store/tables.ts'
import { eventually } from '../../support/waiting.ts'
import { DEAF, HOUR, type MakeEngine, scenario, type World } from './world.ts'

const TABLE = 'keys'

export async function tables(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'a row is there until it is removed or has expired', async (t, world) => {
    const { store } = world
    t.equal(await store.tableEnd(TABLE), 0)
    t.equal(await store.readRow(TABLE, 'a'), undefined)
    t.same(await keysOf(world), [])
    const first = await write(world, 'a', 'one')
    t.match(await store.readRow(TABLE, 'a'), { key: 'a', version: first, expiresAt: Infinity })
    t.equal(await valueOf(world, 'a'), 'one')
    const second = await write(world, 'a', 'two')
    t.ok(second !== undefined && first !== undefined && second > first, 'versions grow')
    t.equal(await store.tableEnd(TABLE), second)
    await write(world, 'soon', 'over', { expiresAt: world.now + HOUR })
    await write(world, 'other', 'x', { table: 'others' })
    await world.reopen()
    t.equal(await valueOf(world, 'a'), 'two')
    t.same(await keysOf(world), ['a', 'soon'], 'each table by itself')
    world.pass(HOUR)
    t.equal(await valueOf(world, 'soon'), undefined)
    t.same(await keysOf(world), ['a'], 'before a sweep')
    await world.store.sweep()
    t.same(await keysOf(world), ['a'])
    await remove(world, 'a')
    t.equal(await valueOf(world, 'a'), undefined)
    const end = await world.store.tableEnd(TABLE)
    t.equal(await remove(world, 'never there'), end, 'nothing changes')
    t.equal(await world.store.tableEnd(TABLE), end)
  })

  await scenario(t, makeEngine, 'one of many writers with the same expectation wins', async (t, world) => {
    t.equal(await write(world, 'a', 'x', { expected: 7 }), undefined)
    const made = await Promise.all(Array.from({ length: 50 }, (_, at) => write(world, 'a', `${at}`, { expected: 0 })))
    t.equal(made.filter((version) => version !== undefined).length, 1)
    const winner = made.findIndex((version) => version !== undefined)
    t.equal(await valueOf(world, 'a'), `${winner}`)
    const version = made[winner] ?? 0
    const moved = await Promise.all(['b', 'c'].map((value) => write(world, 'a', value, { expected: version })))
    t.equal(moved.filter((each) => each !== undefined).length, 1)
    t.equal(await remove(world, 'a', { expected: version }), undefined)
    await write(world, 'soon', 'x', { expiresAt: world.now + HOUR })
    world.pass(HOUR)
    t.ok(await write(world, 'soon', 'y', { expected: 0 }), 'what has expired is not there')
  })

  await scenario(t, makeEngine, 'rows are read in the order of their keys', async (t, world) => {
    const keys = ['ä', 'a', 'a/b', 'Z', '\u{1f600}', 'a b', 'constructor', '~']
    for (const key of keys) await write(world, key, key)
    const wanted = keys.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
    t.same(await keysOf(world), wanted)
    const pages: string[] = []
    for (let after = ''; ; ) {
      const rows = await world.store.readRows(TABLE, after, 3)
      pages.push(...rows.map(({ key }) => key))
      const last = rows.at(-1)
      if (last === undefined) break
      after = last.key
    }
    t.same(pages, wanted)
  })

  await scenario(t, makeEngine, 'who follows a table has all of it', async (t, world) => {
    const copy = new Map<string, string>()
    let at = 0
    const follow = async (most: number): Promise<void> => {
      for (;;) {
        const slice = await world.store.readChanges(TABLE, at, most)
        if (slice === undefined) throw new Error('the changes are gone')
        for (const { key, row } of slice.changes)
          if (row === undefined) copy.delete(key)
          else copy.set(key, Buffer.from(row.value).toString())
        at = slice.readTo
        if (at >= slice.end) return
      }
    }
    await follow(2)
    t.equal(copy.size, 0)
    for (let number = 0; number < 20; number += 1) await write(world, `k${number % 7}`, `${number}`)
    await remove(world, 'k3')
    await follow(3)
    const wanted = [0, 1, 2, 4, 5, 6].map((key) => [`k${key}`, `${key + (key < 6 ? 14 : 7)}`])
    t.same([...copy].toSorted(), wanted)
    await remove(world, 'k4')
    await write(world, 'k4', 'again')
    await remove(world, 'k5')
    await world.reopen()
    await follow(1)
    t.same([...copy.keys()].toSorted(), ['k0', 'k1', 'k2', 'k4', 'k6'])
    t.equal(copy.get('k4'), 'again')
    t.equal(await world.store.readChanges(TABLE, at + 1, 10), undefined, 'nobody has come so far')
  })

  await scenario(t, makeEngine, 'of the removed rows, the newest are remembered', async (t, world) => {
    const { store } = world
    const keys = Array.from({ length: REMEMBERED_ROWS + 10 }, (_, at) => `${at}`)
    const first = await write(world, 'first', 'stays')
    for (let from = 0; from < keys.length; from += 1_000)
      await Promise.all(
        keys.slice(from, from + 1_000).map(async (key) => {
          await write(world, key, 'x')
          await remove(world, key)
        }),
      )
    const end = await store.tableEnd(TABLE)
    t.equal(await store.readChanges(TABLE, 0, 10), undefined)
    t.equal(await store.readChanges(TABLE, first ?? 0, 10), undefined)
    const last = await store.readChanges(TABLE, end - 5, 10)
    t.ok(last !== undefined && last.changes.length > 0)
    t.same(await keysOf(world), ['first'])
  })

  await scenario(t, makeEngine, 'nodes are told', async (t, world) => {
    const heard: (string | number)[][] = []
    world.store.watch({ ...DEAF, tableChanged: (table, version) => void heard.push([table, version]) })
    const version = await write(world, 'a', 'x')
    await eventually('a wake', () => heard.length > 0)
    t.same(heard, [[TABLE, version]])
  })
}

interface How {
  readonly table?: string
  readonly expected?: number
  readonly expiresAt?: number
}

function write(world: World, key: string, value: string, { table = TABLE, ...how }: How = {}) {
  return world.store.writeRow({ table, key, value: Buffer.from(value), ...how })
}

function remove(world: World, key: string, how: How = {}) {
  return world.store.writeRow({ table: TABLE, key, ...how })
}

async function valueOf({ store }: World, key: string): Promise<string | undefined> {
  const row = await store.readRow(TABLE, key)
  return row && Buffer.from(row.value).toString()
}

async function keysOf({ store }: World): Promise<string[]> {
  return (await store.readRows(TABLE, '', 1_000)).map(({ key }) => key)
}
