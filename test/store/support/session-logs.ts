/** Logs of sessions that are known by a name: what is put into many at one time, and goes from each by itself. */
import type { Test } from 'tap'
import type { SessionAppend, SessionAppended, SessionDelivery, SessionEntry } from '../../../store/contract.ts'
import { ArrivalQueue } from '../../support/waiting.ts'
import { DAY, DEAF, type Draft, EVERYTHING, HOUR, type MakeEngine, scenario, text, type World } from './world.ts'

const STATE = Buffer.from('state')

export async function openSession(world: World, name: string, cleanStart = false): Promise<number> {
  return (await world.store.openNamedSession(name, cleanStart)).epoch
}

/** A session that is kept, for a day, and that no connection has. */
export async function keptSession(world: World, name: string, ms = DAY): Promise<number> {
  const epoch = await openSession(world, name)
  await world.store.closeNamedSession(name, epoch, { state: STATE, stateExpiresAt: world.now + ms })
  return epoch
}

type Extra = Draft & Partial<Pick<SessionAppend, 'topic' | 'uid'>> & Partial<Omit<SessionDelivery, 'name'>>

export function deliver(
  world: World,
  names: readonly string[],
  payload: string,
  extra: Extra = {},
): Promise<readonly SessionAppended[]> {
  const { topic = 'general/topic', uid, qos = 1, retain = false, identifiers = [], ...draft } = extra
  return world.store.appendSessions({
    topic,
    message: world.message({ ttl: DAY, ...draft, payload }),
    to: names.map((name) => ({ name, qos, retain, identifiers })),
    ...(uid === undefined ? {} : { uid }),
  })
}

export async function entriesOf(world: World, name: string): Promise<readonly SessionEntry[]> {
  return (await world.store.readSession(name, 0, EVERYTHING)).entries
}

export async function textsOf(world: World, name: string): Promise<string[]> {
  return (await entriesOf(world, name)).map(text)
}

function acknowledge(world: World, name: string, epoch: number, ...done: number[]): Promise<boolean> {
  return world.store.commitSession({ name, epoch, done, released: [] })
}

export async function sessionLogs(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'messages for sessions', async (t, world) => {
    await appends(t, world)
    await acknowledgements(t, world)
    await repeats(t, world)
    await ends(t, world)
    await bodies(t, world)
    await wakes(t, world)
  })
  await limits(t, makeEngine)
}

async function appends(t: Test, world: World): Promise<void> {
  await t.test('a message is stored for each session that is open or kept', async (t) => {
    await openSession(world, 'open')
    await keptSession(world, 'kept')
    const to = [
      { name: 'kept', qos: 2, retain: false, identifiers: [7, 268_435_455] },
      { name: 'nobody', qos: 1, retain: false, identifiers: [] },
      { name: 'open', qos: 1, retain: true, identifiers: [] },
    ] as const
    const message = world.message({ payload: 'one', properties: Buffer.from([1, 1]), retain: true })
    const answers = await world.store.appendSessions({ topic: 'a/ä', message, to })
    t.same(answers, ['stored', 'gone', 'stored'], 'in the order of `to`')
    const { id, storedAt, expiresAt } = message
    const common = { id, storedAt, expiresAt, topic: 'a/ä', released: false }
    const [kept] = await entriesOf(world, 'kept')
    t.match(kept, { ...common, qos: 2, retain: false, identifiers: [7, 268_435_455] })
    t.equal(kept && text(kept), 'one')
    t.same(kept?.properties && [...kept.properties], [1, 1])
    t.match(await entriesOf(world, 'open'), [{ ...common, qos: 1, retain: true, identifiers: [] }])
    t.same(await world.store.readSession('nobody', 0, EVERYTHING), { entries: [], readTo: 0, end: 0 })
  })

  await t.test('a log has the order of the calls, and is read in slices', async (t) => {
    await openSession(world, 'ordered')
    const wanted = Array.from({ length: 60 }, (_, number) => `number ${number}`)
    await Promise.all(wanted.map((payload) => deliver(world, ['ordered'], payload)))
    const read: string[] = []
    for (let after = 0, slices = 0; slices < 100; slices += 1) {
      const slice = await world.store.readSession('ordered', after, { entries: 7, bytes: 40 })
      read.push(...slice.entries.map(text))
      after = slice.readTo
      if (after >= slice.end) break
    }
    t.same(read, wanted)
  })
}

