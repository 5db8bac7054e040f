/** What devices publish, and its readers. */
import type { Test } from 'tap'
import type { ErrorCode } from '../../../errors.ts'
import type { ReaderPart, UpstreamAppend, UpstreamAppended, UpstreamEntry } from '../../../store/contract.ts'
import { APP, DAY, type Draft, EVERYTHING, HOUR, type MakeEngine, scenario, text, type World } from './world.ts'

const FOREVER = Infinity

interface Publisher {
  readonly tokenId: string
  readonly generation: number
  readonly epoch: number
}

/** A device with an open session. */
export async function publisher(world: World, device = 'phone', account = 'anna'): Promise<Publisher> {
  const person = { device, account }
  const { generation } = await world.register(person)
  const tokenId = world.idOf(person)
  return { tokenId, generation, epoch: (await world.open(tokenId, generation)).epoch }
}

type Extra = Draft & Partial<Pick<UpstreamAppend, 'subject' | 'as' | 'received' | 'generation'>> & { will?: boolean }

export function publish(world: World, from: Publisher, payload: string, extra: Extra = {}): Promise<UpstreamAppended> {
  const { subject = 'state', as = 'stored', received, will = false, generation = from.generation, ...draft } = extra
  return world.store.appendUpstream({
    app: APP,
    tokenId: from.tokenId,
    generation,
    ...(will ? {} : { epoch: from.epoch }),
    subject,
    as,
    ...(received === undefined ? {} : { received }),
    message: world.message({ ttl: DAY, ...draft, payload }),
  })
}

export function openReader(world: World, reader = 'reader', expiresAt = FOREVER): Promise<readonly ReaderPart[]> {
  return world.store.openReader({ app: APP, reader, expiresAt })
}

/** All that a reader has not passed, part by part. */
async function unread(world: World, reader = 'reader'): Promise<UpstreamEntry[]> {
  const entries: UpstreamEntry[] = []
  for (const { part, cursor, end } of await openReader(world, reader)) {
    if (cursor >= end) continue
    entries.push(...(await world.store.readUpstream(APP, part, cursor, EVERYTHING)).entries)
  }
  return entries
}

async function unreadTexts(world: World, reader = 'reader'): Promise<string[]> {
  return (await unread(world, reader)).map(text)
}

/** Acknowledges everything of a token id up to an offset. */
function move(world: World, from: Publisher, cursor: number, reader = 'reader'): Promise<boolean> {
  return world.store.moveReader(APP, reader, [{ part: world.store.upstreamPart(from.tokenId), cursor }])
}

async function rejects(t: Test, promise: Promise<unknown>, code: ErrorCode, message: string): Promise<void> {
  await t.rejects(promise, { code }, message)
}

export async function upstream(t: Test, makeEngine: MakeEngine): Promise<void> {
  await readers(t, makeEngine)
  await tokens(t, makeEngine)
  await limits(t, makeEngine)
  await retained(t, makeEngine)
  await heard(t, makeEngine)
}

