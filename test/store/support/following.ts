/** What becomes of messages: whose id is which message, the state of each, recall, and what is counted of broadcasts. */
import type { Test } from 'tap'
import type { MessageState, TokenId } from '../../../store/contract.ts'
import { ALL, APP, DAY, type Draft, EVERYTHING, exactly, HOUR, type MakeEngine, scenario, type World } from './world.ts'

export const LATE = 30_000

/** Chosen by the provider. */
export function sendAs(world: World, to: TokenId, id: string, draft: Draft = {}): Promise<number> {
  return world.send(to, { payload: id, ...draft, id, dedupe: true }).then(({ offset }) => offset)
}

export async function stateOf(world: World, of: TokenId, id: string): Promise<MessageState | 'unknown'> {
  return (await world.store.messageStatus(of, id))?.state ?? 'unknown'
}

/** The states of these, in order. */
export async function statesOf(world: World, of: TokenId, ...ids: readonly string[]): Promise<string[]> {
  return await Promise.all(ids.map((id) => stateOf(world, of, id)))
}

export async function following(t: Test, makeEngine: MakeEngine): Promise<void> {
  await ids(t, makeEngine)
  await entries(t, makeEngine)
  await states(t, makeEngine)
  await serverIds(t, makeEngine)
  await lateAcknowledgements(t, makeEngine)
  await skipped(t, makeEngine)
  await broadcasts(t, makeEngine)
}

async function ids(t: Test, makeEngine: MakeEngine): Promise<void> {
  const first = { id: 'a', payload: 'one', dedupe: true }
  const others: Record<string, Draft> = {
    payload: { payload: 'two' },
    properties: { properties: Buffer.from([1, 1]) },
    retain: { retain: true },
    'time to live': { ttl: 2 * HOUR },
    'collapse key': { collapseKey: 'key' },
    receipt: { receipt: true },
  }

  await scenario(t, makeEngine, 'an id is one message: another one with it is refused', async (t, world) => {
    const token = await world.token()
    const known = await world.send(token, first)
    t.equal(known.expiresAt, world.now + HOUR)
    const check = async (when: string) => {
      world.pass(1)
      t.same(await world.send(token, { ...first, receipt: false }), { ...known, duplicate: true }, when)
      for (const [what, other] of Object.entries(others))
        await t.rejects(world.send(token, { ...first, ...other }), { code: 'ID_REUSED' }, `another ${what}, ${when}`)
    }
    await check('while it is pending')
    await world.store.commit([{ tokenId: token, private: known.offset }])
    await check('after it was acknowledged')
    await world.reopen()
    await check('after a restart')
    t.same(await world.texts(token), [])
    t.match(
      await world.send(token, { ...first, dedupe: false, payload: 'two' }),
      { duplicate: false },
      'made by the server',
    )
    world.pass(DAY)
    t.match(await world.send(token, { ...first, payload: 'two' }), { duplicate: false }, 'it was forgotten')
  })

  await scenario(t, makeEngine, 'an id is one broadcast', async (t, world) => {
    const known = await world.broadcast(exactly('1'), first)
    t.equal(known.expiresAt, world.now + HOUR)
    world.pass(1)
    t.same(await world.broadcast(exactly('1'), first), { ...known, duplicate: true })
    await t.rejects(world.broadcast(exactly('2'), first), { code: 'ID_REUSED' }, 'another selector')
    for (const what of ['payload', 'properties', 'retain', 'time to live', 'collapse key'])
      await t.rejects(world.broadcast(exactly('1'), { ...first, ...others[what] }), { code: 'ID_REUSED' }, what)
    t.same(await world.broadcastTexts(), ['one'])
  })
}