async function acknowledgements(t: Test, world: World): Promise<void> {
  await t.test('what is acknowledged is gone, in whichever order', async (t) => {
    const epoch = await openSession(world, 'acknowledges')
    for (const payload of ['1', '2', '3', '4', '5']) await deliver(world, ['acknowledges'], payload)
    const [one, two, three, four, five] = (await entriesOf(world, 'acknowledges')).map(({ offset }) => offset)
    t.equal(await acknowledge(world, 'acknowledges', epoch, four!, two!), true)
    t.same(await textsOf(world, 'acknowledges'), ['1', '3', '5'])
    t.equal(await acknowledge(world, 'acknowledges', epoch, two!, five! + 1000), true, 'again, or never there')
    t.equal(await acknowledge(world, 'acknowledges', epoch, one!, three!, five!), true)
    t.same(await textsOf(world, 'acknowledges'), [])
    await deliver(world, ['acknowledges'], '6')
    const [six] = await entriesOf(world, 'acknowledges')
    t.ok(six!.offset > five!, 'no offset comes twice')
  })

  await t.test('what was released is known after a restart, until it is done', async (t) => {
    const epoch = await openSession(world, 'releases')
    await world.store.saveNamedSession('releases', epoch, STATE)
    for (const payload of ['1', '2', '3']) await deliver(world, ['releases'], payload, { qos: 2 })
    const [one, two] = (await entriesOf(world, 'releases')).map(({ offset }) => offset)
    await world.store.commitSession({ name: 'releases', epoch, done: [one!], released: [two!] })
    await world.reopen()
    const resumed = await openSession(world, 'releases')
    const entries = await entriesOf(world, 'releases')
    t.same(
      entries.map((entry) => [text(entry), entry.qos, entry.released]),
      [
        ['2', 2, true],
        ['3', 2, false],
      ],
    )
    await acknowledge(world, 'releases', resumed, two!)
    t.same(await textsOf(world, 'releases'), ['3'])
  })

  await t.test('what was released does not expire', async (t) => {
    const epoch = await openSession(world, 'owes')
    for (const payload of ['1', '2']) await deliver(world, ['owes'], payload, { qos: 2, ttl: 1_000 })
    const [one] = (await entriesOf(world, 'owes')).map(({ offset }) => offset)
    await world.store.commitSession({ name: 'owes', epoch, done: [], released: [one!] })
    world.pass(1_000)
    await world.store.sweep()
    t.match(await entriesOf(world, 'owes'), [{ offset: one, released: true }], 'PUBREL is owed')
    t.equal((await entriesOf(world, 'owes')).length, 1)
    await acknowledge(world, 'owes', epoch, one!)
    t.same(await textsOf(world, 'owes'), [])
  })

  await t.test('only the newest session commits, whichever node had the older one', async (t) => {
    const older = await openSession(world, 'fenced')
    await deliver(world, ['fenced'], '1', { qos: 2 })
    const other = await world.otherNode()
    const { epoch } = await other.openNamedSession('fenced', false)
    const [entry] = await entriesOf(world, 'fenced')
    const late = { name: 'fenced', epoch: older, done: [], released: [entry!.offset] }
    t.equal(await world.store.commitSession(late), false)
    t.equal(await world.store.commitSession({ ...late, done: late.released, released: [] }), false)
    t.match(await entriesOf(world, 'fenced'), [{ released: false }], 'it did nothing')
    t.equal(await other.commitSession({ ...late, epoch }), true)
    t.match(await entriesOf(world, 'fenced'), [{ released: true }])
  })
}