async function readers(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'nothing is kept where nobody reads', async (t, world) => {
    const phone = await publisher(world)
    t.same(await publish(world, phone, 'nobody'), { offset: 0, duplicate: false, read: false })
    const parts = await openReader(world)
    t.equal(parts.length, world.store.upstreamParts)
    t.same(
      parts.map(({ part }) => part),
      parts.map((_, at) => at),
      'every part, in order',
    )
    t.ok(
      parts.every(({ cursor, end, missed }) => cursor === end && missed === 0),
      'a new reader begins at the end',
    )
    t.match(await publish(world, phone, 'one'), { duplicate: false, read: true })
    await world.store.closeReader(APP, 'reader')
    await world.store.closeReader(APP, 'reader')
    t.match(await publish(world, phone, 'two'), { read: false })
    await openReader(world)
    t.same(await unreadTexts(world), [], 'it is another one')
  })

  await scenario(t, makeEngine, 'a reader gets what is appended after it was opened, in order', async (t, world) => {
    const phone = await publisher(world)
    const tablet = await publisher(world, 'tablet')
    await openReader(world)
    const stored = []
    for (const payload of ['1', '2', '3'])
      stored.push(await publish(world, phone, payload, { subject: `s/${payload}` }))
    await publish(world, tablet, 'other', { properties: Buffer.from([1, 1]) })
    const entries = await unread(world)
    const own = entries.filter(({ tokenId }) => tokenId === phone.tokenId)
    t.same(own.map(text), ['1', '2', '3'])
    t.same(
      own.map(({ subject }) => subject),
      ['s/1', 's/2', 's/3'],
    )
    t.same(
      own.map(({ offset }) => offset),
      stored.map(({ offset }) => offset),
    )
    const [other] = entries.filter(({ tokenId }) => tokenId === tablet.tokenId)
    t.match(other, { subject: 'state', retain: false, storedAt: world.now })
    t.same(other?.properties && [...other.properties], [1, 1])

    t.equal(await move(world, phone, stored[1]?.offset ?? 0), true)
    t.same(
      (await unreadTexts(world)).filter((each) => each !== 'other'),
      ['3'],
    )
    t.equal(await move(world, phone, stored[0]?.offset ?? 0), true, 'never back')
    t.same(
      (await unreadTexts(world)).filter((each) => each !== 'other'),
      ['3'],
    )
    await world.reopen()
    t.same((await unreadTexts(world)).sort(), ['3', 'other'], 'also after a restart')
  })

  await scenario(t, makeEngine, 'a message stays until the last reader has passed it', async (t, world) => {
    const phone = await publisher(world)
    for (const reader of ['slow', 'fast']) await openReader(world, reader)
    const { offset } = await publish(world, phone, 'one')
    await move(world, phone, offset, 'fast')
    t.same(await unreadTexts(world, 'fast'), [])
    t.same(await unreadTexts(world, 'slow'), ['one'])
    await move(world, phone, offset, 'slow')
    const part = world.store.upstreamPart(phone.tokenId)
    t.match(await world.store.readUpstream(APP, part, 0, EVERYTHING), { entries: [], end: offset })

    const second = await publish(world, phone, 'two')
    await move(world, phone, second.offset, 'fast')
    await world.store.closeReader(APP, 'slow')
    t.same((await world.store.readUpstream(APP, part, 0, EVERYTHING)).entries, [], 'one that is closed keeps nothing')
    t.equal(await move(world, phone, second.offset, 'slow'), false, 'nor moves')
    t.equal(await move(world, phone, second.offset + 100, 'fast'), true)
    await publish(world, phone, 'three')
    t.same(await unreadTexts(world, 'fast'), ['three'], 'a cursor beyond the end is cut to the end')
  })

  await scenario(t, makeEngine, 'a reader ends at its time', async (t, world) => {
    const phone = await publisher(world)
    await openReader(world, 'reader', world.now + HOUR)
    await openReader(world, 'reader', world.now + 2 * HOUR)
    await openReader(world, 'reader', world.now + HOUR)
    await publish(world, phone, 'one')
    world.pass(2 * HOUR - 1)
    await world.store.sweep()
    t.same((await publish(world, phone, 'two')).read, true)
    world.pass(1)
    await world.store.sweep()
    const part = world.store.upstreamPart(phone.tokenId)
    t.same((await world.store.readUpstream(APP, part, 0, EVERYTHING)).entries, [])
    t.same((await publish(world, phone, 'three')).read, false)
  })

  await scenario(t, makeEngine, 'a message ends with its time to live, and after 7 days', async (t, world) => {
    const phone = await publisher(world)
    await openReader(world)
    await publish(world, phone, 'long', { ttl: 28 * DAY })
    await publish(world, phone, 'short', { ttl: HOUR })
    await publish(world, phone, 'day')
    world.pass(HOUR)
    t.same(await unreadTexts(world), ['long', 'day'])
    world.pass(7 * DAY - HOUR - 1)
    t.same(await unreadTexts(world), ['long'])
    world.pass(1)
    t.same(await unreadTexts(world), [])
    await world.store.sweep()
    t.same(world.counted.upstream, { expired: 3, dropped: 0 })
    t.ok(
      (await openReader(world)).every(({ missed }) => missed === 0),
      'what has expired was not missed',
    )
  })

  await scenario(t, makeEngine, 'a long part is read in slices', async (t, world) => {
    const phone = await publisher(world)
    await openReader(world)
    const wanted = Array.from({ length: 60 }, (_, number) => `number ${number}`)
    await Promise.all(wanted.map((payload) => publish(world, phone, payload)))
    const part = world.store.upstreamPart(phone.tokenId)
    const read: string[] = []
    let after = (await openReader(world))[part]?.cursor ?? 0
    for (let slices = 0; slices < 100; slices += 1) {
      const slice = await world.store.readUpstream(APP, part, after, { entries: 7, bytes: 40 })
      read.push(...slice.entries.map(text))
      after = slice.readTo
      if (after >= slice.end) break
    }
    t.same(read, wanted)
  })
}

