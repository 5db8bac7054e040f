/** Logs of shared subscriptions of users: kept for a reader, in order, and full when the log of a session would be. */
import type { Test } from 'tap'
import { type ClaimOwner, groupLog } from '../../../store/contract.ts'
import { ArrivalQueue } from '../../support/waiting.ts'
import { DAY, DEAF, EVERYTHING, HOUR, type MakeEngine, scenario, text, type World } from './world.ts'

interface Claimed {
  readonly of: ClaimOwner
  readonly offset: number
}

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
    const until = (): number => world.now + HOUR
    const claimed = async (group: string, ...members: string[]) => {
      const log = groupLog(group)
      await world.store.openReader({ app: log, reader: 'g', expiresAt: Infinity })
      const part = world.store.upstreamPart(group)
      const limit = { entries: 1, bytes: Infinity }
      const claims: Claimed[] = []
      for (const member of members) {
        await world.store.appendGroup({ group, subject: '12/a/b', message: world.message({ ttl: 3 * DAY }) })
        const of = { app: log, reader: 'g', part, member }
        const { entries } = await world.store.claimUpstream({ ...of, until: until(), limit })
        claims.push({ of, offset: entries[0]!.offset })
      }
      return claims
    }
    const group = world.idOf()
    const [ann, bob] = (await claimed(group, 'ann', 'bob')) as [Claimed, Claimed]
    const [other] = (await claimed(world.idOf({ device: 'other' }), 'ann')) as [Claimed]
    const assign = ({ of, offset }: Claimed, name: string) => world.store.assignShared(of, offset, name)
    t.equal(await assign(ann, 'session of ann'), 'session of ann')
    t.equal(await assign(ann, 'another'), 'session of ann')
    t.equal(await assign(bob, 'session of bob'), 'session of bob', 'each message by itself')
    t.equal(await assign(other, 'another'), 'another', 'and each group')

    const bobs = { of: bob.of, offset: ann.offset }
    t.equal(await assign(bobs, 'session of bob'), undefined, 'what another one has claimed')
    await world.reopen()
    world.pass(DAY - 1)
    await world.store.sweep()
    t.equal(await assign(ann, 'session of ann'), undefined, 'its claim is over')
    await world.store.claimUpstream({ ...bob.of, until: until(), limit: EVERYTHING })
    t.equal(await assign(bobs, 'session of bob'), 'session of ann')
    await world.store.forgetAssigned(group, ann.offset)
    await world.store.forgetAssigned(group, ann.offset)
    t.equal(await assign(bobs, 'session of bob'), 'session of bob')
    t.same(await world.store.settleUpstream(ann.of, [ann.offset, bob.offset]), [], 'only who has claimed it settles it')
    t.same(await world.store.settleUpstream(bob.of, [ann.offset, bob.offset]), [ann.offset, bob.offset])
    t.same(await world.store.settleUpstream(ann.of, [ann.offset]), [ann.offset], 'it is settled')
    t.equal(await assign(bobs, 'session of bob'), undefined)
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