async function repeats(t: Test, world: World): Promise<void> {
  await t.test('a session takes a message of one uid once, until that is forgotten', async (t) => {
    const epoch = await openSession(world, 'once')
    await openSession(world, 'later')
    t.same(await deliver(world, ['once'], 'one', { uid: 'u1' }), ['stored'])
    const [one] = await entriesOf(world, 'once')
    await acknowledge(world, 'once', epoch, one!.offset)
    const both = ['later', 'once']
    t.same(await deliver(world, both, 'one', { uid: 'u1' }), ['stored', 'duplicate'], 'also when it is acknowledged')
    t.same(await deliver(world, both, 'two', { uid: 'u2' }), ['stored', 'stored'], 'another one is another one')
    await world.store.forgetUid('u1', both)
    await world.store.forgetUid('u1', [...both, 'nobody'])
    t.same(await deliver(world, both, 'one again', { uid: 'u1' }), ['stored', 'stored'])
    t.same(await deliver(world, both, 'two', { uid: 'u2' }), ['duplicate', 'duplicate'], 'only that one was forgotten')
    t.same(await textsOf(world, 'once'), ['two', 'one again'])
  })

  await t.test('a uid is known for a day, after a restart too', async (t) => {
    await openSession(world, 'day')
    await deliver(world, ['day'], 'one', { uid: 'u3' })
    await world.reopen()
    world.pass(DAY - 1)
    await world.store.sweep()
    t.same(await deliver(world, ['day'], 'one', { uid: 'u3' }), ['duplicate'])
  })

  await t.test('a repeated call without a uid is another message', async (t) => {
    await openSession(world, 'twice')
    for (let count = 0; count < 2; count += 1) await deliver(world, ['twice'], 'same', { id: 'same' })
    t.same(await textsOf(world, 'twice'), ['same', 'same'])
  })
}

async function ends(t: Test, world: World): Promise<void> {
  await t.test('a log ends with its session', async (t) => {
    const names = ['clean start', 'closed without state', 'out of time']
    const [clean, closed] = await Promise.all(names.map((name) => openSession(world, name)))
    await keptSession(world, 'out of time', HOUR)
    t.same(await deliver(world, names, 'one', { uid: 'u4' }), ['stored', 'stored', 'stored'])
    const newer = await openSession(world, 'clean start', true)
    t.ok(newer > clean!)
    await world.store.closeNamedSession('closed without state', closed!, { stateExpiresAt: 0 })
    t.same(await deliver(world, names.slice(0, 2), 'two'), ['stored', 'gone'])
    t.same(await textsOf(world, 'clean start'), ['two'])
    t.same(await deliver(world, ['clean start'], 'one', { uid: 'u4' }), ['stored'], 'nor does it know the uid')
    world.pass(HOUR)
    t.same(await deliver(world, ['out of time'], 'two'), ['gone'], 'also before a sweep')
    t.same(await textsOf(world, 'out of time'), [])
    await world.store.sweep()
    for (const name of names.slice(1)) {
      await openSession(world, name)
      t.same(await textsOf(world, name), [], `${name}: nothing is there for another session of the name`)
      t.same(await deliver(world, [name], 'new', { uid: 'u4' }), ['stored'])
      t.same(await textsOf(world, name), ['new'])
    }
  })

  await t.test('a session whose node is gone keeps its log', async (t) => {
    await world.store.openNamedSession('node gone', false, 2 * HOUR)
    await deliver(world, ['node gone'], 'one')
    await world.reopen()
    t.same(await deliver(world, ['node gone'], 'two'), ['stored'])
    t.same(await textsOf(world, 'node gone'), ['one', 'two'])
  })
}

