// Two nodes, one name: does the node that lost its session hear it, whatever was missed or lost, and does nothing stay?
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import type { OpenedNamedSession, Store, Watcher } from '../../store/contract.ts'
import { eventually, type Redis, startRedis } from '../support/index.ts'
import { onServerAndCluster, redisStore } from './support/engine.ts'

const TAKEN_OVER = { code: 'SESSION_TAKEN_OVER' }
const HOUR = 3_600_000
const LONG = 'l'.repeat(65_535)

class Ear implements Watcher {
  readonly heard: string[] = []

  privateAppended(): void {}
  broadcastAppended(): void {}
  sessionEnded(): void {}
  cursorMoved(): void {}
  cursorsLost(): void {}

  namedSessionEnded(name: string, epoch: number): void {
    this.heard.push(`${name} ${epoch}`)
  }

  resync(): void {
    this.heard.push('resync')
  }
}

async function twoNodes(t: Test, url: string): Promise<{ one: Store; two: Store; ear: Ear }> {
  const [one, two] = [await redisStore(t, { url }), await redisStore(t, { url })]
  const ear = new Ear()
  one.watch(ear)
  return { one, two, ear }
}

function stateOf({ state }: OpenedNamedSession): string | undefined {
  return state && Buffer.from(state).toString()
}

await onServerAndCluster(t, async (t, url) => {
  const { one, two, ear } = await twoNodes(t, url)
  for (const name of ['backend', LONG]) {
    const first = await one.openNamedSession(name, false)
    await one.saveNamedSession(name, first.epoch, Buffer.from('saved'))
    const second = await two.openNamedSession(name, false)
    t.ok(second.epoch > first.epoch)
    t.equal(stateOf(second), 'saved')
    t.equal(second.unclean, true)
    await eventually('news of the takeover', () => ear.heard.includes(`${name} ${first.epoch}`))
    await t.rejects(one.saveNamedSession(name, first.epoch, Buffer.from('late')), TAKEN_OVER)
    await one.closeNamedSession(name, first.epoch, { stateExpiresAt: 0 })
    await two.closeNamedSession(name, second.epoch, { state: Buffer.from('kept'), stateExpiresAt: Infinity })
    const third = await one.openNamedSession(name, false)
    t.equal(stateOf(third), 'kept')
    t.equal(third.unclean, false)
  }
})

await t.test('takeovers that were missed', async (t) => {
  const redis = await startRedis(t)
  const { one, two, ear } = await twoNodes(t, redis.url)
  const names = ['taken over', 'taken over and ended', 'stays']
  const epochs: number[] = []
  for (const name of names) epochs.push((await one.openNamedSession(name, false)).epoch)
  await one.saveNamedSession('stays', epochs[2]!, Buffer.from('saved'))

  // Redis goes on with everything but messages to subscribers, and it closes their connections.
  await redis.cli('acl', 'setuser', 'default', 'resetchannels')
  await eventually('no subscriber', async () => (await redis.cli('client', 'list', 'type', 'pubsub')) === '')
  await two.openNamedSession('taken over', false)
  const { epoch } = await two.openNamedSession('taken over and ended', false)
  await two.closeNamedSession('taken over and ended', epoch, { stateExpiresAt: 0 })
  t.same(ear.heard, [])

  await redis.cli('acl', 'setuser', 'default', 'allchannels')
  await eventually('news of both', () => ear.heard.length === 3)
  t.same(ear.heard, ['resync', `taken over ${epochs[0]}`, `taken over and ended ${epochs[1]}`])
  await one.saveNamedSession('stays', epochs[2]!, Buffer.from('saved again'))
  t.equal(stateOf(await two.openNamedSession('stays', false)), 'saved again')
})

/** All states of sessions by name. */
async function valuesOf(servers: readonly Redis[]): Promise<string> {
  const values: string[] = []
  for (const server of servers) {
    const keys = (await server.cli('keys', '{push:*}yk')).split('\n').filter((key) => key !== '')
    for (const key of keys) values.push(await server.cli('hvals', key))
  }
  return values.join()
}

