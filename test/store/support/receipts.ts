/** Receipts, where a reader of events begins, what a reader missed, and messages that are for now or never. */
import type { Test } from 'tap'
import {
  eventLog,
  type LogEntry,
  type ReaderPart,
  receiptPayload,
  type TokenId,
  type UpstreamEntry,
  type Watcher,
} from '../../../store/contract.ts'
import { ArrivalQueue } from '../../support/waiting.ts'
import { LATE, sendAs, stateOf } from './following.ts'
import { publish, publisher } from './upstream.ts'
import { ALL, APP, DAY, DEAF, EVERYTHING, HOUR, type MakeEngine, scenario, text, type World } from './world.ts'

const LOG = eventLog(APP)
const WEEK = 7 * DAY

function openReader(world: World, reader: string, from?: 'earliest' | 'latest', log = LOG) {
  const opened = world.store.openReader({
    app: log,
    reader,
    expiresAt: Infinity,
    ...(from === undefined ? {} : { from }),
  })
  return opened
}

/** What is beyond the cursors of a reader. */
async function unread(world: World, parts: readonly ReaderPart[], log = LOG): Promise<UpstreamEntry[]> {
  const entries: UpstreamEntry[] = []
  for (const { part, cursor, end } of parts) {
    if (cursor >= end) continue
    entries.push(...(await world.store.readUpstream(log, part, cursor, EVERYTHING)).entries)
  }
  return entries
}

/** All receipts that there were, by a reader that passes none. */
export async function receipts(world: World): Promise<UpstreamEntry[]> {
  return await unread(world, await openReader(world, 'audit', 'earliest'))
}

/** Id and what became of it, sorted. */
export async function told(world: World): Promise<string[]> {
  return (await receipts(world)).map(({ id, subject }) => `${id} ${subject}`).sort()
}

export async function receiptsAndMissed(t: Test, makeEngine: MakeEngine): Promise<void> {
  await everyEnd(t, makeEngine)
  await receiptEvents(t, makeEngine)
  await earliest(t, makeEngine)
  await missed(t, makeEngine)
  await nowOrNever(t, makeEngine)
}

/** A message for each end, which is its id. Two more want none. */
async function endAll(world: World): Promise<TokenId> {
  const token = await world.token()
  const send = (id: string, ttl = HOUR, collapseKey?: string) =>
    sendAs(world, token, id, { receipt: true, ttl, ...(collapseKey === undefined ? {} : { collapseKey }) })
  await send('dropped')
  await sendAs(world, token, 'no receipt')
  await send('acknowledged')
  const sent = await send('sent')
  const expired = await send('expired', 1_000)
  await world.store.commit([
    {
      tokenId: token,
      private: expired,
      passedAs: [
        [sent, 'sent'],
        [expired, 'expired'],
      ],
    },
  ])
  await send('expired later', 1_000)
  world.pass(1_000 + LATE)
  await world.store.sweep()
  await send('replaced', HOUR, 'k')
  await send('recalled', HOUR, 'k')
  await world.store.recall(token, 'recalled')
  await send('expired to make room', 1_000)
  world.pass(1_000)
  for (const id of ['purged', 'purged too', 'purged last']) await send(id)
  await world.send(token, { id: 'made by the server', receipt: true })
  await world.store.revokeToken(token, { purge: true })
  return token
}

const ENDED = [
  'acknowledged message.acknowledged',
  'dropped message.dropped',
  'expired later message.expired',
  'expired message.expired',
  'expired to make room message.expired',
  'made by the server message.purged',
  'purged last message.purged',
  'purged message.purged',
  'purged too message.purged',
  'recalled message.recalled',
  'replaced message.replaced',
  'sent message.sent',
]

