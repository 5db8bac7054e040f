/** Revocations on a condition, what they purge, and who may still be sent to. */
import type { Test } from 'tap'
import { ALL, type MakeEngine, scenario, type World } from './world.ts'

export async function revoking(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'a device logs out what is honoured, and nothing else', async (t, world) => {
    const token = world.idOf()
    await t.rejects(world.store.revokeToken(token, { generation: 1 }), { code: 'TOKEN_UNKNOWN' })
    await t.rejects(world.store.revokeToken('no token id', { generation: 1 }), { code: 'TOKEN_UNKNOWN' })
    t.equal(await world.store.revokeToken('no token id'), false)
    const first = await world.register()
    await t.rejects(world.store.revokeToken(token, { generation: first.generation - 1 }), { code: 'TOKEN_REVOKED' })
    await world.register({ account: 'bert' })
    await t.rejects(world.store.revokeToken(token, { generation: first.generation }), { code: 'TOKEN_SUPERSEDED' })
    const second = await world.register()
    await t.rejects(world.store.revokeToken(token, { generation: first.generation }), { code: 'TOKEN_REVOKED' })
    t.match(await world.store.lookupToken(token), { revoked: false, generation: second.generation })
    t.equal(await world.store.revokeToken(token, { generation: second.generation }), true)
    t.match(await world.store.lookupToken(token), { revoked: true })
    await t.rejects(world.store.revokeToken(token, { generation: second.generation }), { code: 'TOKEN_REVOKED' })
    const third = await world.register()
    t.ok(third.generation > second.generation)
    await t.rejects(world.open(token, second.generation), { code: 'TOKEN_REVOKED' })
  })

  await scenario(t, makeEngine, 'of many logouts at one time, one counts', async (t, world) => {
    const { generation } = await world.register()
    const nodes = [world.store, await world.otherNode()]
    const all = await Promise.allSettled(
      Array.from({ length: 20 }, (_, at) => nodes[at % 2]!.revokeToken(world.idOf(), { generation })),
    )
    t.equal(all.filter(({ status }) => status === 'fulfilled').length, 1)
    t.match(await world.store.lookupToken(world.idOf()), { generation: generation + 1, revoked: true })
  })

  await scenario(t, makeEngine, 'what is pending stays, or is purged', async (t, world) => {
    const token = await fill(world)
    await world.store.revokeToken(token)
    await world.register()
    t.same(await world.texts(token), ['skipped', 'one', 'kept'])
    t.equal((await world.store.retainedPrivate(token))?.id, 'kept')

    const { generation } = await world.register()
    await world.store.revokeToken(token, { generation, purge: true })
    t.same(await world.texts(token), [])
    await nothingOfBefore(t, world, token)
    const { generation: next } = await world.register()
    await nothingOfBefore(t, world, token)
    const { cursors, privateEnd } = await world.open(token, next)
    t.equal(cursors.private, privateEnd)
    await world.send(token, { payload: 'new' })
    await world.broadcast(ALL, { payload: 'new for all' })
    t.same(await world.texts(token), ['new'])
    t.same(await world.broadcastTexts(undefined, cursors.broadcast), ['new for all'])
    t.same(world.counted.counts, { expired: { private: 0, broadcast: 0 }, dropped: { private: 0, broadcast: 0 } })
  })

  await scenario(t, makeEngine, 'what is revoked already is purged as well', async (t, world) => {
    const token = await fill(world)
    await world.store.revokeToken(token)
    t.equal(await world.store.revokeToken(token, { purge: true }), true)
    await nothingOfBefore(t, world, token)
    t.equal(await world.store.revokeToken(world.idOf({ account: 'nobody' }), { purge: true }), false)
  })

  await scenario(t, makeEngine, 'who wants to reach the current account alone is told of another', async (t, world) => {
    const token = await world.token()
    const append = (onlyCurrent: boolean) =>
      world.store.append({ tokenId: token, message: world.message(), dedupe: false, onlyCurrent })
    await append(true)
    await world.register({ account: 'bert' })
    const all = await Promise.allSettled([append(false), append(true), append(false)])
    t.same(
      all.map((each) => (each.status === 'fulfilled' ? 'stored' : each.reason.code)),
      ['stored', 'TOKEN_SUPERSEDED', 'stored'],
    )
    t.equal((await world.texts(token)).length, 3)
    await world.store.revokeToken(token)
    for (const onlyCurrent of [true, false]) await t.rejects(append(onlyCurrent), { code: 'TOKEN_REVOKED' })
    await t.rejects(
      world.store.append({
        tokenId: world.idOf({ account: 'c' }),
        message: world.message(),
        dedupe: false,
        onlyCurrent: true,
      }),
      { code: 'TOKEN_UNKNOWN' },
    )
  })
}

/** Something of all that may wait for a token id. */
async function fill(world: World): Promise<string> {
  const token = await world.token()
  const skipped = await world.send(token, { payload: 'skipped' })
  const one = await world.broadcast(ALL, { payload: 'skipped for all' })
  const passed = { private: skipped.offset, broadcast: one.offset }
  const marks = { skipped: { private: [skipped.offset], broadcast: [one.offset] }, versions: ['1.0'] }
  await world.store.commit([{ tokenId: token, ...passed, ...marks }])
  await world.send(token, { payload: 'one' })
  await world.send(token, { payload: 'kept', id: 'kept', retain: true })
  await world.broadcast(ALL, { payload: 'for all' })
  return token
}

async function nothingOfBefore(t: Test, world: World, token: string): Promise<void> {
  t.same(await world.texts(token), [])
  t.equal(await world.store.retainedPrivate(token), undefined)
  const cursors = (await world.store.lookupToken(token))?.cursors
  t.same(await world.broadcastTexts(undefined, cursors?.broadcast), [])
  t.equal(cursors?.marks, undefined, 'nothing that was passed is pending')
}
