// Redis is emptied under sessions that live on: is everything delivered that is accepted afterwards, and is nobody left behind?
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import type { Store, Watcher } from '../../store/contract.ts'
import { eventually, type Redis, startRedis } from '../support/index.ts'
import { onServerAndCluster, redisStore } from './support/engine.ts'
import { ALL, APP, ids, known, message } from './support/people.ts'

const EVERYBODY = { kind: 'all' } as const

class Ear implements Watcher {
  readonly heard: string[] = []

  privateAppended(_: string, offset: number): void {
    this.heard.push(`message ${offset}`)
  }

  broadcastAppended(_: string, offset: number): void {
    this.heard.push(`broadcast ${offset}`)
  }

  sessionEnded(_: string, epoch: number, reason: string): void {
    this.heard.push(`${reason} ${epoch}`)
  }

  cursorMoved(): void {}
  cursorsLost(): void {}

  resync(): void {
    this.heard.push('resync')
  }
}

/** `one` holds sessions and has cursors of before; `two` goes on. */
async function emptied(t: Test, url: string, servers: readonly Redis[]): Promise<void> {
  let lost = 0
  const observer = { expired: () => undefined, dropped: () => undefined, lost: () => void (lost += 1) }
  const one = await redisStore(t, { url, observer })
  const two = await redisStore(t, { url })
  const ear = new Ear()
  one.watch(ear)
  const send = (store: Store, tokenId: string, id: string) =>
    store.append({ tokenId, message: message(id), dedupe: true })
  const broadcast = (id: string, retain = false) =>
    two.appendBroadcast({ app: APP, selector: EVERYBODY, message: { ...message(id), retain }, dedupe: true })
  const open = (store: Store, tokenId: string) =>
    store.openSession({ tokenId, app: APP, generation: 1, cleanStart: false })
  const token = await known(one, 'phone')
  const left = await known(one, 'left')
  const session = await open(one, token)
  const leftSession = await open(one, left)
  for (let count = 0; count < 20; count += 1) await send(one, token, `before ${count}`)
  const before = await send(one, token, 'before')
  for (let count = 0; count < 5; count += 1) await broadcast(`before ${count}`)
  const broadcastBefore = await broadcast('retained before', true)
  t.ok(await one.retainedBroadcast(APP, '1.0.0', []))
  const secret = await one.secret('shared', () => 'the shared secret')
  await one.commit([{ tokenId: token, private: before.offset, broadcast: broadcastBefore.offset }])
  const stop = await one.follow(left)

  for (const server of servers) {
    await server.cli('flushall')
    await server.cli('script', 'flush')
  }
  await known(two, 'phone')
  const accepted = [await send(two, token, 'before 0'), await send(two, token, 'two')]
  const accept = await broadcast('before 0')
  t.ok(accepted[0]!.offset > before.offset, 'a cursor of before passes nothing')
  t.ok(accept.offset > broadcastBefore.offset)

  // What lives on with the cursors of before: an acknowledgement over MQTT, one over HTTP, and a read.
  const moves = { private: before.offset, broadcast: broadcastBefore.offset }
  t.same(
    await one.commit([
      { tokenId: token, epoch: session.epoch, ...moves },
      { tokenId: token, ...moves },
    ]),
    [],
  )
  t.same(await ids(one, token, before.offset), ['before 0', 'two'])
  const broadcasts = await one.readBroadcast(APP, broadcastBefore.offset, ALL)
  t.same(
    broadcasts.entries.map(({ id }) => id),
    ['before 0'],
  )
  t.equal(await one.retainedBroadcast(APP, '1.0.0', []), undefined)
  await broadcast('retained after', true)
  t.equal((await one.retainedBroadcast(APP, '1.0.0', []))?.id, 'retained after', 'and not what was known before')

  // By itself, the node notices; the session has what came, and the next messages wake it.
  await eventually('the session that is known again', () => ear.heard.includes(`message ${accepted[1]!.offset}`))
  t.ok(ear.heard.includes('resync'))
  await eventually('the end of the other', () => ear.heard.includes(`TOKEN_UNKNOWN ${leftSession.epoch}`))
  t.equal(lost, 1)
  const woken = await send(two, token, 'three')
  await eventually('a wake', () => ear.heard.includes(`message ${woken.offset}`))
  t.equal(await two.secret('shared', () => 'another'), secret, 'a secret that a node uses is not made again')
  await known(two, 'left')
  const followed = await send(two, left, 'followed')
  await one.follow(left)
  const again = await send(two, left, 'again')
  await eventually('a wake of a follower', () => ear.heard.includes(`message ${again.offset}`))
  t.ok(again.offset > followed.offset)
  stop()

  // Fencing goes on from the epochs of before.
  const newer = await open(two, token)
  t.ok(newer.epoch > session.epoch)
  const late = { tokenId: token, epoch: session.epoch, private: woken.offset }
  t.same(await one.commit([late]), [late])
  await eventually('the takeover', () => ear.heard.includes(`SESSION_TAKEN_OVER ${session.epoch}`))
}

await onServerAndCluster(t, emptied)

await t.test('a restart without what was written since the last save', async (t) => {
  const redis = await startRedis(t, { config: { appendonly: 'no' } })
  const store = await redisStore(t, { url: redis.url })
  const ear = new Ear()
  store.watch(ear)
  await known(store, 'tablet')
  await redis.cli('save')
  // Of the phone, nothing comes back.
  const token = await known(store, 'phone')
  const session = await store.openSession({ tokenId: token, app: APP, generation: 1, cleanStart: false })
  const before = await store.append({ tokenId: token, message: message('before'), dedupe: false })
  await redis.restart()
  await eventually('a token id that is known again', () => known(store, 'phone'))
  const after = await store.append({ tokenId: token, message: message('after'), dedupe: false })
  t.same(await store.commit([{ tokenId: token, epoch: session.epoch, private: before.offset }]), [])
  t.same(await ids(store, token, before.offset), ['after'])
  await eventually('a session that is over, or has its log again', () =>
    ear.heard.some((heard) => heard === `message ${after.offset}` || heard === `TOKEN_UNKNOWN ${session.epoch}`),
  )
})