async function everyEnd(t: Test, makeEngine: MakeEngine): Promise<void> {
  const limits = { privateMessages: 4, lateAckMs: LATE }
  await scenario(
    t,
    makeEngine,
    'each end of a message has one receipt, read or not',
    async (t, world) => {
      await endAll(world)
      t.same(await told(world), ENDED)
      await world.store.sweep()
      await world.reopen()
      t.same(await told(world), ENDED, 'also after a restart')
      world.pass(WEEK)
      t.same(await told(world), [], 'for a week')
    },
    limits,
  )
  await scenario(
    t,
    makeEngine,
    'each end of a message has one receipt for a reader',
    async (t, world) => {
      await openReader(world, 'latest')
      await openReader(world, 'audit', 'earliest')
      const token = await endAll(world)
      t.same(await told(world), ENDED)
      const entries = await unread(world, await openReader(world, 'latest'))
      t.equal(entries.length, ENDED.length)
      t.equal(new Set(entries.map(text)).size, entries.length, 'each has an id of its own')
      t.ok(entries.every(({ tokenId }) => tokenId === token))
    },
    limits,
  )
}

async function receiptEvents(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'a receipt says what the contract says, and is heard of', async (t, world) => {
    const token = await world.token()
    const part = world.store.upstreamPart(token)
    const queue = new ArrivalQueue<readonly [app: string, part: number, offset: number]>('an event')
    t.teardown(world.store.watch({ ...DEAF, upstreamAppended: (app, part, offset) => queue.push([app, part, offset]) }))
    const stop = await world.store.listenUpstream(LOG)
    const other = await world.otherNode()
    const offset = await sendAs(world, token, 'a', { receipt: true })
    world.pass(1_000)
    await other.commit([{ tokenId: token, private: offset }])
    const [entry, ...more] = await receipts(world)
    t.same(more, [])
    const { payload, ...rest } = entry ?? { payload: Buffer.alloc(0) }
    t.equal(Buffer.from(payload).toString(), receiptPayload(token, offset))
    t.match(rest, {
      id: 'a',
      tokenId: token,
      subject: 'message.acknowledged',
      storedAt: world.now,
      expiresAt: world.now + WEEK,
      retain: false,
    })
    t.same(await queue.next(), [LOG, part, entry?.offset])
    stop()
  })

  await scenario(t, makeEngine, 'a message is acknowledged once, whoever says it how often', async (t, world) => {
    const tokenId = await world.token()
    const offsets: number[] = []
    for (const id of ['a', 'b', 'c', 'd', 'e']) offsets.push((await world.send(tokenId, { id, receipt: true })).offset)
    const [a, b, c, d, e] = offsets as [number, number, number, number, number]
    const acknowledge = (offset: number) => world.store.commit([{ tokenId, private: offset }])
    await Promise.all([acknowledge(b), acknowledge(a), acknowledge(b)])
    await Promise.all([world.store.recall(tokenId, 'c'), acknowledge(c), world.store.recall(tokenId, 'c')])
    await world.store.commit([{ tokenId, private: e, skipped: { private: [d], broadcast: [] } }])
    await world.reopen()
    await acknowledge(e)
    const expected = [
      'a message.acknowledged',
      'b message.acknowledged',
      'c message.recalled',
      'e message.acknowledged',
    ]
    t.same(await told(world), expected, 'what was skipped is pending')
    await world.store.commit([{ tokenId, taken: { private: [d], broadcast: [] } }])
    await world.store.commit([{ tokenId, taken: { private: [d], broadcast: [] } }])
    t.same(await told(world), [...expected, 'd message.acknowledged'].sort())
  })

  await scenario(
    t,
    makeEngine,
    'receipts never refuse an acknowledgement: the oldest go, and readers are told',
    async (t, world) => {
      const tokenId = await world.token()
      const part = world.store.upstreamPart(tokenId)
      await openReader(world, 'reader')
      let count = 0
      for (; count < 4_000 && world.counted.event.dropped === 0; count += 100) {
        const sent = Array.from({ length: 100 }, () => world.send(tokenId, { receipt: true }))
        await world.store.commit([{ tokenId, private: (await Promise.all(sent)).at(-1)?.offset ?? 0 }])
      }
      const { dropped } = world.counted.event
      t.ok(dropped > 0)
      t.equal((await openReader(world, 'reader'))[part]?.missed, dropped)
      t.equal((await receipts(world)).length, count - dropped)
    },
    { eventMessages: 320 },
  )
}

