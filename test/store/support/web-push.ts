/** Messages that came through a Web Push endpoint: their places, whose they are, and that they make nobody else's go. */
import type { Test } from 'tap'
import type { Appended, Store, TokenId } from '../../../store/contract.ts'
import { type Draft, EVERYTHING, HOUR, type MakeEngine, scenario, type World } from './world.ts'

const LIMITS = { webPushMessages: 3, privateMessages: 4, privateBytes: 100 }

function push(
  world: World,
  of: TokenId,
  generation: number,
  draft: Draft = {},
  store = world.store,
): Promise<Appended> {
  const message = { ...world.message(draft), webPush: true as const }
  return store.appendWebPush({ tokenId: of, generation, message })
}

const offsetsOf = async (store: Store, of: TokenId) =>
  (await store.readPrivate(of, 0, EVERYTHING)).entries.map(({ offset }) => offset)

export async function webPush(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'is read as it was stored', isRead, LIMITS)
  await scenario(t, makeEngine, 'has places of its own', hasPlaces, LIMITS)
  await scenario(t, makeEngine, 'and bytes of its own', hasBytes, { ...LIMITS, privateMessages: 100 })
  await scenario(t, makeEngine, 'gives its place back, whatever ends it', givesBack, LIMITS)
  await scenario(t, makeEngine, 'is for one generation', isForOneGeneration, LIMITS)
  await scenario(t, makeEngine, 'is counted on every node, and by one that starts again', isCountedEverywhere, LIMITS)
}

async function isRead(t: Test, world: World): Promise<void> {
  const { generation } = await world.register()
  const of = world.idOf()
  const message = { ...world.message({ collapseKey: 'k' }), webPush: true as const }
  const { offset, ...told } = await world.store.appendWebPush({ tokenId: of, generation, message })
  t.same(told, { duplicate: false, dropped: 0, expiresAt: message.expiresAt })
  const { entries } = await world.store.readPrivate(of, 0, EVERYTHING)
  t.same(entries, [{ ...message, offset }])
}

async function hasPlaces(t: Test, world: World): Promise<void> {
  const { generation } = await world.register()
  const of = world.idOf()
  await t.test('as many as there are, whatever else is pending', async (t) => {
    for (const payload of ['1', '2', '3', '4']) await world.send(of, { payload })
    for (const payload of ['a', 'b', 'c']) t.equal((await push(world, of, generation, { payload })).dropped, 0)
    await t.rejects(push(world, of, generation, { payload: 'd' }), { code: 'WEB_PUSH_FULL' })
    t.same(await world.texts(of), ['1', '2', '3', '4', 'a', 'b', 'c'])
  })

  await t.test('a log that is full of others drops its oldest until there is room for one more of those', async (t) => {
    t.equal((await world.send(of, { payload: '5' })).dropped, 1)
    t.same(await world.texts(of), ['2', '3', '4', 'a', 'b', 'c', '5'])
    for (const payload of ['6', '7', '8']) await world.send(of, { payload })
    t.same(await world.texts(of), ['a', 'b', 'c', '5', '6', '7', '8'])
    t.equal((await world.send(of, { payload: '9' })).dropped, 4, 'they were older')
    t.same(await world.texts(of), ['6', '7', '8', '9'])
    t.match((await world.store.readPrivate(of, 0, EVERYTHING)).missed, { count: 8 })
    await push(world, of, generation, { payload: 'd' })
    t.same(await world.texts(of), ['6', '7', '8', '9', 'd'])
  })
}

async function hasBytes(t: Test, world: World): Promise<void> {
  const { generation } = await world.register()
  const of = world.idOf()
  const [half, most] = ['h'.repeat(50), 'm'.repeat(90)]
  await world.send(of, { payload: half })
  await push(world, of, generation, { payload: most })
  await push(world, of, generation, { payload: most })
  t.equal((await world.send(of, { payload: half })).dropped, 0)
  t.equal((await world.send(of, { payload: 'x' })).dropped, 1)
  t.same(await world.texts(of), [most, most, half, 'x'])
}

