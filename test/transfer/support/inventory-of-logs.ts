/** What `Inventory` promises of upstream and event logs, and of sessions by name, for every engine. */
import type { Test } from 'tap'
import {
  eventLog,
  type KnownNamedSession,
  type ReaderPart,
  type Store,
  type UpstreamEntry,
} from '../../../store/contract.ts'
import { openReader, publish, publisher } from '../../store/support/upstream.ts'
import { APP, DAY, EVERYTHING, HOUR, type MakeEngine, scenario, text } from '../../store/support/world.ts'

const STATE = Buffer.from('state')

async function allLogs(store: Store): Promise<string[]> {
  const logs: string[] = []
  for await (const log of store.upstreamLogs()) logs.push(log)
  return logs.sort()
}

async function allSessions(store: Store): Promise<Map<string, KnownNamedSession>> {
  const sessions = new Map<string, KnownNamedSession>()
  for await (const session of store.namedSessions()) {
    if (sessions.has(session.name)) throw new Error(`${session.name} is told twice`)
    sessions.set(session.name, session)
  }
  return sessions
}

export async function inventoryOfLogs(t: Test, makeEngine: MakeEngine): Promise<void> {
  await logs(t, makeEngine)
  await restores(t, makeEngine)
  await sessions(t, makeEngine)
}

async function logs(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(
    t,
    makeEngine,
    'every log that is read, or retains something, is told with its readers',
    async (t, world) => {
      t.same(await allLogs(world.store), [])
      t.same(await world.store.readersOf(APP), [])
      const phone = await publisher(world)
      await publish(world, phone, 'kept', { retain: true })
      t.same(await allLogs(world.store), [APP])
      const apps = ['a*?[x]', 'c}d', 'å b']
      for (const app of apps) await world.store.openReader({ app, reader: 'reader', expiresAt: Infinity })
      await world.store.openReader({ app: eventLog(APP), reader: 'events', expiresAt: world.now + HOUR })
      await openReader(world, 'ends')
      await world.store.closeReader(APP, 'ends')
      t.same(await allLogs(world.store), [APP, eventLog(APP), ...apps].sort())

      await openReader(world, 'near')
      await openReader(world, 'away', world.now + DAY)
      const { offset } = await publish(world, phone, 'one')
      const part = world.store.upstreamPart(phone.tokenId)
      await world.store.moveReader(APP, 'near', [{ part, cursor: offset }])
      const readers = new Map((await world.store.readersOf(APP)).map((each) => [each.reader, each]))
      t.same([...readers.keys()].sort(), ['away', 'near'])
      t.equal(readers.get('near')?.expiresAt, Infinity)
      t.equal(readers.get('away')?.expiresAt, world.now + DAY)
      const partOf = (reader: string): ReaderPart | undefined =>
        readers.get(reader)?.parts.find((each) => each.part === part)
      t.match(partOf('near'), { cursor: offset, end: offset })
      t.equal(partOf('away')?.end, offset)
      t.ok((partOf('away')?.cursor ?? offset) < offset)
      t.match(await world.store.readersOf(eventLog(APP)), [{ reader: 'events', expiresAt: world.now + HOUR }])
    },
  )
}

