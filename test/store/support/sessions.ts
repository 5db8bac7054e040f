/** Sessions: epochs, fencing, and the state that a resumption finds. */
import type { Test } from 'tap'
import { ALL, APP, DAY, HOUR, type MakeEngine, scenario, type World } from './world.ts'

const STATE = Buffer.from([0, 1, 2, 255])

export async function sessions(t: Test, makeEngine: MakeEngine): Promise<void> {
  await opening(t, makeEngine)
  await fencing(t, makeEngine)
  await resuming(t, makeEngine)
}

/** A token id and how to open its session. */
async function device(world: World): Promise<{ token: string; open: (clean?: boolean) => ReturnType<World['open']> }> {
  const { generation } = await world.register()
  const token = world.idOf()
  return { token, open: (clean = false) => world.open(token, generation, clean) }
}

function bytes(state: Uint8Array | undefined): Buffer | undefined {
  return state && Buffer.from(state)
}

async function opening(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'a first session has no state, and knows where the logs are', async (t, world) => {
    const { token, open } = await device(world)
    const first = await world.send(token)
    const second = await world.send(token)
    const broadcast = await world.broadcast(ALL)
    await world.store.commit([{ tokenId: token, private: first.offset, broadcast: broadcast.offset }])
    const { epoch, ...session } = await open()
    t.ok(epoch > 0)
    t.same(session, {
      unclean: false,
      cursors: { private: first.offset, broadcast: broadcast.offset },
      privateEnd: second.offset,
    })
  })

  await scenario(t, makeEngine, 'epochs only grow', async (t, world) => {
    const { token, open } = await device(world)
    const epochs: number[] = []
    epochs.push((await open()).epoch, (await open()).epoch)
    await world.reopen()
    epochs.push((await open()).epoch)
    await world.store.closeSession(token, epochs.at(-1)!, { stateExpiresAt: 0 })
    epochs.push((await open(true)).epoch)
    await world.store.closeSession(token, epochs.at(-1)!, { stateExpiresAt: 0 })
    await world.store.sweep()
    await world.reopen()
    await world.store.revokeToken(token)
    const { generation } = await world.register()
    epochs.push((await world.open(token, generation)).epoch)
    t.ok(epochs.every((epoch, position) => position === 0 || epoch > epochs[position - 1]!))
  })
}

async function fencing(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'an older session is fenced', async (t, world) => {
    const { token, open } = await device(world)
    const begin = await world.cursorOf(token)
    for (let sent = 0; sent < 3; sent += 1) await world.send(token)
    const older = (await open()).epoch
    t.same(await world.store.commit([{ tokenId: token, epoch: older, private: begin + 1 }]), [])
    const newer = (await open()).epoch
    const late = { tokenId: token, epoch: older, private: begin + 2 }
    t.same(await world.store.commit([late]), [late])
    t.match(await world.store.lookupToken(token), { cursors: { private: begin + 1 } })
    await t.rejects(world.store.saveSession(token, older, STATE), { code: 'SESSION_TAKEN_OVER' })
    await world.store.closeSession(token, older, { state: Buffer.from('older'), stateExpiresAt: Infinity })
    await world.store.saveSession(token, newer, STATE)
    const mixed = [late, { tokenId: token, epoch: newer, private: begin + 3 }]
    t.same(await world.store.commit(mixed), [late], 'the others of the call are not refused')
    t.match(await world.store.lookupToken(token), { cursors: { private: begin + 3 } })
    t.same(bytes((await open()).state), STATE)
  })

  await scenario(t, makeEngine, 'a session that has ended can save nothing', async (t, world) => {
    const { token, open } = await device(world)
    const { epoch } = await open()
    await world.store.closeSession(token, epoch, { state: STATE, stateExpiresAt: Infinity })
    await t.rejects(world.store.saveSession(token, epoch, Buffer.from('late')), { code: 'SESSION_TAKEN_OVER' })
    t.same(bytes((await open()).state), STATE)
    await t.rejects(world.store.saveSession(world.idOf({ account: 'x' }), 1, STATE), { code: 'SESSION_TAKEN_OVER' })
    await world.store.closeSession(world.idOf({ account: 'x' }), 1, { stateExpiresAt: 0 })
  })

  await scenario(t, makeEngine, 'an acknowledgement that no session fences', async (t, world) => {
    const { token, open } = await device(world)
    const { offset } = await world.send(token)
    await open()
    t.same(await world.store.commit([{ tokenId: token, private: offset }]), [])
    t.match(await world.store.lookupToken(token), { cursors: { private: offset } })
  })

  await scenario(t, makeEngine, 'an acknowledgement after the session was closed counts', async (t, world) => {
    const { token, open } = await device(world)
    const { offset } = await world.send(token)
    const { epoch } = await open()
    await world.store.closeSession(token, epoch, { stateExpiresAt: 0 })
    t.same(await world.store.commit([{ tokenId: token, epoch, private: offset }]), [])
    t.match(await world.store.lookupToken(token), { cursors: { private: offset } })
  })
}

