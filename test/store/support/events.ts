/** Event logs: what became of messages, for readers as of upstream logs. */
import type { Test } from 'tap'
import { eventLog, type EventAppend, type ReaderPart } from '../../../store/contract.ts'
import { ArrivalQueue } from '../../support/waiting.ts'
import { publish, publisher } from './upstream.ts'
import { APP, DAY, DEAF, type Draft, EVERYTHING, HOUR, type MakeEngine, scenario, text, type World } from './world.ts'

const LOG = eventLog(APP)

function event(world: World, device: string, payload: string, draft: Draft & { app?: string } = {}): EventAppend {
  const { app = APP, ...rest } = draft
  const message = world.message({ ttl: DAY, ...rest, payload })
  return { app, tokenId: world.idOf({ app, device }), subject: 'acknowledged', message }
}

function openReader(world: World, reader = 'reader', log = LOG): Promise<readonly ReaderPart[]> {
  return world.store.openReader({ app: log, reader, expiresAt: Infinity })
}

async function unread(world: World, reader = 'reader', log = LOG): Promise<string[]> {
  const texts: string[] = []
  for (const { part, cursor, end } of await openReader(world, reader, log)) {
    if (cursor >= end) continue
    texts.push(...(await world.store.readUpstream(log, part, cursor, EVERYTHING)).entries.map(text))
  }
  return texts
}

export async function events(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'event logs', async (t, world) => {
    await readers(t, world)
    await groups(t, world)
    await heard(t, world)
  })
  await caps(t, makeEngine)
  await unreadOf(t, makeEngine)
}

async function readers(t: Test, world: World): Promise<void> {
  await t.test('events are kept for readers, in order, of whichever device', async (t) => {
    const none = await world.store.appendEvents([event(world, 'phone', 'nobody reads')])
    t.same(none, [0])
    t.same(await world.store.appendEvents([]), [])
    await openReader(world)
    const all = ['1', '2', '3'].map((payload) => event(world, 'phone', payload))
    const elsewhere = event(world, 'phone', 'of another app', { app: 'other' })
    const offsets = await world.store.appendEvents([all[0]!, elsewhere, all[1]!, event(world, 'tablet', 'a'), all[2]!])
    t.equal(offsets.length, 5)
    t.equal(offsets[1], 0, 'nobody reads that log')
    t.ok(offsets[0]! > 0 && offsets[2]! > offsets[0]! && offsets[4]! > offsets[2]!)
    t.same(
      (await unread(world)).filter((each) => each !== 'a'),
      ['1', '2', '3'],
    )
    t.same(
      (await unread(world)).filter((each) => each === 'a'),
      ['a'],
    )
    const part = world.store.upstreamPart(world.idOf())
    const { entries } = await world.store.readUpstream(LOG, part, offsets[0]! - 1, { entries: 1, bytes: 1 })
    const { id, storedAt, expiresAt } = all[0]!.message
    t.match(entries, [{ offset: offsets[0], id, storedAt, expiresAt, tokenId: world.idOf(), subject: 'acknowledged' }])

    await world.reopen()
    await world.store.moveReader(LOG, 'reader', [{ part, cursor: offsets[2]! }])
    t.same(
      (await unread(world)).filter((each) => each !== 'a'),
      ['3'],
    )
    await world.store.closeReader(LOG, 'reader')
    t.same(await world.store.appendEvents([event(world, 'phone', 'nobody reads')]), [0])
  })

  await t.test('the event log of an app and its upstream log are two', async (t) => {
    const phone = await publisher(world)
    await openReader(world, 'reader', APP)
    t.same(await world.store.appendEvents([event(world, 'phone', 'event')]), [0], 'a reader of the other')
    await openReader(world)
    await publish(world, phone, 'upstream')
    await world.store.appendEvents([event(world, 'phone', 'event')])
    t.same(await unread(world), ['event'])
    t.same(await unread(world, 'reader', APP), ['upstream'])
    await world.store.closeReader(APP, 'reader')
    t.same(await unread(world), ['event'])
    await world.store.closeReader(LOG, 'reader')
  })

  await t.test('events end with their time', async (t) => {
    await openReader(world)
    const before = world.counted.event.expired
    await world.store.appendEvents([
      event(world, 'phone', 'short', { ttl: HOUR }),
      event(world, 'phone', 'long', { ttl: 28 * DAY }),
    ])
    world.pass(HOUR)
    t.same(await unread(world), ['long'])
    world.pass(7 * DAY - HOUR)
    t.same(await unread(world), [], 'after 7 days at the most')
    await world.store.sweep()
    t.equal(world.counted.event.expired - before, 2)
    await world.store.closeReader(LOG, 'reader')
  })
}

async function groups(t: Test, world: World): Promise<void> {
  await t.test('members of a group share events', async (t) => {
    const part = world.store.upstreamPart(world.idOf())
    await openReader(world, 'group')
    const offsets = await world.store.appendEvents(['1', '2', '3'].map((payload) => event(world, 'phone', payload)))
    const of = { app: LOG, reader: 'group', part }
    const claim = async (member: string, entries: number) => {
      const limit = { entries, bytes: Infinity }
      return (await world.store.claimUpstream({ ...of, member, until: world.now + HOUR, limit })).entries.map(text)
    }
    t.same(await claim('ann', 1), ['1'])
    t.same(await claim('bob', 9), ['2', '3'])
    await world.store.settleUpstream({ ...of, member: 'bob' }, offsets.slice(1))
    await world.store.releaseClaims({ ...of, member: 'ann' })
    t.same(await claim('bob', 9), ['1'])
    await world.store.closeReader(LOG, 'group')
  })
}