async function earliest(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'a reader begins where it says', async (t, world) => {
    const tokenId = await world.token()
    const acknowledge = async (id: string) => {
      await world.store.commit([{ tokenId, private: await sendAs(world, tokenId, id, { receipt: true }) }])
    }
    const ids = async (reader: string, from?: 'earliest' | 'latest') =>
      (await unread(world, await openReader(world, reader, from))).map(({ id }) => id)
    await acknowledge('a')
    t.same(await ids('first', 'earliest'), ['a'])
    t.same(await ids('late'), [], 'latest, unless it says otherwise')
    await acknowledge('b')
    t.same(await ids('first', 'latest'), ['a', 'b'], 'one that is known stays where it is')
    t.same(await ids('late', 'earliest'), ['b'])
    t.same(await ids('third', 'earliest'), ['a', 'b'], 'what one of them has not passed')
    const part = world.store.upstreamPart(tokenId)
    const cursor = (await unread(world, await openReader(world, 'first')))[0]?.offset ?? 0
    for (const reader of ['first', 'third']) await world.store.moveReader(LOG, reader, [{ part, cursor }])
    t.same(await ids('fourth', 'earliest'), ['b'], 'what all have passed is gone')
    for (const reader of ['first', 'third', 'late', 'fourth']) await world.store.closeReader(LOG, reader)
    await acknowledge('c')
    await world.reopen()
    t.same((await ids('fifth', 'earliest')).slice(-1), ['c'], 'stored though nobody read')
  })

  await scenario(t, makeEngine, 'a reader of an upstream log begins with what is stored', async (t, world) => {
    const phone = await publisher(world)
    t.same(await unread(world, await openReader(world, 'one', 'earliest', APP), APP), [])
    await publish(world, phone, '1')
    await publish(world, phone, '2')
    t.same((await unread(world, await openReader(world, 'two', 'earliest', APP), APP)).map(text), ['1', '2'])
    t.same(await unread(world, await openReader(world, 'three', 'latest', APP), APP), [])
  })
}

async function missed(t: Test, makeEngine: MakeEngine): Promise<void> {
  const of = async (world: World, token: TokenId, after = 0) =>
    (await world.store.readPrivate(token, after, EVERYTHING)).missed
  await scenario(
    t,
    makeEngine,
    'what a device missed is told until it acknowledges something after it',
    async (t, world) => {
      const { generation } = await world.register()
      const token = world.idOf()
      const sent: number[] = []
      for (const payload of ['1', '2', '3', '4', '5']) sent.push((await world.send(token, { payload })).offset)
      const [, second, third, fourth, fifth] = sent
      const two = { count: 2, through: second }
      t.same(await of(world, token), two)
      t.same(await of(world, token, fifth), two, 'also where nothing is pending')
      await world.reopen()
      const { missed, epoch } = await world.open(token, generation)
      t.same(missed, two)
      await world.send(token, { payload: '6' })
      t.same(await of(world, token), { count: 3, through: third })
      await world.store.commit([{ tokenId: token, epoch, private: third ?? 0 }])
      t.same(await of(world, token), { count: 3, through: third }, 'nothing after it was acknowledged')
      await world.store.commit([{ tokenId: token, epoch, private: fourth ?? 0 }])
      t.equal(await of(world, token), undefined)
      t.equal((await world.open(token, generation)).missed, undefined)
      await world.send(token, { payload: '7', ttl: 1_000 })
      world.pass(1_000)
      for (const payload of ['8', '9']) await world.send(token, { payload })
      t.same(await of(world, token), { count: 2, through: (fifth ?? 0) + 1 }, 'it counts anew')
      await world.send(token, { payload: '10' })
      t.same(await of(world, token), { count: 2, through: (fifth ?? 0) + 1 }, 'what had expired was not missed')
      await world.store.revokeToken(token, { purge: true })
      t.equal(await of(world, token), undefined, 'nothing of before is told after a purge')
    },
    { privateMessages: 3 },
  )

  await scenario(
    t,
    makeEngine,
    'what was skipped and dropped is missed, and broadcasts say up to where some went',
    async (t, world) => {
      const tokenId = await world.token()
      const large = (await world.send(tokenId)).offset
      const next = (await world.send(tokenId)).offset
      await world.store.commit([{ tokenId, private: next, skipped: { private: [large], broadcast: [] } }])
      await world.send(tokenId)
      t.match(await world.send(tokenId), { dropped: 1 })
      t.same(await of(world, tokenId), { count: 1, through: next })

      const sent: number[] = []
      for (const ttl of [HOUR, DAY, DAY]) sent.push((await world.broadcast(ALL, { ttl })).offset)
      t.equal((await world.store.readBroadcast(APP, 0, EVERYTHING)).droppedThrough, sent[0])
      await world.reopen()
      await world.broadcast(ALL, { ttl: HOUR })
      t.equal((await world.store.readBroadcast(APP, sent[2] ?? 0, EVERYTHING)).droppedThrough, sent[1])
      world.pass(2 * DAY)
      await world.store.sweep()
      t.equal((await world.store.readBroadcast(APP, 0, EVERYTHING)).droppedThrough, sent[1])
      t.notOk((await world.store.readBroadcast('chat', 0, EVERYTHING)).droppedThrough)
    },
    { privateMessages: 2, broadcastMessages: 2 },
  )
}

