/** How many messages wait in private logs. */
import type { Test } from 'tap'
import { HOUR, type MakeEngine, scenario } from './world.ts'

export async function pendingMessages(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'what comes and goes is counted, and a start knows the number', async (t, world) => {
    t.equal(await world.store.pendingMessages(), 0)
    const phone = await world.token()
    const tablet = await world.token({ device: 'tablet' })
    const sent = []
    for (let at = 0; at < 5; at++) sent.push(await world.send(phone))
    await world.send(tablet, { ttl: HOUR / 2 })
    await world.send(tablet, { collapseKey: 'one' })
    await world.send(tablet, { collapseKey: 'one' })
    await world.send(tablet, { id: 'same', dedupe: true })
    await world.send(tablet, { id: 'same', dedupe: true })
    await world.broadcast({ kind: 'all' })
    t.equal(await world.store.pendingMessages(), 8)
    await world.store.commit([{ tokenId: phone, private: sent[2]?.offset ?? 0 }])
    t.equal(await world.store.pendingMessages(), 5)
    await world.reopen()
    t.equal(await world.store.pendingMessages(), 5)
    world.pass(HOUR / 2)
    await world.store.sweep()
    t.equal(await world.store.pendingMessages(), 4, 'one has expired')
    world.pass(HOUR)
    await world.store.sweep()
    t.equal(await world.store.pendingMessages(), 0)
  })
}