async function bodies(t: Test, world: World): Promise<void> {
  await t.test('messages of any size are whole for every session until it has acknowledged them', async (t) => {
    // So many that some lie in one partition.
    const names = Array.from({ length: 40 }, (_, number) => `reads ${number}`)
    const epochs = await Promise.all(names.map((name) => openSession(world, name)))
    const wanted = [0, 1, 511, 512, 513, 70_000].map((length) => 'x'.repeat(length))
    for (const payload of wanted) {
      const answers = await deliver(world, names, payload)
      t.ok(answers.every((answer) => answer === 'stored'))
    }
    const isWhole = async (name: string) => (await textsOf(world, name)).every((each, at) => each === wanted[at])
    t.ok((await Promise.all(names.map(isWhole))).every(Boolean))
    // One after the other: what is shared stays for the last.
    for (const [at, name] of names.entries()) {
      const entries = await entriesOf(world, name)
      if (entries.length !== wanted.length || !(await isWhole(name))) t.fail(`${name} lost something`)
      await acknowledge(world, name, epochs[at]!, ...entries.map(({ offset }) => offset))
    }
    t.same((await Promise.all(names.map((name) => textsOf(world, name)))).flat(), [])
  })
}

async function wakes(t: Test, world: World): Promise<void> {
  await t.test('the node that has a session hears of its log', async (t) => {
    const heard = new ArrivalQueue<{ name: string; offset: number; entry: SessionEntry | undefined }>('a wake')
    const other = await world.otherNode()
    t.teardown(
      world.store.watch({ ...DEAF, sessionAppended: (name, offset, entry) => heard.push({ name, offset, entry }) }),
    )
    await openSession(world, 'listens')
    const append = { topic: 'a', message: world.message({ payload: 'one', ttl: DAY }) }
    await other.appendSessions({ ...append, to: [{ name: 'listens', qos: 1, retain: false, identifiers: [] }] })
    const { name, offset, entry } = await heard.next()
    t.equal(name, 'listens')
    t.same(
      (await entriesOf(world, 'listens')).map((each) => each.offset),
      [offset],
    )
    if (entry !== undefined) t.match([entry.topic, text(entry)], ['a', 'one'])
  })
}

async function limits(t: Test, makeEngine: MakeEngine): Promise<void> {
  const few = { storedMessages: 3, storedBytes: 1_000 }
  await scenario(
    t,
    makeEngine,
    'a full log refuses the newest',
    async (t, world) => {
      const epoch = await openSession(world, 'full')
      await openSession(world, 'other')
      for (const payload of ['1', '2', '3']) await deliver(world, ['full'], payload)
      t.same(
        await deliver(world, ['full', 'other'], '4', { uid: 'u' }),
        ['full', 'stored'],
        'and keeps it from no other',
      )
      t.same(await textsOf(world, 'full'), ['1', '2', '3'])
      t.same(world.counted.session, { expired: 0, dropped: 1 })
      const [one] = await entriesOf(world, 'full')
      await acknowledge(world, 'full', epoch, one!.offset)
      t.same(await deliver(world, ['full', 'other'], '4', { uid: 'u' }), ['stored', 'duplicate'], 'there is room again')
      t.same(await textsOf(world, 'full'), ['2', '3', '4'])

      await openSession(world, 'bytes')
      t.same(await deliver(world, ['bytes'], 'x'.repeat(900)), ['stored'])
      t.same(await deliver(world, ['bytes'], 'x'.repeat(200)), ['full'])
      t.same(await deliver(world, ['bytes'], 'short', { ttl: HOUR }), ['stored'])
      t.equal(world.counted.session.dropped, 2)
      await world.reopen()
      t.same(await deliver(world, ['bytes'], 'x'.repeat(200)), ['full'], 'after a restart too')

      await deliver(world, ['bytes'], 'over', { ttl: HOUR })
      world.pass(HOUR)
      t.same((await textsOf(world, 'bytes')).length, 1, 'what has expired is not read')
      await world.store.sweep()
      t.equal(world.counted.session.expired, 2)
      for (const payload of ['5', '6']) t.same(await deliver(world, ['bytes'], payload), ['stored'], 'nor takes room')
    },
    few,
  )
}