async function resuming(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'a closed session resumes with its state', async (t, world) => {
    const { token, open } = await device(world)
    const { epoch } = await open()
    await world.store.closeSession(token, epoch, { state: STATE, stateExpiresAt: world.now + HOUR })
    await world.reopen()
    world.pass(HOUR - 1)
    const resumed = await open()
    t.same(bytes(resumed.state), STATE)
    t.equal(resumed.unclean, false)
    await world.store.closeSession(token, resumed.epoch, { stateExpiresAt: 0 })
    t.equal((await open()).state, undefined, 'a session that ended keeps nothing')
  })

  await scenario(t, makeEngine, 'state ends at its time, or never', async (t, world) => {
    const { token, open } = await device(world)
    const first = await open()
    await world.store.closeSession(token, first.epoch, { state: STATE, stateExpiresAt: world.now + HOUR })
    world.pass(HOUR)
    const second = await open()
    t.match(second, { unclean: false })
    t.equal(second.state, undefined)
    await world.store.closeSession(token, second.epoch, { state: STATE, stateExpiresAt: world.now + HOUR })
    world.pass(2 * HOUR)
    await world.store.sweep()
    const third = await open()
    t.equal(third.state, undefined, 'also after a sweep')
    await world.store.closeSession(token, third.epoch, { state: STATE, stateExpiresAt: world.now + HOUR })
    world.pass(HOUR)
    await world.store.closeSession(token, third.epoch, { state: STATE, stateExpiresAt: Infinity })
    const fourth = await open()
    t.equal(fourth.state, undefined, 'and to close it again does not bring it back')
    await world.store.closeSession(token, fourth.epoch, { state: STATE, stateExpiresAt: Infinity })
    world.pass(30 * DAY)
    await world.store.sweep()
    t.same(bytes((await open()).state), STATE)
  })

  await scenario(t, makeEngine, 'a clean start discards the state, and no message', async (t, world) => {
    const { token, open } = await device(world)
    const { offset } = await world.send(token, { payload: 'one' })
    await world.send(token, { payload: 'two' })
    const first = await open()
    await world.store.commit([{ tokenId: token, epoch: first.epoch, private: offset }])
    await world.store.closeSession(token, first.epoch, { state: STATE, stateExpiresAt: Infinity })
    const second = await open(true)
    t.equal(second.state, undefined)
    t.match(second, { unclean: false, cursors: { private: offset } })
    t.same(await world.texts(token), ['two'])
    const third = await open()
    t.equal(third.state, undefined, 'it is gone, not only left out')
  })

  await scenario(t, makeEngine, 'a session that was not closed resumes as it was saved', async (t, world) => {
    const { token, open } = await device(world)
    const first = await open()
    await world.store.saveSession(token, first.epoch, Buffer.from('older'))
    await world.store.saveSession(token, first.epoch, STATE)
    const second = await open()
    t.same(bytes(second.state), STATE)
    t.equal(second.unclean, true, 'taken over')
    await world.reopen()
    world.pass(30 * DAY)
    const third = await open()
    t.same(bytes(third.state), STATE)
    t.equal(third.unclean, true, 'its node is gone')
    await world.store.closeSession(token, third.epoch, { state: STATE, stateExpiresAt: Infinity })
    const fourth = await open()
    t.equal(fourth.unclean, false)
    t.same(bytes(fourth.state), STATE)
    t.match(await open(true), { unclean: false }, 'nothing is resumed by a clean start')
  })

  await scenario(t, makeEngine, 'the state of a superseded session waits for its account', async (t, world) => {
    const { token, open } = await device(world)
    const { epoch } = await open()
    await world.store.saveSession(token, epoch, STATE)
    await world.register({ account: 'bert' })
    await t.rejects(world.store.saveSession(token, epoch, Buffer.from('late')), { code: 'SESSION_TAKEN_OVER' })
    const { generation } = await world.register()
    t.same(bytes((await world.open(token, generation)).state), STATE)
    t.match(await world.store.lookupToken(token), { app: APP, current: true })
  })
}
