// When an answer is lost and what devices publish, or members claim, is sent again: is it done once, and answered the same?
import { t } from '../support/tap.ts'
import type { Result, StepKind } from '../../store/redis/lanes.ts'
import type { Packable } from '../../store/redis/pack.ts'
import * as steps from '../../store/redis/steps.ts'
import { locate, markBytes } from '../../store/redis/token.ts'
import { encodeUpstream } from '../../store/redis/upstream-entry.ts'
import { deviceMark } from '../../topics/index.ts'
import { startRedis } from '../support/index.ts'
import { APP, idOf, message } from './support/people.ts'
import { thriceLanes } from './support/thrice.ts'

await t.test('every step, with each batch sent three times', async (t) => {
  const redis = await startRedis(t)
  const { lanes, replies } = await thriceLanes(t, redis.url)
  const { base, id } = locate('push', idOf('phone'))
  const run = (kind: StepKind, ...args: Packable[]): Promise<Result> => lanes.run(kind, base, ...args)
  const soon = Date.now() + 60_000
  await run(steps.REGISTER, id, APP, markBytes(deviceMark(APP, 'phone')), 2e9, 0, 'always', 0, false, false)
  const epoch = steps.asNumber((await run(steps.OPEN, id, APP, 1, false))[0])
  const publish = (name: string, packetId: number): Promise<Result> => {
    const entry = encodeUpstream(id, 'state', { ...message(name), retain: true })
    return run(steps.UPSTREAM, id, APP, 1, epoch, 'state', soon, entry, true, packetId)
  }

  t.same(await run(steps.LISTEN, soon, APP, 'another'), [])
  const [begin = 0] = (await run(steps.OPEN_READER, APP, 'group', 0, false)).map(steps.asNumber)
  t.same(await Promise.all([publish('one', 7), publish('two', 8), publish('three', 0)]), [
    [begin + 1, false, true, 0, 0],
    [begin + 2, false, true, 0, 0],
    [begin + 3, false, true, 0, 0],
  ])
  t.same(await publish('one', 7), [0, true, true, 0, 0])
  t.same(await run(steps.RELEASE_UPSTREAM, id, epoch, 7), [true])
  t.same(await run(steps.RELEASE_UPSTREAM, id, epoch, 7), [false])
  t.equal((await run(steps.READ_UPSTREAM, APP, 0, 10, 1e6)).length, 8, 'three entries')

  const claim = (member: string, most: number): Promise<Result> =>
    run(steps.CLAIM, APP, 'group', member, soon, most, 1e6)
  const claimed = await claim('ann', 2)
  t.same(claimed.slice(0, 3), [begin + 2, begin + 3, begin + 1])
  t.equal(claimed.length, 6, 'two entries, each time')
  t.equal((await claim('bob', 9)).length, 4, 'the third')
  t.same(await run(steps.SETTLE, APP, 'group', 'ann', begin + 1), [begin + 1])
  t.same(await run(steps.RENEW_CLAIMS, APP, 'group', 'ann', soon + 1), [])
  t.same(await run(steps.RELEASE_CLAIMS, APP, 'group', 'ann'), [begin + 3])
  t.same((await claim('bob', 9)).slice(0, 3), [begin + 3, begin + 3, begin + 2])
  t.same(await run(steps.MOVE_READER, APP, 'group', begin + 2), [true])
  t.same(await run(steps.OPEN_READER, APP, 'group', 0, false), [begin + 2, begin + 3, 0])
  t.same(await run(steps.CLOSE_READER, APP, 'group'), [])
  t.same(await run(steps.RETAINERS, APP), [id])
  t.same((await run(steps.UPSTREAM_RETAINED, APP, id, false, 1e6)).slice(0, 2), [false, begin + 3])
  t.same(
    replies.filter(([first, ...others]) => others.some((other) => other !== first)),
    [],
    'every repetition answered the same',
  )
})
