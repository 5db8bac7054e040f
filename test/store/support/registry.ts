/** Registering, switching accounts, revoking. */
import type { Test } from 'tap'
import { deviceMark } from '../../../topics/index.ts'
import { NO_DETAILS } from '../../../store/details.ts'
import { ALL, APP, DAY, HOUR, type MakeEngine, scenario } from './world.ts'

export async function registry(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'a registered token id is known and current', async (t, world) => {
    t.equal(await world.store.lookupToken(world.idOf()), undefined)
    const { generation, switchedFrom } = await world.register()
    t.equal(switchedFrom, undefined)
    t.ok(Number.isSafeInteger(generation) && generation >= 0)
    t.same(await world.store.lookupToken(world.idOf()), {
      app: APP,
      generation,
      revoked: false,
      current: true,
      cursors: { private: await world.cursorOf(world.idOf()), broadcast: 0 },
      expiresAt: world.now + 365 * DAY,
      details: NO_DETAILS,
      lastSeen: world.now,
    })
  })

  await scenario(t, makeEngine, 'registering again changes nothing that is stored', async (t, world) => {
    const token = await world.token()
    const one = await world.send(token, { payload: 'one' })
    await world.send(token, { payload: 'two' })
    await world.store.commit([{ tokenId: token, private: one.offset }])
    const before = await world.store.lookupToken(token)
    const again = await world.register()
    t.same(again, { generation: before?.generation, details: NO_DETAILS })
    t.same(await world.store.lookupToken(token), before)
    t.same(await world.texts(token), ['two'])
  })

  await scenario(t, makeEngine, 'what people see of a token id', async (t, world) => {
    t.equal(await world.store.inspectToken(world.idOf()), undefined)
    const token = await world.token()
    const record = (await world.store.lookupToken(token))!
    const empty = { session: 'none', privateEnd: record.cursors.private, pending: { messages: 0, bytes: 0 } }
    t.same(await world.store.inspectToken(token), { ...record, ...empty })
    await world.send(token, { payload: 'one' })
    const { offset } = await world.send(token, { payload: 'three' })
    const { epoch } = await world.open(token, record.generation)
    const pending = { messages: 2, bytes: 8 }
    t.match(await world.store.inspectToken(token), { session: 'connected', privateEnd: offset, pending })
    const state = Buffer.from('state')
    await world.store.closeSession(token, epoch, { state, stateExpiresAt: world.now + HOUR })
    t.match(await world.store.inspectToken(token), { session: 'kept' })
    world.pass(HOUR)
    t.match(await world.store.inspectToken(token), { session: 'none' })
    await world.store.commit([{ tokenId: token, private: offset }])
    t.match(await world.store.inspectToken(token), { cursors: { private: offset }, pending: { messages: 0, bytes: 0 } })
  })

  await scenario(t, makeEngine, 'an unknown token id', async (t, world) => {
    const token = world.idOf()
    t.equal(await world.store.revokeToken(token), false)
    await t.rejects(world.send(token), { code: 'TOKEN_UNKNOWN' })
    await t.rejects(world.open(token, 1), { code: 'TOKEN_UNKNOWN' })
    t.match(await world.store.readPrivate(token, 0, { entries: 1, bytes: 1 }), { entries: [], end: 0 })
    t.equal(await world.store.retainedPrivate(token), undefined)
    t.same(await world.store.commit([{ tokenId: token, private: 1 }]), [])
  })

  await scenario(t, makeEngine, 'the app must be the one of the token id', async (t, world) => {
    const token = await world.token()
    const message = world.message()
    await t.rejects(world.store.append({ tokenId: token, app: 'other', message, dedupe: false }), {
      code: 'TOKEN_UNKNOWN',
    })
    await t.rejects(world.open(token, 1, false, 'other'), { code: 'TOKEN_UNKNOWN' })
    t.match(await world.store.append({ tokenId: token, app: APP, message, dedupe: false }), { duplicate: false })
  })

  await scenario(t, makeEngine, 'another account of the same app and device takes its place', async (t, world) => {
    const anna = await world.token({ account: 'anna' })
    const bert = world.idOf({ account: 'bert' })
    const { generation } = (await world.store.lookupToken(anna))!
    t.match(await world.register({ account: 'bert' }), { switchedFrom: anna })
    t.match(await world.store.lookupToken(anna), { current: false, revoked: false })
    t.match(await world.store.lookupToken(bert), { current: true })
    await t.rejects(world.open(anna, generation), { code: 'TOKEN_SUPERSEDED' })

    await world.send(anna, { payload: 'for anna' })
    t.same(await world.texts(bert), [])
    const back = await world.register({ account: 'anna' })
    t.match(back, { switchedFrom: bert })
    t.same(await world.texts(anna), ['for anna'], 'what came meanwhile waited')
    await world.open(anna, back.generation)
  })

  await scenario(t, makeEngine, 'what was issued before an account switch is refused forever', async (t, world) => {
    const anna = world.idOf({ account: 'anna' })
    const issued: number[] = []
    for (let round = 0; round < 3; round++) {
      const { generation } = await world.register({ account: 'anna' })
      t.ok(generation > Math.max(0, ...issued), 'generations only grow')
      t.match(await world.register({ account: 'anna' }), { generation }, 'and stay without a switch')
      t.match(await world.store.lookupToken(anna), { generation, current: true })
      for (const previous of issued) await t.rejects(world.open(anna, previous), { code: 'TOKEN_REVOKED' })
      await world.open(anna, generation)
      await world.register({ account: 'bert' })
      issued.push(generation)
    }
  })

  await scenario(t, makeEngine, 'another app or another device is no switch of the account', async (t, world) => {
    const phone = await world.token()
    t.equal((await world.register({ device: 'tablet', account: 'bert' })).switchedFrom, undefined)
    t.equal((await world.register({ app: 'chat', account: 'bert' })).switchedFrom, undefined)
    t.equal((await world.register({ app: `${APP}phone`, device: '', account: 'bert' })).switchedFrom, undefined)
    t.match(await world.store.lookupToken(phone), { current: true })
  })

  await scenario(t, makeEngine, 'a revoked token id is refused until it is registered again', async (t, world) => {
    const { generation } = await world.register()
    const token = world.idOf()
    await world.send(token, { payload: 'before' })
    t.equal(await world.store.revokeToken(token), true)
    t.match(await world.store.lookupToken(token), { revoked: true })
    await t.rejects(world.open(token, generation), { code: 'TOKEN_REVOKED' })
    await t.rejects(world.send(token), { code: 'TOKEN_REVOKED' })
    t.equal(await world.store.revokeToken(token), true, 'revoked twice')

    const again = await world.register()
    t.ok(again.generation > generation)
    t.match(await world.store.lookupToken(token), { revoked: false, generation: again.generation })
    await t.rejects(world.open(token, generation), { code: 'TOKEN_REVOKED' }, 'a JWT of before the revocation')
    await world.open(token, again.generation)
    t.same(await world.texts(token), ['before'], 'what was pending stays')
  })

  await scenario(t, makeEngine, 'a new token id starts at the end of the broadcast log', async (t, world) => {
    await world.broadcast(ALL)
    const last = await world.broadcast(ALL)
    const token = await world.token()
    t.match(await world.store.lookupToken(token), { cursors: { broadcast: last.offset } })
    await world.broadcast(ALL)
    await world.register()
    t.match(await world.store.lookupToken(token), { cursors: { broadcast: last.offset } }, 'a known one stays')
    t.match(await world.store.lookupToken(await world.token({ app: 'chat' })), { cursors: { broadcast: 0 } })
  })

  await scenario(t, makeEngine, 'what waits outlives the JWT', async (t, world) => {
    const token = world.idOf()
    const expiresAt = world.now + HOUR
    const registration = { tokenId: token, app: APP, deviceMark: deviceMark(APP, 'phone') }
    await world.store.registerToken({ ...registration, expiresAt })
    const begin = await world.cursorOf(token)
    await world.send(token, { payload: 'waits', ttl: 4 * HOUR })
    await world.broadcast(ALL, { ttl: 4 * HOUR })
    world.pass(2 * HOUR)
    await world.store.sweep()
    await world.store.registerToken({ ...registration, expiresAt: world.now + HOUR })
    t.same(await world.texts(token), ['waits'])
    t.match(await world.store.lookupToken(token), { cursors: { private: begin, broadcast: 0 } })
  })

  await scenario(t, makeEngine, 'names that objects have are names like others', async (t, world) => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      const person = { app: name, device: name, account: name }
      t.equal(await world.store.lookupToken(world.idOf(person)), undefined)
      const token = await world.token(person)
      t.match(await world.send(token, { id: name, dedupe: true }), {
        offset: (await world.cursorOf(token)) + 1,
        duplicate: false,
      })
      t.match(await world.broadcast(ALL, { id: name, dedupe: true, retain: true }, name), { duplicate: false })
      t.match(await world.store.retainedBroadcast(name, name, []), { id: name })
      t.match(await world.store.lookupToken(token), { app: name })
    }
  })
}
