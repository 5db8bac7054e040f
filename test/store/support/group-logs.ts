/** Logs of shared subscriptions of users: kept for a reader, in order, and full when the log of a session would be. */
import type { Test } from 'tap'
import { groupLog } from '../../../store/contract.ts'
import { ArrivalQueue } from '../../support/waiting.ts'
import { DAY, DEAF, EVERYTHING, HOUR, type MakeEngine, scenario, text, type World } from './world.ts'

function append(world: World, payload: string, ttl = DAY): Promise<string> {
  const message = { ...world.message({ ttl, payload }), retain: true }
  return world.store.appendGroup({ group: world.idOf(), subject: '12/a/b', message })
}

export async function groupLogs(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'a message of one uid is in the log of a group once', async (t, world) => {
    const [group, other] = [world.idOf(), world.idOf({ device: 'other' })]
    const log = groupLog(group)
    const part = world.store.upstreamPart(group)
    for (const each of [group, other])
      await world.store.openReader({ app: groupLog(each), reader: 'g', expiresAt: Infinity })
    const message = world.message({ ttl: DAY, payload: 'once' })
    const repeat = (to: string) =>
      world.store.appendGroup({ group: to, subject: '12/a/b', message: { ...message }, uid: 'uid' })

    t.equal(await repeat(group), 'stored')
    t.equal(await repeat(group), 'duplicate')
    t.equal(await repeat(other), 'stored', 'each group by itself')
    const of = { app: log, reader: 'g', part, member: 'ann' }
    const { entries } = await world.store.claimUpstream({ ...of, until: world.now + HOUR, limit: EVERYTHING })
    t.same(entries.map(text), ['once'])
    await world.store.settleUpstream(of, [entries[0]!.offset])
    await world.reopen()
    t.equal(await repeat(group), 'duplicate', 'also when it is settled, and after a restart')
    await world.store.forgetGroupUid('uid', [group])
    t.equal(await repeat(group), 'stored')
    await world.store.forgetGroupUid('uid', [group, other])
    await world.store.forgetGroupUid('uid', [group])
  })

  await scenario(t, makeEngine, 'a message that is for one goes to who was named first', async (t, world) => {
    const [group, other] = [world.idOf(), world.idOf({ device: 'other' })]
    t.equal(await world.store.assignShared(group, 7, 'ann'), 'ann')
    t.equal(await world.store.assignShared(group, 7, 'bob'), 'ann')
    t.equal(await world.store.assignShared(group, 8, 'bob'), 'bob', 'each message by itself')
    t.equal(await world.store.assignShared(other, 7, 'bob'), 'bob', 'and each group')
    await world.reopen()
    world.pass(DAY - 1)
    await world.store.sweep()
    t.equal(await world.store.assignShared(group, 7, 'bob'), 'ann')
    await world.store.forgetAssigned(group, 7)
    await world.store.forgetAssigned(group, 7)
    t.equal(await world.store.assignShared(group, 7, 'bob'), 'bob')
  })

  await scenario(t, makeEngine, 'the uid of a message for a group is known for a day', async (t, world) => {
    const group = world.idOf()
    await world.store.openReader({ app: groupLog(group), reader: 'g', expiresAt: Infinity })
    const append = () => {
      const message = world.message({ ttl: 3 * DAY, payload: 'again' })
      return world.store.appendGroup({ group, subject: '12/a/b', message, uid: 'uid' })
    }
    await append()
    await world.reopen()
    world.pass(DAY - 1)
    await world.store.sweep()
    t.equal(await append(), 'duplicate')
  })

  await scenario(
    t,
    makeEngine,
    'logs of groups',
    async (t, world) => {
      const group = world.idOf()
      const log = groupLog(group)
      const part = world.store.upstreamPart(group)
      const open = () => world.store.openReader({ app: log, reader: 'g', expiresAt: Infinity })
      const of = { app: log, reader: 'g', part, member: 'ann', until: world.now + HOUR, limit: EVERYTHING }

      t.equal(await append(world, 'nobody'), 'gone')
      const cursor = (await open())[part]?.cursor ?? 0
      const heard = new ArrivalQueue<string>('a wake')
      t.teardown(world.store.watch({ ...DEAF, upstreamAppended: (app) => heard.push(app) }))
      const stop = await world.store.listenUpstream(log)
      const other = await world.otherNode()
      const message = { ...world.message({ ttl: DAY, payload: '1' }), retain: true }
      t.equal(await other.appendGroup({ group, subject: '12/a/b', message }), 'stored')
      t.equal(await heard.next(), log)
      stop()
      const results: string[] = []
      for (const payload of ['2', '3', '4', '5']) results.push(await append(world, payload))
      t.same(results, ['stored', 'stored', 'full', 'full'], 'the newest are refused')
      t.equal(world.counted.session.dropped, 2)
      t.match((await world.store.readUpstream(log, part, cursor, EVERYTHING)).entries, [
        { subject: '12/a/b', tokenId: group, retain: true },
        {},
        {},
      ])

      const { entries } = await world.store.claimUpstream(of)
      t.same(entries.map(text), ['1', '2', '3'])
      await world.store.settleUpstream(of, [entries[0]!.offset])
      t.equal(await append(world, 'room again', HOUR), 'stored')
      t.equal(await append(world, 'too many'), 'full')
      await world.store.settleUpstream(
        of,
        entries.slice(1).map(({ offset }) => offset),
      )
      await world.reopen()
      await append(world, 'after a restart')
      world.pass(HOUR)
      t.same((await world.store.claimUpstream({ ...of, until: world.now + HOUR })).entries.map(text), [
        'after a restart',
      ])
      await world.store.closeReader(log, 'g')
      t.equal(await append(world, 'nobody'), 'gone')
    },
    { storedMessages: 3 },
  )
}