async function restores(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'what another store had upstream is put behind what is here', async (t, world) => {
    const phone = await publisher(world)
    await openReader(world)
    await publish(world, phone, 'here')
    const strangers = ['x', 'y'].map((device) => world.idOf({ device }))
    const entries = [phone.tokenId, ...strangers, phone.tokenId].map(
      (tokenId, at): UpstreamEntry => ({
        ...world.message({ id: `id ${at}`, payload: `${at}`, ttl: HOUR, properties: Buffer.from([1, 1]) }),
        offset: 70 + at,
        tokenId,
        subject: `s/${at}`,
      }),
    )
    for (const log of [APP, eventLog(APP)]) {
      if (log !== APP) await world.store.openReader({ app: log, reader: 'reader', expiresAt: Infinity })
      const places = await world.store.restoreUpstream(log, entries)
      t.same(
        places.map(({ part }) => part),
        entries.map(({ tokenId }) => world.store.upstreamPart(tokenId)),
      )
      for (const [at, { part, cursor }] of places.entries()) {
        const slice = await world.store.readUpstream(log, part, cursor - 1, { entries: 1, bytes: 1 })
        const { offset: _, properties: __, payload: ___, ...same } = entries[at]!
        t.match(slice.entries, [{ ...same, offset: cursor }])
        t.equal(slice.entries[0] && text(slice.entries[0]), `${at}`)
      }
      t.ok(places[3]!.cursor > places[0]!.cursor, 'in order')
    }
    const part = world.store.upstreamPart(phone.tokenId)
    const own = (await world.store.readUpstream(APP, part, 0, EVERYTHING)).entries
    t.same(own.filter(({ tokenId }) => tokenId === phone.tokenId).map(text), ['here', '0', '3'])
  })

  await scenario(
    t,
    makeEngine,
    'what another store retained upstream is put where nothing newer is',
    async (t, world) => {
      const phone = await publisher(world)
      const entry = (payload: string, subject: string, storedAt: number): UpstreamEntry => ({
        ...world.message({ payload, retain: true }),
        storedAt,
        offset: 0,
        tokenId: phone.tokenId,
        subject,
      })
      await publish(world, phone, 'here', { subject: 'b', retain: true })
      const before = world.now - 1
      const all = [entry('a', 'a', before), entry('older', 'b', before), entry('c', 'c', before)]
      for (let count = 0; count < 2; count += 1) await world.store.restoreRetainedUpstream(APP, all)
      const found: string[] = []
      for await (const each of world.store.retainedUpstream(APP)) found.push(`${each.subject}=${text(each)}`)
      t.same(found.sort(), ['a=a', 'b=here', 'c=c'])
      t.same(await allLogs(world.store), [APP])
    },
  )
}

async function sessions(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'every session by name is told once, as it is', async (t, world) => {
    const { store } = world
    t.equal((await allSessions(store)).size, 0)
    const open = async (name: string, keptMs?: number) => (await store.openNamedSession(name, false, keptMs)).epoch
    const kept = await open('kept')
    await store.rememberReceived('kept', kept, 9, 'nine')
    await store.rememberReceived('kept', kept, 7, 'seven')
    await store.rememberReceived('kept', kept, 8, 'released')
    await store.releaseReceived('kept', kept, 8)
    const will = { publishAt: world.now + 1_000, value: Buffer.from('will') }
    await store.closeNamedSession('kept', kept, { state: STATE, stateExpiresAt: world.now + HOUR, will })
    const held = await open('held', HOUR)
    const forEver = await open('for ever')
    await store.closeNamedSession('for ever', forEver, { state: Buffer.alloc(0), stateExpiresAt: Infinity })
    await store.closeNamedSession('ended', await open('ended'), { stateExpiresAt: 0 })
    const many = Array.from({ length: 600 }, (_, number) => `many ${number}`)
    await Promise.all(many.map((name) => open(name)))

    const all = await allSessions(store)
    t.same([...all.keys()].sort(), ['kept', 'held', 'for ever', ...many].sort())
    const plain = ({ state, will, ...rest }: KnownNamedSession) => ({
      ...rest,
      state: state && Buffer.from(state),
      will: will && { ...will, value: Buffer.from(will.value) },
    })
    const none = { received: [], state: undefined, will: undefined }
    t.same(plain(all.get('held')!), {
      ...none,
      name: 'held',
      epoch: held,
      held: true,
      keptMs: HOUR,
      expiresAt: Infinity,
    })
    t.match(plain(all.get('for ever')!), { ...none, held: false, expiresAt: Infinity, state: Buffer.alloc(0) })
    const { received, ...rest } = plain(all.get('kept')!)
    t.same(
      [...received].sort(([one], [other]) => one - other),
      [
        [7, 'seven'],
        [9, 'nine'],
      ],
    )
    t.match(rest, { name: 'kept', epoch: kept, held: false, expiresAt: world.now + HOUR, state: STATE, will })
    world.pass(1_000)
    await store.takeWill({ name: 'kept' }, kept, world.now + DAY)
    t.match(plain((await allSessions(store)).get('kept')!), { will }, 'taken, and not published')
    await store.willPublished({ name: 'kept' }, kept)
    t.equal((await allSessions(store)).get('kept')?.will, undefined)
  })
}
