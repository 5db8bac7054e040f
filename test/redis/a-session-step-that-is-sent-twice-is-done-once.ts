// When an answer is lost and what concerns sessions by name is sent again: is it done once, and answered the same?
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { partitionBase, nodesBase, subscriptionsBase } from '../../store/redis/keys.ts'
import type { Result, StepKind } from '../../store/redis/lanes.ts'
import type { Packable } from '../../store/redis/pack.ts'
import { encodeBody, encodeHead } from '../../store/redis/session-entry.ts'
import * as steps from '../../store/redis/steps.ts'
import { locate, markBytes } from '../../store/redis/token.ts'
import { encodeUpstream } from '../../store/redis/upstream-entry.ts'
import { deviceMark } from '../../topics/index.ts'
import { startRedis } from '../support/index.ts'
import { APP, idOf, message } from './support/people.ts'
import { thriceLanes } from './support/thrice.ts'

const BASE = partitionBase('push', 7)
const FOR_EVER = -1

interface Session {
  readonly run: (kind: StepKind, ...args: Packable[]) => Promise<Result>
  readonly onName: (kind: StepKind, ...args: Packable[]) => Promise<Result>
}

async function session(t: Test): Promise<Session & { isSame: () => boolean }> {
  const redis = await startRedis(t)
  const { lanes, replies } = await thriceLanes(t, redis.url)
  return {
    run: (kind, ...args) => lanes.run(kind, BASE, ...args),
    onName: (kind, ...args) => lanes.run(kind, BASE, 'backend', false, ...args),
    isSame: () => replies.every(([first, ...others]) => others.every((other) => other === first)),
  }
}

async function open({ onName }: Session, clean = false): Promise<number> {
  return steps.asNumber((await onName(steps.OPEN_NAMED, clean, FOR_EVER))[0])
}

await t.test('a session, what it has received and its will', async (t) => {
  const own = await session(t)
  const { run, onName } = own
  const soon = Date.now() + 60_000
  const opened = await open(own)
  t.same(await onName(steps.SAVE_NAMED, opened, FOR_EVER, 'state'), [])
  t.same(await onName(steps.CHECK_NAMED, opened, FOR_EVER), [])
  const taken = await onName(steps.OPEN_NAMED, false, FOR_EVER)
  const newest = steps.asNumber(taken[0])
  t.same(taken.slice(1), [Buffer.from('state'), true, opened, false, false, false, false])
  t.same(await onName(steps.CHECK_NAMED, opened, FOR_EVER), [true])
  t.same(await onName(steps.REMEMBER, newest, FOR_EVER, 7, 'one'), [false])
  t.same(await onName(steps.REMEMBER, newest, FOR_EVER, 7, 'two'), [Buffer.from('one')])
  t.same(await onName(steps.RELEASE, newest, FOR_EVER, 7), [Buffer.from('one')])
  t.same(await onName(steps.RELEASE, newest, FOR_EVER, 7), [false])
  t.same(await onName(steps.CLOSE_NAMED, newest, FOR_EVER, 'kept', soon, Date.now(), 'will'), [false])
  t.same(await run(steps.TAKE_WILL, 'nbackend', newest, soon), [Buffer.from('will')], 'answered again, not taken again')
  t.same(await run(steps.TAKE_WILL, 'nbackend', newest, soon), [false])
  t.same(await run(steps.WILL_PUBLISHED, 'nbackend', newest), [])
  const resumed = await onName(steps.OPEN_NAMED, false, FOR_EVER)
  t.same(resumed.slice(1), [Buffer.from('kept'), false, false, false, false, false, false])
  t.same(await onName(steps.SUBSCRIBE, steps.asNumber(resumed[0]), FOR_EVER), [])
  t.same(await onName(steps.CLOSE_NAMED, steps.asNumber(resumed[0]), FOR_EVER, false, 0), [resumed[0]])
  t.same(await onName(steps.LOOK_NAMED), [false, resumed[0]])
  t.same(await onName(steps.SUBSCRIPTIONS_ENDED, resumed[0] as number), [])
  t.same(await onName(steps.LOOK_NAMED), [false, false])
  await open(own)
  const [cursor, ...ended] = await run(steps.CLOSE_DEAD, '0', Date.now() + 1, 'node')
  t.same([steps.asText(cursor), ...ended], ['0'])
  t.ok(own.isSame(), 'every repetition answered the same')
})