async function tokens(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'only the session of a valid token publishes', async (t, world) => {
    const phone = await publisher(world)
    await openReader(world)
    const stranger = { ...phone, tokenId: world.idOf({ account: 'nobody' }) }
    await rejects(t, publish(world, stranger, 'x'), 'TOKEN_UNKNOWN', 'not registered')
    const newer = { ...phone, epoch: (await world.open(phone.tokenId, phone.generation)).epoch }
    await rejects(t, publish(world, phone, 'x'), 'SESSION_TAKEN_OVER', 'an older session')
    await publish(world, newer, 'newer')
    await publish(world, phone, 'will of the older', { will: true })
    await world.store.closeSession(newer.tokenId, newer.epoch, { stateExpiresAt: Infinity })
    await rejects(t, publish(world, newer, 'x'), 'SESSION_TAKEN_OVER', 'a session that was closed')
    await publish(world, newer, 'will of the newer', { will: true })

    const bert = await publisher(world, 'phone', 'bert')
    await rejects(t, publish(world, newer, 'x', { will: true }), 'TOKEN_SUPERSEDED', 'a will after an account switch')
    await publish(world, bert, 'bert')
    await world.store.revokeToken(bert.tokenId)
    await rejects(t, publish(world, bert, 'x'), 'TOKEN_REVOKED', 'a session that was ended')
    await rejects(t, publish(world, bert, 'x', { will: true }), 'TOKEN_REVOKED', 'a will after the revocation')
    await world.register({ account: 'bert' })
    await rejects(t, publish(world, bert, 'x', { will: true }), 'TOKEN_REVOKED', 'an older generation')
    const texts = await unreadTexts(world)
    t.same(texts.sort(), ['bert', 'newer', 'will of the newer', 'will of the older'])
  })

  await scenario(t, makeEngine, 'a packet id is a duplicate until it is released', async (t, world) => {
    const phone = await publisher(world)
    await openReader(world)
    const { tokenId, generation } = phone
    t.match(await publish(world, phone, 'one', { received: 7 }), { duplicate: false })
    t.match(await publish(world, phone, 'one', { received: 7 }), { duplicate: true })
    t.match(await publish(world, phone, 'two', { received: 8 }), { duplicate: false })
    await world.store.saveSession(tokenId, phone.epoch, Buffer.from('kept'))
    await world.reopen()
    const resumed = { ...phone, epoch: (await world.open(tokenId, generation)).epoch }
    t.match(await publish(world, resumed, 'one', { received: 7 }), { duplicate: true }, 'also after a restart')
    t.equal(await world.store.releaseUpstream(tokenId, resumed.epoch, 7), true)
    t.equal(await world.store.releaseUpstream(tokenId, resumed.epoch, 7), false)
    await rejects(t, world.store.releaseUpstream(tokenId, phone.epoch, 8), 'SESSION_TAKEN_OVER', 'an older session')
    t.match(await publish(world, resumed, 'seven again', { received: 7 }), { duplicate: false })
    const clean = { ...phone, epoch: (await world.open(tokenId, generation, true)).epoch }
    t.match(await publish(world, clean, 'eight again', { received: 8 }), { duplicate: false }, 'another session')
    t.same(await unreadTexts(world), ['one', 'two', 'seven again', 'eight again'])
  })

  await scenario(t, makeEngine, 'a duplicate is known where nobody reads', async (t, world) => {
    const phone = await publisher(world)
    t.match(await publish(world, phone, 'one', { received: 7 }), { duplicate: false, read: false })
    t.match(await publish(world, phone, 'one', { received: 7 }), { duplicate: true })
  })
}

async function limits(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(
    t,
    makeEngine,
    'a device that floods is refused, and the others are not',
    async (t, world) => {
      const flooder = await publisher(world)
      await openReader(world)
      const accepted: number[] = []
      let refusal: unknown
      for (let count = 0; count < 10_000 && refusal === undefined; count += 1) {
        await publish(world, flooder, `${count}`).then(
          ({ offset }) => accepted.push(offset),
          (error: unknown) => {
            refusal = error
          },
        )
      }
      t.match(refusal, { code: 'UPSTREAM_SHARE' })
      t.ok(accepted.length > 0)
      const other = await publisher(world, 'other')
      t.match(await publish(world, other, 'other'), { read: true })
      t.equal((await unreadTexts(world)).length, accepted.length + 1, 'nothing was dropped')
      await move(world, flooder, accepted[0] ?? 0)
      await publish(world, flooder, 'room for one')
      await rejects(t, publish(world, flooder, 'and no more'), 'UPSTREAM_SHARE', 'full again')
      await rejects(t, publish(world, flooder, 'nor a will', { will: true }), 'UPSTREAM_SHARE', 'a will counts')
      world.pass(2 * DAY)
      await world.store.sweep()
      t.match(await publish(world, flooder, 'later'), { read: true }, 'what has expired counts no more')
    },
    { upstreamMessages: 320 },
  )

  await scenario(
    t,
    makeEngine,
    'a full log drops the oldest, and tells who missed it',
    async (t, world) => {
      const first = await publisher(world, 'device 0')
      const part = world.store.upstreamPart(first.tokenId)
      for (const reader of ['away', 'near']) await openReader(world, reader)
      // As many devices of one part as are needed to fill it: each may hold a tenth.
      for (let device = 1, full = false; device < 20_000 && !full; device += 1) {
        const person = { device: `device ${device}` }
        if (world.store.upstreamPart(world.idOf(person)) !== part) continue
        const each = await publisher(world, person.device)
        for (let count = 0; count < 100; count += 1) {
          const sent = await publish(world, each, `${count}`).catch(() => undefined)
          if (sent === undefined) break
          await move(world, each, sent.offset, 'near')
        }
        full = world.counted.upstream.dropped > 0
      }
      const { dropped } = world.counted.upstream
      t.ok(dropped > 0, `${dropped} were dropped`)
      t.equal((await openReader(world, 'near'))[part]?.missed, 0)
      t.equal((await openReader(world, 'away'))[part]?.missed, dropped)
      t.equal((await openReader(world, 'away'))[part]?.missed, 0, 'told once')
    },
    { upstreamMessages: 320 },
  )
}