async function entries(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'an entry says whether it is followed, and what was asked for', async (t, world) => {
    const token = await world.token()
    const drafts: (readonly [Draft, object])[] = [
      [{}, {}],
      [{ dedupe: true }, { isFollowed: true }],
      [{ receipt: true }, { isFollowed: true, receipt: true }],
      [{ collapseKey: 'k', receipt: false }, { collapseKey: 'k' }],
      [
        { dedupe: true, receipt: true, collapseKey: 'ü'.repeat(32), retain: true, properties: Buffer.from([1, 1]) },
        { isFollowed: true, receipt: true, collapseKey: 'ü'.repeat(32) },
      ],
    ]
    for (const [draft] of drafts) await world.send(token, draft)
    for (const read of ['at once', 'after a restart']) {
      const slice = await world.store.readPrivate(token, 0, EVERYTHING)
      t.same(
        slice.entries.map(({ isFollowed, receipt, collapseKey }) => ({
          ...(isFollowed === undefined ? {} : { isFollowed }),
          ...(receipt === undefined ? {} : { receipt }),
          ...(collapseKey === undefined ? {} : { collapseKey }),
        })),
        drafts.map(([, expected]) => expected),
        read,
      )
      t.same(
        slice.entries.map(({ payload, properties, retain }) => [
          Buffer.from(payload).toString(),
          properties && [...properties],
          retain,
        ]),
        drafts.map(([{ properties, retain = false }]) => ['hello', properties && [...properties], retain]),
      )
      t.notOk('expired' in slice || 'missed' in slice || (slice.droppedThrough ?? 0) > 0)
      await world.reopen()
    }
    await world.broadcast(ALL, { collapseKey: 'k', payload: 'b' })
    t.match((await world.store.readBroadcast(APP, 0, EVERYTHING)).entries, [{ collapseKey: 'k', selector: ALL }])
    t.same(await world.broadcastTexts(), ['b'])
  })
}

async function states(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(
    t,
    makeEngine,
    'what became of a message is told, as long as its id is known',
    async (t, world) => {
      const token = await world.token()
      const other = await world.token({ device: 'tablet' })
      const sent = { storedAt: world.now, expiresAt: world.now + HOUR }
      await sendAs(world, token, 'dropped')
      const acknowledged = await sendAs(world, token, 'acknowledged')
      const qos0 = await sendAs(world, token, 'sent')
      const passed = await sendAs(world, token, 'passed', { ttl: 1_000 })
      t.same(await world.store.messageStatus(token, 'dropped'), { state: 'pending', ...sent })
      await sendAs(world, token, 'expired', { ttl: 1_000 })
      t.same(await statesOf(world, token, 'dropped', 'acknowledged', 'sent'), ['dropped', 'pending', 'pending'])
      world.pass(1_000)
      t.equal(await stateOf(world, token, 'expired'), 'expired', 'its entry is still there')
      const passedAs = [
        [qos0, 'sent'],
        [passed, 'expired'],
      ] as const
      await world.store.commit([{ tokenId: token, private: passed, passedAs }])
      t.same(await statesOf(world, token, 'acknowledged', 'sent', 'passed'), ['acknowledged', 'sent', 'expired'])
      world.pass(LATE)
      await world.store.sweep()
      await sendAs(world, token, 'replaced', { collapseKey: 'k' })
      await sendAs(world, token, 'recalled', { collapseKey: 'k' })
      await world.store.recall(token, 'recalled')
      await sendAs(world, token, 'purged')
      await world.store.revokeToken(token, { purge: true })
      const ends = ['dropped', 'acknowledged', 'sent', 'expired', 'replaced', 'recalled', 'purged']
      t.same(await statesOf(world, token, ...ends), ends)
      await world.reopen()
      t.same(await statesOf(world, token, ...ends), ends, 'also after a restart')
      t.same(await world.store.messageStatus(token, 'acknowledged'), { state: 'acknowledged', ...sent })
      t.same(await world.store.messageStatus(token, 'dropped'), { state: 'dropped', ...sent })
      t.same(await statesOf(world, token, 'never', 'acknowledge', ''), ['unknown', 'unknown', 'unknown'])
      t.same(await statesOf(world, other, ...ends.slice(0, 1)), ['unknown'], 'of another token id')
      t.equal(await stateOf(world, world.idOf({ device: 'none' }), 'dropped'), 'unknown', 'nobody knows the token id')
      t.equal(await world.store.broadcastStatus(APP, 'dropped'), undefined, 'no broadcast')
      t.equal(acknowledged > 0, true)
      world.pass(DAY)
      t.same(
        await statesOf(world, token, ...ends),
        ends.map(() => 'unknown'),
        'as long as the id is known',
      )
      await world.store.sweep()
      t.same(
        await statesOf(world, token, ...ends),
        ends.map(() => 'unknown'),
      )
    },
    { privateMessages: 4, lateAckMs: LATE },
  )

  await scenario(t, makeEngine, 'an id is followed as long as its message lives', async (t, world) => {
    const token = await world.token()
    await sendAs(world, token, 'a', { ttl: 2 * DAY })
    world.pass(2 * DAY - 1)
    await world.store.sweep()
    t.equal(await stateOf(world, token, 'a'), 'pending')
    await world.store.revokeToken(token)
    t.equal(await stateOf(world, token, 'a'), 'pending', 'what waits for a token id that was revoked')
    world.pass(1)
    t.equal(await stateOf(world, token, 'a'), 'unknown')
  })
}