async function heard(t: Test, world: World): Promise<void> {
  await t.test('who listens to the log hears of it, whoever appends', async (t) => {
    const other = await world.otherNode()
    const queue = new ArrivalQueue<{ app: string; part: number; offset: number }>('an event')
    t.teardown(
      world.store.watch({ ...DEAF, upstreamAppended: (app, part, offset) => queue.push({ app, part, offset }) }),
    )
    const stop = await world.store.listenUpstream(LOG)
    await openReader(world)
    const [offset] = await other.appendEvents([event(world, 'phone', '1')])
    t.same(await queue.next(), { app: LOG, part: world.store.upstreamPart(world.idOf()), offset })
    stop()
    await world.store.closeReader(LOG, 'reader')
  })
}

async function caps(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(
    t,
    makeEngine,
    'a full event log refuses nothing: the oldest go, and who missed them is told',
    async (t, world) => {
      const part = world.store.upstreamPart(world.idOf())
      for (const reader of ['away', 'near']) await openReader(world, reader)
      const cursor = (await openReader(world, 'near'))[part]?.cursor ?? 0
      let sent = 0
      for (; sent < 2_000 && world.counted.event.dropped === 0; sent += 100) {
        const batch = Array.from({ length: 100 }, (_, at) => event(world, 'phone', `${sent + at}`))
        const offsets = await world.store.appendEvents(batch)
        if (offsets.includes(0)) t.fail('one was refused')
      }
      const { dropped } = world.counted.event
      t.ok(dropped > 0)
      const { entries } = await world.store.readUpstream(LOG, part, cursor, EVERYTHING)
      t.same(
        entries.map(text),
        Array.from({ length: sent - dropped }, (_, at) => `${dropped + at}`),
        'the newest are there',
      )
      t.equal((await openReader(world, 'away'))[part]?.missed, dropped)
      t.equal((await openReader(world, 'away'))[part]?.missed, 0, 'told once')
      t.equal(world.counted.upstream.dropped, 0, 'an upstream log has a limit of its own')
    },
    { eventMessages: 320, upstreamMessages: 1_000_000 },
  )
}

/** A reader that looks from several places, none of which knows what the others have acknowledged. */
async function unreadOf(t: Test, makeEngine: MakeEngine): Promise<void> {
  const open = (world: World, reader = 'reader') =>
    world.store.openReader({ app: LOG, reader, expiresAt: world.now + DAY, from: 'earliest', keepsMissed: true })
  const reading = (world: World, reader = 'reader', after = 0) =>
    world.store.readUnread({
      app: LOG,
      reader,
      part: world.store.upstreamPart(world.idOf()),
      after,
      limit: { entries: 3, bytes: Infinity },
    })

  await scenario(t, makeEngine, 'what a reader has not acknowledged, whoever did', async (t, world) => {
    const part = world.store.upstreamPart(world.idOf())
    t.match(await reading(world), { isKnown: false, missed: 0 })
    for (const reader of ['reader', 'another']) await open(world, reader)
    const offsets = await world.store.appendEvents(['1', '2', '3', '4'].map((each) => event(world, 'phone', each)))
    const first = await reading(world)
    t.same([first.slice.entries.map(text), first.isKnown, first.missed], [['1', '2', '3'], true, 0])
    await world.store.moveReader(LOG, 'reader', [{ part, cursor: offsets[1]! }])
    const second = await reading(world)
    t.same(second.slice.entries.map(text), ['3', '4'], 'after what is acknowledged')
    t.equal(second.slice.readTo, second.slice.end)
    t.same((await reading(world, 'reader', offsets[2])).slice.entries.map(text), ['4'], 'or after what is named')
    t.same((await reading(world, 'another')).slice.entries.map(text), ['1', '2', '3'])
    world.pass(DAY)
    t.match(await reading(world), { isKnown: false })
  })

  await scenario(
    t,
    makeEngine,
    'what a reader missed is told until it has acknowledged something after it',
    async (t, world) => {
      const part = world.store.upstreamPart(world.idOf())
      await open(world)
      for (let sent = 0; sent < 2_000 && world.counted.event.dropped === 0; sent += 100)
        await world.store.appendEvents(Array.from({ length: 100 }, () => event(world, 'phone', 'one')))
      const { dropped } = world.counted.event
      t.ok(dropped > 0)
      t.equal((await open(world))[part]?.missed, 0)
      const { missed, slice } = await reading(world)
      t.equal(missed, dropped)
      t.equal((await reading(world)).missed, dropped, 'again')
      const [one] = slice.entries
      const move = { part, cursor: one!.offset, missed }
      await world.store.appendEvents([event(world, 'phone', 'one more')])
      const later = world.counted.event.dropped - dropped
      t.ok(later > 0)
      await world.store.moveReader(LOG, 'reader', [move])
      t.equal((await reading(world)).missed, later, 'what went since')
      await world.store.moveReader(LOG, 'reader', [move])
      t.equal((await reading(world)).missed, later, 'once for each acknowledgement')
      await world.reopen()
      t.equal((await open(world))[part]?.missed, 0)
      t.equal((await reading(world)).missed, later, 'also after a restart')
    },
    { eventMessages: 320 },
  )
}
