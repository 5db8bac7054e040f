// When the answer to what ends a message is lost and the batch is sent again: does the message end once, with one event?
import { t } from '../support/tap.ts'
import { eventLog, type Message } from '../../store/contract.ts'
import { encodeEntry } from '../../store/redis/entry.ts'
import { broadcastBase } from '../../store/redis/keys.ts'
import type { Result, StepKind } from '../../store/redis/lanes.ts'
import type { Packable } from '../../store/redis/pack.ts'
import * as steps from '../../store/redis/steps.ts'
import { locate, markBytes } from '../../store/redis/token.ts'
import { decodeUpstream } from '../../store/redis/upstream-entry.ts'
import { deviceMark } from '../../topics/index.ts'
import { startRedis } from '../support/index.ts'
import { APP, idOf, message } from './support/people.ts'
import { thriceLanes } from './support/thrice.ts'

const FINGERPRINT = Buffer.alloc(8, 7)

await t.test('every end, with each batch sent three times', async (t) => {
  const redis = await startRedis(t)
  const { lanes, replies } = await thriceLanes(t, redis.url)
  const { base, id } = locate('push', idOf('phone'))
  const onToken = (kind: StepKind, ...args: Packable[]): Promise<Result> => lanes.run(kind, base, id, ...args)
  const append = async (name: string, more: Partial<Message> = {}): Promise<number> => {
    const entry = encodeEntry({ ...message(name), receipt: true, ...more }, true)
    return steps.asNumber((await onToken(steps.APPEND, '', false, entry, FINGERPRINT))[0])
  }
  const events = async (): Promise<string[]> => {
    const result = await lanes.run(steps.READ_UPSTREAM, base, eventLog(APP), 0, 100, 1e6)
    return steps.asSlice(result, decodeUpstream).entries.map((event) => `${event.id} ${event.subject}`)
  }
  await onToken(steps.REGISTER, APP, markBytes(deviceMark(APP, 'phone')), 2e9, 0, 'always', 0, false, false)

  const acknowledged = await append('acknowledged')
  const sent = await append('sent')
  await onToken(steps.COMMIT, 0, acknowledged, 0, false)
  await onToken(steps.COMMIT, 0, sent, 0, false, sent, 1)
  await append('replaced', { collapseKey: 'k' })
  await append('recalled', { collapseKey: 'k' })
  t.match(await onToken(steps.RECALL, 'recalled', 0), [Buffer.from('recalled')])
  await append('purged')
  await onToken(steps.REVOKE, false, 0)
  const expected = ['acknowledged', 'sent', 'replaced', 'recalled', 'purged']
  t.same(
    await events(),
    expected.map((state) => `${state} message.${state}`),
  )
  for (const state of expected) t.match(await onToken(steps.MESSAGE_STATUS, state, 0), [Buffer.from(state)])

  const app = broadcastBase('push', APP)
  const broadcast = message('all')
  const publish = [APP, encodeEntry(broadcast, true, { kind: 'all' }), broadcast.expiresAt, 3, false, '*', 'all']
  const offset = steps.asNumber((await lanes.run(steps.PUBLISH, app, ...publish, FINGERPRINT))[0])
  await lanes.run(steps.COUNT_BROADCASTS, app, offset, 2, 1)
  await lanes.run(steps.RECALL_BROADCAST, app, APP, 'all', 0)
  await lanes.run(steps.COUNT_BROADCASTS, app, offset, 1, 0)
  const counted = await lanes.run(steps.BROADCAST_STATUS, app, 'all', 0)
  t.same([steps.asText(counted[0]), counted[3], counted[4]], ['recalled', 3, 1], 'counted once each')
  t.same(
    replies.filter(([first, ...others]) => others.some((other) => other !== first)),
    [],
    'every repetition answered the same',
  )
})