async function retainedTexts(world: World, tokenId?: string): Promise<string[]> {
  const found: string[] = []
  for await (const entry of world.store.retainedUpstream(APP, tokenId)) found.push(`${entry.subject}=${text(entry)}`)
  return found.sort()
}

async function retained(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'the last retained message of each topic is kept', async (t, world) => {
    const phone = await publisher(world)
    const tablet = await publisher(world, 'tablet')
    t.same(await retainedTexts(world), [])
    await publish(world, phone, 'old', { subject: 'a', retain: true })
    await publish(world, phone, 'not retained', { subject: 'a' })
    await publish(world, phone, 'new', { subject: 'a', retain: true })
    await publish(world, phone, 'told', { subject: 'b', retain: true, as: 'told' })
    await publish(world, tablet, 'other', { subject: 'a', retain: true })
    t.same(await retainedTexts(world), ['a=new', 'a=other', 'b=told'])
    t.same(await retainedTexts(world, phone.tokenId), ['a=new', 'b=told'])
    await publish(world, phone, '', { subject: 'a', retain: true })
    await world.reopen()
    t.same(await retainedTexts(world, phone.tokenId), ['b=told'])
    await world.store.revokeToken(phone.tokenId)
    t.same(await retainedTexts(world), ['a=other'], 'it ends with the token')
    world.pass(DAY)
    t.same(await retainedTexts(world), [], 'and with its time to live')
    await world.store.sweep()
    t.same(await retainedTexts(world), [])
  })

  await scenario(
    t,
    makeEngine,
    'a device retains so many topics',
    async (t, world) => {
      const phone = await publisher(world)
      for (const subject of ['a', 'b', 'c']) await publish(world, phone, subject, { subject, retain: true })
      await rejects(t, publish(world, phone, 'd', { subject: 'd', retain: true }), 'RETAINED_LIMIT', 'one too many')
      await publish(world, phone, 'again', { subject: 'a', retain: true })
      await publish(world, phone, '', { subject: 'b', retain: true })
      await publish(world, phone, '', { subject: 'never there', retain: true })
      await publish(world, phone, 'd', { subject: 'd', retain: true })
      t.same(await retainedTexts(world), ['a=again', 'c=c', 'd=d'])
      world.pass(2 * DAY)
      await world.store.sweep()
      for (const subject of ['e', 'f', 'g']) await publish(world, phone, subject, { subject, retain: true })
      t.same(await retainedTexts(world), ['e=e', 'f=f', 'g=g'], 'what has expired makes room')
    },
    { upstreamRetained: 3 },
  )
}

async function heard(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'who listens hears of what is stored and of what is told', async (t, world) => {
    const phone = await publisher(world)
    const stop = await world.store.listenUpstream(APP)
    const seen: string[] = []
    let wake = (): void => undefined
    const unwatch = world.store.watch({
      privateAppended: () => undefined,
      broadcastAppended: () => undefined,
      sessionEnded: () => undefined,
      cursorMoved: () => undefined,
      cursorsLost: () => undefined,
      resync: () => undefined,
      upstreamAppended(app, part, offset, entry) {
        seen.push(`${app} ${part} ${offset} ${entry === undefined ? '' : text(entry)}`)
        wake()
      },
    })
    t.teardown(unwatch)
    const next = (): Promise<void> =>
      new Promise((resolve) => {
        wake = resolve
      })
    const part = world.store.upstreamPart(phone.tokenId)
    const first = next()
    t.match(await publish(world, phone, 'told', { as: 'told' }), { offset: 0, read: true })
    await first
    t.same(seen, [`${APP} ${part} 0 told`])
    await openReader(world)
    const second = next()
    const { offset } = await publish(world, phone, 'stored')
    await second
    t.same(seen.slice(1), [`${APP} ${part} ${offset} stored`])
    stop()
    await world.store.closeReader(APP, 'reader')
  })
}