class Ear implements Watcher {
  readonly heard = new ArrivalQueue<{
    readonly of: string
    readonly offset: number
    readonly entry?: LogEntry | undefined
  }>('a message')
  sessionEnded = DEAF.sessionEnded
  cursorMoved = DEAF.cursorMoved
  cursorsLost = DEAF.cursorsLost
  resync = DEAF.resync

  privateAppended(of: TokenId, offset: number, entry?: LogEntry): void {
    this.heard.push({ of, offset, entry })
  }

  broadcastAppended(of: string, offset: number, entry?: LogEntry): void {
    this.heard.push({ of, offset, entry })
  }
}

async function nowOrNever(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'a message for now is heard by who is there, and not stored', async (t, world) => {
    const held = await world.register({ device: 'phone' })
    const [session, followed, nobody] = [
      world.idOf({ device: 'phone' }),
      await world.token({ device: 'tablet' }),
      await world.token({ device: 'away' }),
    ]
    const { epoch } = await world.open(session, held.generation)
    const stop = await world.store.follow(followed)
    const ear = new Ear()
    t.teardown(world.store.watch(ear))
    const other = await world.otherNode()
    const message = world.message({ ttl: 0, payload: Buffer.alloc(256 * 1024, 7), properties: Buffer.from([1, 1]) })
    for (const tokenId of [session, followed]) {
      t.equal(await other.tellPrivate({ tokenId, app: APP, message }), true)
      const { of, offset, entry } = await ear.heard.next()
      t.same([of, offset, entry?.id, entry?.expiresAt], [tokenId, 0, message.id, world.now])
      t.ok(entry !== undefined && Buffer.from(message.payload).equals(entry.payload))
      t.same([...(entry?.properties ?? [])], [1, 1])
    }
    t.equal(await other.tellPrivate({ tokenId: nobody, message }), false)
    t.equal(await stateOf(world, session, message.id), 'unknown')
    t.match(await world.store.readPrivate(session, 0, EVERYTHING), { entries: [] })
    stop()
    await world.store.closeSession(session, epoch, { stateExpiresAt: 0 })
    t.equal(await other.tellPrivate({ tokenId: session, message }), false, 'its session was closed')

    await other.tellBroadcast({ app: APP, selector: ALL, message })
    const { of, offset, entry } = await ear.heard.next()
    t.same([of, offset, entry?.id], [APP, 0, message.id])
    t.match(entry, { selector: ALL })
    t.match(await world.store.readBroadcast(APP, 0, EVERYTHING), { entries: [], end: 0 })
    t.equal(ear.heard.received.length, 3, 'nobody else was told')
  })

  await scenario(t, makeEngine, 'a message for now goes to nobody who may not have it', async (t, world) => {
    const token = await world.token()
    const message = world.message({ ttl: 0 })
    const tell = (more: object = {}) => world.store.tellPrivate({ tokenId: token, message, ...more })
    await t.rejects(tell({ tokenId: world.idOf({ device: 'none' }) }), { code: 'TOKEN_UNKNOWN' })
    await t.rejects(tell({ app: 'chat' }), { code: 'TOKEN_UNKNOWN' })
    await world.register({ account: 'bert' })
    await t.rejects(tell({ onlyCurrent: true }), { code: 'TOKEN_SUPERSEDED' })
    t.equal(await tell(), false)
    await world.store.revokeToken(token)
    await t.rejects(tell(), { code: 'TOKEN_REVOKED' })
  })
}