await t.test('its log', async (t) => {
  const own = await session(t)
  const { run, onName } = own
  const epoch = await open(own)
  const delivery = { name: 'backend', qos: 2, retain: false, identifiers: [] } as const
  const body = (text: string) => encodeBody('topic', message(text))
  const head = encodeHead(message('one'), delivery)
  const append = (text: string, uid: string | false) =>
    run(steps.APPEND_SESSIONS, uid, body(text), 'backend', false, head, 'nobody', false, head)
  const [, first, gone] = (await append('one', 'uid')).map(steps.asNumber)
  t.equal(gone, -3)
  t.same(await append('one', 'uid'), [0, -1, -3])
  t.same(await append('two', false), [0, first! + 1, -3])
  t.same(await run(steps.FORGET_UID, 'uid'), [])
  t.same(await append('six', 'uid'), [0, first! + 2, -3])
  t.same(await onName(steps.COMMIT_SESSION, epoch, 1, first!, first! + 1), [true])
  const read = await onName(steps.READ_SESSION, 0, 10, 1e6)
  t.same([read.length, read[2], read[4]], [6, first! + 1, first! + 2])
  t.same(await onName(steps.COMMIT_SESSION, epoch - 1, 1, first! + 1), [false])
  t.ok(own.isSame(), 'every repetition answered the same')
})

await t.test('subscriptions, nodes, events', async (t) => {
  const redis = await startRedis(t)
  const { lanes, replies } = await thriceLanes(t, redis.url)
  const onSubscriptions = (kind: StepKind, ...args: Packable[]): Promise<Result> =>
    lanes.run(kind, subscriptionsBase('push'), ...args)
  const change = (epoch: number, isAgain: boolean, ...filters: Packable[]) =>
    onSubscriptions(steps.CHANGE_SUBSCRIPTIONS, 'backend', false, epoch, isAgain, isAgain, ...filters)
  const [first] = (await change(5, false, 'a', '1', 'b', '2')).map(steps.asNumber)
  t.same(await change(6, false, 'a', false), [first! + 1])
  t.same(await change(6, true, 'b', '2'), [first! + 1], 'it is so already')
  t.same(await onSubscriptions(steps.SUBSCRIPTIONS_END), [first! + 1])
  t.equal((await onSubscriptions(steps.READ_SUBSCRIPTIONS, 0, 10)).length, 6)
  t.same(await onSubscriptions(steps.END_SUBSCRIPTIONS, 'backend', false, 5), [0], 'an older session')
  t.same(await onSubscriptions(steps.END_SUBSCRIPTIONS, 'backend', false, 6), [first! + 2])
  await t.rejects(change(6, false, 'c', '3'), { code: 'SESSION_TAKEN_OVER' }, 'it has ended')
  t.same(await onSubscriptions(steps.SWEEP_SUBSCRIPTIONS), [])

  const onNodes = (kind: StepKind, ...args: Packable[]): Promise<Result> => lanes.run(kind, nodesBase('push'), ...args)
  t.same(await onNodes(steps.BEAT, 1), [false])
  t.same(await onNodes(steps.BEAT, 1), [true])
  t.same(await onNodes(steps.FORGET_NODES, Date.now() + 1000, 'node'), [])
  t.same(await onNodes(steps.BEAT, 1), [false])

  const { base, id } = locate('push', idOf('phone'))
  const entry = encodeUpstream(id, 'acknowledged', message('event'))
  t.same(await lanes.run(steps.EVENTS, base, '/weather', false, entry), [0, 0, 0], 'nobody reads')
  const [begin] = (await lanes.run(steps.OPEN_READER, base, '/weather', 'reader', 0, false)).map(steps.asNumber)
  t.same(await lanes.run(steps.EVENTS, base, '/weather', false, entry, entry), [0, 0, begin! + 1, begin! + 2])
  t.equal((await lanes.run(steps.READERS_OF, base, '/weather')).length, 5)
  await lanes.run(steps.REGISTER, base, id, APP, markBytes(deviceMark(APP, 'phone')), 2e9, 0, 'always', 0, false, false)
  t.same(await lanes.run(steps.RESTORE_RETAINED, base, APP, id, 'state', Date.now() + 60_000, entry), [])
  t.same(
    replies.filter(([first, ...others]) => others.some((other) => other !== first)),
    [],
    'every repetition answered the same',
  )
})
