// Does a webhook go on in another store where it was, with its secret, and is it disabled there if it was here?
import { t } from '../support/tap.ts'
import { eventually, startRedis, startServer, temporaryFolder } from '../support/index.ts'
import { act, changeWebhook, findWebhook, happen, makeWebhook } from '../wire/webhooks/support/api.ts'
import { MAY_CALL, startReceiver, verify } from '../wire/webhooks/support/receiver.ts'
import { move } from './support/move.ts'

await t.test('to Redis', async (t) => {
  const dataDir = temporaryFolder(t, 'data')
  const redis = await startRedis(t)
  const first = await startServer(t, { dataDir, settings: MAY_CALL })
  const receiver = await startReceiver(t)
  const made = await makeWebhook(first, receiver.url)
  await happen(first, 'delivered')
  await receiver.calls.next()
  receiver.answer = 500
  const pending = await happen(first, 'pending')
  const failed = await receiver.calls.next()
  const paused = await makeWebhook(first, receiver.url)
  await changeWebhook(first, paused, { enabled: false })
  const later = await happen(first, 'later')
  await first.stop()

  const settings = { PUSH_REDIS_URL: redis.url }
  await move(t, { PUSH_DATA_DIR: dataDir }, settings)
  receiver.answer = 204
  const second = await startServer(t, { settings: { ...settings, ...MAY_CALL } })
  const calls = [await receiver.calls.next()]
  while (calls.flatMap(({ events }) => events).length < 2) calls.push(await receiver.calls.next())
  for (const call of calls) verify(made.secret, call)
  const events = calls.flatMap((call) => call.events)
  t.same(events.map(({ tokenId }) => tokenId).sort(), [pending, later].sort())
  t.ok(
    calls.every(({ id }) => id !== failed.id),
    'a batch that was under way is made anew',
  )
  t.match(await findWebhook(second, paused), { state: 'disabled', disabledBecause: 'asked' })
  await act(second, paused, 'enable')
  t.match((await receiver.calls.next()).events, [{ tokenId: later }])
  await eventually('all has ended', async () => (await findWebhook(second, made)).delivery.attempts === 0)
})
