// When an answer is lost and the batch is sent again: does each step take effect once, and answer the same?
import { t } from '../support/tap.ts'
import { NO_DETAILS } from '../../store/details.ts'
import { asDetails, encodeDetailsChange } from '../../store/redis/details.ts'
import { encodeEntry } from '../../store/redis/entry.ts'
import { absentKey, broadcastBase, tableBase } from '../../store/redis/keys.ts'
import type { Result, StepKind } from '../../store/redis/lanes.ts'
import { type Packable, Packer } from '../../store/redis/pack.ts'
import * as steps from '../../store/redis/steps.ts'
import { locate, locateAccount, markBytes } from '../../store/redis/token.ts'
import { deviceMark } from '../../topics/index.ts'
import { faultProxy, startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { APP, idOf, ids, known, message } from './support/people.ts'
import { thriceLanes } from './support/thrice.ts'

const FINGERPRINT = Buffer.alloc(8, 7)

await t.test('every step, with each batch sent three times', async (t) => {
  const redis = await startRedis(t)
  const { script, journal, lanes, replies } = await thriceLanes(t, redis.url)
  const { base, id } = locate('push', idOf('phone'))
  const soon = Date.now() + 60_000
  const onToken = (kind: StepKind, ...args: Packable[]): Promise<Result> => lanes.run(kind, base, id, ...args)
  const append = (name: string): Promise<Result> => {
    return onToken(steps.APPEND, '', false, encodeEntry({ ...message(name), retain: true }, true), FINGERPRINT)
  }

  const register = (...condition: Packable[]): Promise<Result> =>
    onToken(steps.REGISTER, APP, markBytes(deviceMark(APP, 'phone')), 2e9, 0, ...condition)
  t.same(await register('always', 0, false, false), [1, false, false, false])
  const change = encodeDetailsChange({ version: '2', tags: ['x'] })
  const [generation, details] = await register('renewal', 1, false, change)
  t.same([generation, asDetails(details)], [1, { ...NO_DETAILS, version: '2', tags: ['x'] }])
  // One turn, one batch.
  const begin = steps.asNumber((await onToken(steps.LOOKUP))[4])
  t.same(await Promise.all([append('one'), append('two')]), [
    [begin + 1, false, 0, 0, false],
    [begin + 2, false, 0, 0, false],
  ])
  t.same(await onToken(steps.READ, 0, 10, 1e6).then((slice) => slice.length), 6, 'two entries, not six')
  const epoch = steps.asNumber((await onToken(steps.OPEN, APP, 1, false))[0])
  t.same(await onToken(steps.SAVE, epoch, 'state'), [])
  const again = await onToken(steps.OPEN, APP, 1, false)
  const newer = steps.asNumber(again[0])
  t.ok(newer > epoch)
  t.match(again.slice(1), [Buffer.from('state'), true, begin, 0, begin + 2, epoch, false, false, details])
  t.same(await onToken(steps.COMMIT, newer, begin + 1, 0), [false, false, begin + 1, 0, false])
  t.same(await onToken(steps.CLOSE, newer, 'kept', soon), [])
  t.same(await onToken(steps.FOLLOW, soon), [])
  t.same(await onToken(steps.REVOKE, 1, 0), [true, false])
  t.match(await onToken(steps.LOOKUP), [Buffer.from(APP), 2, true, true, begin + 2, 0], 'revoked once')

  const onAccount = (kind: StepKind, ...args: Packable[]): Promise<Result> =>
    lanes.run(kind, locateAccount('push', idOf('phone')), idOf('phone'), ...args)
  t.same(await onAccount(steps.NOTE_DEVICE, id, 0, 0, soon, 1), [true])
  const [, stamp = 0] = await onAccount(steps.ACCOUNT_DEVICES)
  t.same(await onAccount(steps.NOTE_DEVICE, id, 0, 0, soon, 1), [true])
  t.same(await onAccount(steps.FORGET_DEVICES, id, steps.asNumber(stamp)), [])
  const [, newest] = await onAccount(steps.ACCOUNT_DEVICES)
  t.ok(steps.asNumber(newest) > steps.asNumber(stamp))
  t.same(await onAccount(steps.FORGET_DEVICES, id, steps.asNumber(newest)), [])
  t.same(await onAccount(steps.ACCOUNT_DEVICES), [])

  const later = encodeDetailsChange({ epochs: [7, 0] })
  t.equal((await register('always', 0, false, later))[0], 3, 'later epochs are one generation more')
  t.equal((await register('always', 0, false, later))[0], 3)

  const onTable = (kind: StepKind, ...args: Packable[]): Promise<Result> =>
    lanes.run(kind, tableBase('push', 'codes'), ...args)
  const write = (value: string | false, expected: number, expires = 0): Promise<Result> =>
    onTable(steps.WRITE_ROW, 'codes', 'key', value, expires, expected, false)
  const [made] = await write('one', 0)
  const version = steps.asNumber(made)
  t.same(await write('two', 0), [false], 'it is there')
  t.same(await write('two', version, soon), [version + 1])
  t.same(await onTable(steps.READ_ROW, 'key'), [version + 1, soon, Buffer.from('two')])
  t.same(await write(false, version + 1), [version + 2])
  t.same(await onTable(steps.READ_ROW, 'key'), [])
  t.same(await onTable(steps.TABLE_END), [version + 2])
  t.same(await onTable(steps.SWEEP_TABLE, soon), [false])

  const broadcast = message('all')
  const publish = (): Promise<Result> =>
    lanes.run(
      steps.PUBLISH,
      broadcastBase('push', APP),
      APP,
      encodeEntry(broadcast, false, { kind: 'all' }),
      broadcast.expiresAt,
      3,
      true,
      '*',
      'all',
      false,
    )
  const first = await publish()
  t.same(first.slice(1), [false, 0, 0])
  t.same(await publish(), [steps.asNumber(first[0]) + 1, false, 0, 0])
  t.equal(replies.length > 10, true)
  t.same(
    replies.filter(([first, ...others]) => others.some((other) => other !== first)),
    [],
    'every repetition answered the same',
  )
  const stale = {
    journal,
    absent: absentKey(journal),
    // { { sequence, now, changes, verify, room } }
    steps: Buffer.concat([Buffer.from([0x91]), packed(1, 0, true, false, 0)]),
    process: packed('process', 'node', 'push:node:'),
    needsNoMemory: false,
  }
  t.match((await script.run(stale)).toString(), /STALE/, 'an older batch is refused')
})

function packed(...values: readonly Packable[]): Buffer {
  const packer = new Packer()
  packer.array(values.length)
  for (const value of values) packer.value(value)
  return packer.finish()
}

await t.test('an answer that is lost with its connection', async (t) => {
  const redis = await startRedis(t)
  const proxy = await faultProxy(t, redis.port)
  const near = await redisStore(t, { url: redis.url })
  const far = await redisStore(t, { url: `redis://127.0.0.1:${proxy.port}`, limits: { redisTimeoutMs: 5_000 } })
  const token = await known(near, 'phone')
  const first = await far.append({ tokenId: token, message: message('first'), dedupe: false })

  proxy.freeze('down')
  const unanswered = far.append({ tokenId: token, message: message('second'), dedupe: false })
  while (!(await ids(near, token)).includes('second')) await new Promise((resolve) => setImmediate(resolve))
  proxy.cut()
  proxy.heal()
  t.match(await unanswered, { offset: first.offset + 1, duplicate: false, dropped: 0 })
  t.same(await ids(near, token), ['first', 'second'])
})

await t.test('scripts that Redis forgot are sent again', async (t) => {
  const redis = await startRedis(t)
  const store = await redisStore(t, { url: redis.url })
  const token = await known(store, 'phone')
  await redis.cli('script', 'flush')
  const sent = ['one', 'two', 'three'].map((id) =>
    store.append({ tokenId: token, message: message(id), dedupe: false }),
  )
  await Promise.all(sent)
  t.same(await ids(store, token), ['one', 'two', 'three'])
})