async function emptied(t: Test, url: string, servers: readonly Redis[]): Promise<void> {
  const { one, two, ear } = await twoNodes(t, url)
  const open = async (name: string) => {
    const { epoch } = await one.openNamedSession(name, false)
    await one.saveNamedSession(name, epoch, Buffer.from(`state of ${name}`))
    return epoch
  }
  const names = ['idle', 'saves', 'closes', 'ends', 'moves']
  const [idle, saves, closes, ends, moves] = await Promise.all([LONG, ...names.slice(1)].map(open))
  for (const server of servers) {
    await server.cli('flushall')
    await server.cli('script', 'flush')
  }

  const moved = await two.openNamedSession('moves', false)
  t.ok(moved.epoch > moves!, 'epochs go on above those that were lost')
  t.equal(moved.state, undefined)
  await t.rejects(one.saveNamedSession('moves', moves!, Buffer.from('late')), TAKEN_OVER)
  await one.saveNamedSession('saves', saves!, Buffer.from('saved after'))
  const kept = { state: Buffer.from('kept after'), stateExpiresAt: Date.now() + HOUR }
  await one.closeNamedSession('closes', closes!, kept)
  await one.closeNamedSession('ends', ends!, { stateExpiresAt: 0 })
  await t.rejects(one.saveNamedSession('ends', ends!, Buffer.from('late')), TAKEN_OVER)

  await eventually('the end of the one that moved', () => ear.heard.includes(`moves ${moves}`))
  await eventually('a state that is back', async () => (await valuesOf(servers)).includes(`state of ${LONG}`))
  t.equal(stateOf(await two.openNamedSession(LONG, false)), `state of ${LONG}`)
  await eventually('news of its takeover', () => ear.heard.includes(`${LONG} ${idle}`))
  t.equal(stateOf(await two.openNamedSession('saves', false)), 'saved after')
  const closed = await two.openNamedSession('closes', false)
  t.equal(stateOf(closed), 'kept after')
  t.equal(closed.unclean, false)
  t.match(await two.openNamedSession('ends', false), { state: undefined, unclean: false })
}

await onServerAndCluster(t, emptied)

await t.test('a restart without what was written since the last save', async (t) => {
  const redis = await startRedis(t, { config: { appendonly: 'no' } })
  const { one, two, ear } = await twoNodes(t, redis.url)
  const before = await two.openNamedSession('backend', false)
  await two.saveNamedSession('backend', before.epoch, Buffer.from('older'))
  await redis.cli('save')
  const { epoch } = await one.openNamedSession('backend', true)
  await one.saveNamedSession('backend', epoch, Buffer.from('newer'))
  await redis.restart()
  await eventually('a session that saves', async () => {
    await one.saveNamedSession('backend', epoch, Buffer.from('newest'))
    return true
  })
  await t.rejects(two.saveNamedSession('backend', before.epoch, Buffer.from('late')), TAKEN_OVER)
  const taken = await two.openNamedSession('backend', false)
  t.ok(taken.epoch > epoch)
  t.equal(stateOf(taken), 'newest')
  await eventually('the takeover', () => ear.heard.includes(`backend ${epoch}`))
})

await t.test('what a later version wrote', async (t) => {
  const redis = await startRedis(t)
  const store = await redisStore(t, { url: redis.url })
  await store.openNamedSession('newer', false)
  const key = (await redis.cli('keys', '{push:*}y')).trim()
  // A version of 99.
  await redis.cli('hset', key, 'newer', 'c')
  const opened = await Promise.allSettled(['newer', 'known'].map((name) => store.openNamedSession(name, false)))
  t.match(opened, [{ status: 'rejected', reason: { code: 'STORE_UNAVAILABLE' } }, { status: 'fulfilled' }])
  t.equal((await redis.cli('hget', key, 'newer')).trim(), 'c', 'it stays as it was')
})

await t.test('what stays, and what a step costs', async (t) => {
  const redis = await startRedis(t)
  let now = Date.now()
  const store = await redisStore(t, { url: redis.url, now: () => now, limits: { sweepMs: 2 ** 31 - 1 } })
  const keys = async () => (await redis.cli('keys', '{push:*}[yz]')).split('\n').filter((key) => key !== '')
  const calls = async (work: () => Promise<unknown>) => {
    const count = async () => {
      const rows = (await redis.cli('info', 'commandstats')).matchAll(/^cmdstat_(h|z)\w+:calls=(\d+)/gm)
      return [...rows].reduce((sum, [, , calls]) => sum + Number(calls), 0)
    }
    const before = await count()
    await work()
    // Two are the journal's, of any batch that changes something.
    return (await count()) - before - 2
  }
  let epoch = 0
  const open = async () => {
    epoch = (await store.openNamedSession('backend', false)).epoch
  }
  const state = Buffer.from('state')
  t.equal(await calls(open), 3, 'opens')
  t.equal(await calls(() => store.saveNamedSession('backend', epoch, state)), 3, 'saves')
  t.equal(await calls(() => store.saveNamedSession('backend', epoch, state)), 2, 'saves again')
  const kept = { state, stateExpiresAt: now + HOUR }
  t.equal(await calls(() => store.closeNamedSession('backend', epoch, kept)), 4, 'closes')
  t.equal(await calls(open), 4, 'opens what would end')
  t.equal(await calls(() => store.closeNamedSession('backend', epoch, { stateExpiresAt: 0 })), 4, 'ends')
  const [key = ''] = await keys()
  t.same(await keys(), [key])
  t.equal(await redis.cli('hlen', key), '1', 'the floor of its partition')

  for (let count = 0; count < 250; count += 1) {
    await open()
    await store.closeNamedSession('backend', epoch, kept)
    const other = await store.openNamedSession(`other ${count}`, false)
    await store.closeNamedSession(`other ${count}`, other.epoch, kept)
  }
  now += HOUR
  await store.sweep()
  for (const key of await keys()) t.equal(await redis.cli('hlen', key), '1')
  t.notOk((await keys()).some((key) => key.endsWith('z')))
})