async function serverIds(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'an id that the server made is followed while it is pending', async (t, world) => {
    const token = await world.token()
    const status = { state: 'pending', storedAt: world.now, expiresAt: world.now + HOUR } as const
    const offsets: number[] = []
    for (const id of ['a', 'b', 'c', 'd']) offsets.push((await world.send(token, { id, receipt: id === 'd' })).offset)
    t.same(await world.store.messageStatus(token, 'b'), status)
    t.same(await world.store.recall(token, 'b'), { ...status, state: 'recalled', mayHaveBeenSeen: false })
    t.equal(await stateOf(world, token, 'b'), 'unknown')
    t.equal(await world.store.recall(token, 'b'), undefined)
    await world.store.commit([{ tokenId: token, private: offsets[0] ?? 0 }])
    t.same(await statesOf(world, token, 'a', 'c', 'd'), ['unknown', 'pending', 'pending'])
    await world.reopen()
    t.same(await world.store.messageStatus(token, 'c'), status)
    world.pass(HOUR)
    t.same(await statesOf(world, token, 'c', 'd'), ['unknown', 'unknown'], 'nothing is known after its end')
    t.same(await world.store.recall(token, 'd'), undefined)

    await world.broadcast(ALL, { id: 'a' })
    t.match(await world.store.broadcastStatus(APP, 'a'), { state: 'pending', acknowledged: 0, sent: 0 })
    t.match(await world.store.recallBroadcast(APP, 'a'), { state: 'recalled' })
    t.equal(await world.store.broadcastStatus(APP, 'a'), undefined)
  })
}

async function lateAcknowledgements(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(
    t,
    makeEngine,
    'what expired after it was sent can be acknowledged for a while',
    async (t, world) => {
      const token = await world.token()
      const plain = (await world.send(token, { payload: 'plain', ttl: 1_000 })).offset
      const early = await sendAs(world, token, 'early', { ttl: 1_000 })
      const receipt = (await world.send(token, { receipt: true, ttl: 1_000 })).offset
      const lives = await sendAs(world, token, 'lives')
      const late = await sendAs(world, token, 'late', { ttl: 2_000 })
      world.pass(1_000)
      await world.store.sweep()
      t.equal(world.counted.counts.expired.private, 1, 'only what nobody follows has gone')
      const slice = await world.store.readPrivate(token, 0, EVERYTHING)
      t.match(slice, { expired: [early, receipt], readTo: late })
      t.same(await world.texts(token), ['lives', 'late'], 'it is not given')
      const after = await world.store.readPrivate(token, early, { entries: 1, bytes: 1 })
      t.match(after, { expired: [receipt], readTo: lives })
      t.notOk('expired' in (await world.store.readPrivate(token, receipt, EVERYTHING)))
      t.ok(plain < early)

      await world.store.commit([{ tokenId: token, private: lives, passedAs: [[receipt, 'expired']] }])
      t.same(await statesOf(world, token, 'early', 'lives', 'late'), ['acknowledged', 'acknowledged', 'pending'])
      world.pass(1_000 + LATE - 1)
      await world.store.sweep()
      t.same((await world.store.readPrivate(token, 0, EVERYTHING)).expired, [late])
      world.pass(1)
      await world.store.sweep()
      const { expired, entries } = await world.store.readPrivate(token, 0, EVERYTHING)
      t.same([expired, entries], [undefined, []])
      await world.store.commit([{ tokenId: token, private: late }])
      t.equal(await stateOf(world, token, 'late'), 'expired', 'it has ended, and stays so')
    },
    { lateAckMs: LATE },
  )

  await scenario(
    t,
    makeEngine,
    'where room is made, what has expired ends at once',
    async (t, world) => {
      const token = await world.token()
      await sendAs(world, token, 'a', { ttl: 1_000 })
      await sendAs(world, token, 'b')
      world.pass(1_000)
      t.match(await world.send(token), { dropped: 0 })
      t.match(await world.send(token), { dropped: 1 })
      t.same(await statesOf(world, token, 'a', 'b'), ['expired', 'dropped'])
      t.same(world.counted.counts, { expired: { private: 1, broadcast: 0 }, dropped: { private: 1, broadcast: 0 } })
    },
    { privateMessages: 2, lateAckMs: LATE },
  )
}