async function givesBack(t: Test, world: World): Promise<void> {
  const { generation } = await world.register()
  const of = world.idOf()
  const fill = async (most = 3) => {
    for (let at = 0; at < most; at++) await push(world, of, generation)
    await t.rejects(push(world, of, generation), { code: 'WEB_PUSH_FULL' })
  }
  const acknowledge = async (offset: number) => void (await world.store.commit([{ tokenId: of, private: offset }]))
  await fill()

  await t.test('acknowledged, in part and all', async () => {
    await world.send(of)
    const [, second] = await offsetsOf(world.store, of)
    await acknowledge(second ?? 0)
    await fill(2)
    await acknowledge((await offsetsOf(world.store, of)).at(-1) ?? 0)
    await fill()
  })

  await t.test('acknowledged after what was passed before it', async () => {
    const [first = 0, , third = 0] = await offsetsOf(world.store, of)
    await world.store.commit([{ tokenId: of, private: third, skipped: { private: [first], broadcast: [] } }])
    await fill(2)
    await world.store.commit([{ tokenId: of, taken: { private: [first], broadcast: [] } }])
    await fill(1)
  })

  await t.test('recalled', async () => {
    const [entry] = (await world.store.readPrivate(of, 0, EVERYTHING)).entries
    await world.store.recall(of, entry?.id ?? '')
    await fill(1)
  })

  await t.test('expired, once it is swept', async () => {
    world.pass(2 * HOUR)
    await world.store.sweep()
    await fill()
  })

  await t.test('replaced, and for that no place is needed', async (t) => {
    await acknowledge((await offsetsOf(world.store, of)).at(-1) ?? 0)
    await push(world, of, generation, { collapseKey: 'score', payload: '1:0' })
    await fill(2)
    await push(world, of, generation, { collapseKey: 'score', payload: '1:1' })
    t.same((await world.texts(of)).toSorted(), ['1:1', 'hello', 'hello'])
    await t.rejects(push(world, of, generation, { collapseKey: 'other' }), { code: 'WEB_PUSH_FULL' })
  })

  await t.test('purged', async () => {
    await world.store.revokeToken(of, { purge: true })
    const { generation: next } = await world.register()
    for (let at = 0; at < 3; at++) await push(world, of, next)
    await t.rejects(push(world, of, next), { code: 'WEB_PUSH_FULL' })
  })
}

async function isForOneGeneration(t: Test, world: World): Promise<void> {
  const { generation } = await world.register()
  const of = world.idOf()
  const tell = (of: TokenId, generation: number) =>
    world.store.tellPrivate({ tokenId: of, generation, message: world.message({ ttl: 0 }) })
  const refused = async (of: TokenId, generation: number, code: string) => {
    await t.rejects(push(world, of, generation), { code })
    await t.rejects(tell(of, generation), { code })
  }
  await refused(world.idOf({ device: 'unknown' }), 1, 'TOKEN_UNKNOWN')
  await push(world, of, generation)
  t.equal(await tell(of, generation), false)
  await world.store.revokeToken(of)
  await refused(of, generation, 'TOKEN_REVOKED')
  const { generation: next } = await world.register()
  await refused(of, generation, 'TOKEN_REVOKED')
  await push(world, of, next)
  await world.register({ account: 'bob' })
  await refused(of, next, 'TOKEN_SUPERSEDED')
  t.equal((await world.texts(of)).length, 2)
}

async function isCountedEverywhere(t: Test, world: World): Promise<void> {
  const { generation } = await world.register()
  const of = world.idOf()
  const other = await world.otherNode()
  await push(world, of, generation)
  await push(world, of, generation, {}, other)
  const both = [world.store, other, world.store].map((store) => push(world, of, generation, {}, store))
  const settled = await Promise.allSettled(both)
  t.equal(settled.filter(({ status }) => status === 'fulfilled').length, 1, 'one had a place')
  await world.reopen()
  await t.rejects(push(world, of, generation), { code: 'WEB_PUSH_FULL' })
  const [first = 0] = await offsetsOf(world.store, of)
  await world.store.commit([{ tokenId: of, private: first }])
  await push(world, of, generation)
  await t.rejects(push(world, of, generation), { code: 'WEB_PUSH_FULL' })
}
