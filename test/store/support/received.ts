/** Packet ids of QoS 2 that a session by name has received: by what their messages are known. */
import type { Test } from 'tap'
import { openSession } from './session-logs.ts'
import { HOUR, type MakeEngine, scenario } from './world.ts'

const STATE = Buffer.from('state')
const TAKEN_OVER = { code: 'SESSION_TAKEN_OVER' }

export async function received(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'packet ids of sessions by name', async (t, world) => {
    const remember = (name: string, epoch: number, packetId: number, uid: string) =>
      world.store.rememberReceived(name, epoch, packetId, uid)
    const release = (name: string, epoch: number, packetId: number) =>
      world.store.releaseReceived(name, epoch, packetId)

    await t.test('a packet id is known by its first uid until it is released', async (t) => {
      const epoch = await openSession(world, 'sends')
      const other = await openSession(world, 'another')
      const long = 'u'.repeat(64)
      t.equal(await remember('sends', epoch, 1, 'one'), undefined)
      t.equal(await remember('sends', epoch, 1, 'two'), 'one')
      t.equal(await remember('sends', epoch, 65_535, long), undefined)
      t.equal(await remember('another', other, 1, 'other'), undefined, 'each session has its own')
      t.equal(await release('sends', epoch, 1), 'one')
      t.equal(await release('sends', epoch, 1), undefined)
      t.equal(await remember('sends', epoch, 1, 'three'), undefined, 'it is another message now')
      t.equal(await release('sends', epoch, 65_535), long)
      t.equal(await release('another', other, 1), 'other')
    })

    await t.test('it is known to the next connection, on any node, and after a restart', async (t) => {
      const first = await openSession(world, 'moves')
      await remember('moves', first, 7, 'seven')
      await remember('moves', first, 8, 'eight')
      const other = await world.otherNode()
      const second = await other.openNamedSession('moves', false)
      t.equal(await other.rememberReceived('moves', second.epoch, 7, 'again'), 'seven')
      await t.rejects(remember('moves', first, 9, 'late'), TAKEN_OVER)
      await t.rejects(release('moves', first, 8), TAKEN_OVER)
      const kept = { state: STATE, stateExpiresAt: world.now + HOUR }
      await other.closeNamedSession('moves', second.epoch, kept)
      await world.reopen()
      const third = await openSession(world, 'moves')
      t.equal(await release('moves', third, 8), 'eight')
      t.equal(await release('moves', third, 9), undefined)
      t.equal(await release('moves', third, 7), 'seven')
    })

    await t.test('nothing is known of a session that has ended', async (t) => {
      await t.rejects(remember('never opened', 1, 1, 'one'), TAKEN_OVER)
      let epoch = await openSession(world, 'ends')
      await remember('ends', epoch, 1, 'one')
      epoch = await openSession(world, 'ends', true)
      t.equal(await remember('ends', epoch, 1, 'two'), undefined, 'a clean start')
      await world.store.closeNamedSession('ends', epoch, { stateExpiresAt: 0 })
      await t.rejects(remember('ends', epoch, 1, 'late'), TAKEN_OVER)
      epoch = await openSession(world, 'ends')
      t.equal(await remember('ends', epoch, 1, 'three'), undefined, 'a close without state')
      await world.store.closeNamedSession('ends', epoch, { state: STATE, stateExpiresAt: world.now + HOUR })
      world.pass(HOUR)
      epoch = await openSession(world, 'ends')
      t.equal(await remember('ends', epoch, 1, 'four'), undefined, 'its time is over')
    })
  })
}