async function skipped(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'what was skipped is pending until it is taken', async (t, world) => {
    const tokenId = await world.token()
    const large = await sendAs(world, tokenId, 'large')
    const quick = await sendAs(world, tokenId, 'quick')
    const next = await sendAs(world, tokenId, 'next')
    await world.store.commit([{ tokenId, private: next, skipped: { private: [large, quick], broadcast: [] } }])
    t.same(await statesOf(world, tokenId, 'large', 'quick', 'next'), ['pending', 'pending', 'acknowledged'])
    const taken = { private: [large, quick], broadcast: [] }
    await world.store.commit([{ tokenId, taken, passedAs: [[quick, 'sent']] }])
    t.same(await statesOf(world, tokenId, 'large', 'quick'), ['acknowledged', 'sent'])
  })

  await scenario(t, makeEngine, 'of more than 100 that are skipped, the oldest is dropped', async (t, world) => {
    const tokenId = await world.token()
    const all: number[] = []
    for (let number = 0; number < 102; number += 1) all.push(await sendAs(world, tokenId, `m${number}`))
    await world.store.commit([{ tokenId, private: all.at(-1) ?? 0, skipped: { private: all, broadcast: [] } }])
    t.same(await statesOf(world, tokenId, 'm0', 'm1', 'm2', 'm101'), ['dropped', 'dropped', 'pending', 'pending'])
    const { missed } = await world.store.readPrivate(tokenId, 0, EVERYTHING)
    t.same(missed, { count: 2, through: all.at(-1) })
  })
}

async function broadcasts(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(
    t,
    makeEngine,
    'what became of a broadcast is told, with what was counted of it',
    async (t, world) => {
      const send = (id: string, draft: Draft = {}) => world.broadcast(ALL, { payload: id, ...draft, id, dedupe: true })
      const state = async (id: string) => (await world.store.broadcastStatus(APP, id))?.state
      const status = { storedAt: world.now, expiresAt: world.now + HOUR }
      const { offset } = await send('dropped')
      t.same(await world.store.broadcastStatus(APP, 'dropped'), {
        state: 'pending',
        ...status,
        acknowledged: 0,
        sent: 0,
      })
      const own = { app: APP, offset }
      await world.store.countBroadcasts([])
      await world.store.countBroadcasts([
        { ...own, acknowledged: 2, sent: 0 },
        { app: APP, offset: offset + 1_000, acknowledged: 9, sent: 9 },
        { app: 'chat', offset, acknowledged: 9, sent: 9 },
        { ...own, acknowledged: 300, sent: 1 },
      ])
      t.match(await world.store.broadcastStatus(APP, 'dropped'), { state: 'pending', acknowledged: 302, sent: 1 })
      await send('expired', { ttl: 1_000 })
      t.match(await send('recalled'), { dropped: 1 })
      await world.store.countBroadcasts([{ ...own, acknowledged: 1, sent: 1 }])
      const counted = { state: 'dropped', ...status, acknowledged: 303, sent: 2 }
      t.same(await world.store.broadcastStatus(APP, 'dropped'), counted, 'also after its end')
      world.pass(1_000)
      t.equal(await state('expired'), 'expired')
      await world.store.recallBroadcast(APP, 'recalled')
      world.pass(LATE)
      await world.store.sweep()
      await world.reopen()
      t.same(await Promise.all(['expired', 'recalled'].map(state)), ['expired', 'recalled'])
      t.same(await world.store.broadcastStatus(APP, 'dropped'), counted)
      const { offset: plain } = await world.broadcast(ALL, { id: 'plain' })
      await world.store.countBroadcasts([{ app: APP, offset: plain, acknowledged: 1, sent: 1 }])
      t.match(await world.store.broadcastStatus(APP, 'plain'), { acknowledged: 0, sent: 0 }, 'its id is not remembered')
      t.equal(await world.store.broadcastStatus('chat', 'dropped'), undefined, 'of another app')
      world.pass(DAY)
      t.same(await Promise.all(['dropped', 'expired', 'recalled'].map(state)), [undefined, undefined, undefined])
      await world.store.sweep()
      const again = await send('dropped')
      await world.store.countBroadcasts([{ app: APP, offset: again.offset, acknowledged: 1, sent: 0 }])
      t.match(await world.store.broadcastStatus(APP, 'dropped'), { state: 'pending', acknowledged: 1, sent: 0 })
    },
    { broadcastMessages: 2, lateAckMs: LATE },
  )
}
