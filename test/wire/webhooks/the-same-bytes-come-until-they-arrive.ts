// Does a batch that fails come again with its bytes and id, also after the server was killed, and is the webhook disabled in the end?
import { t } from '../../support/tap.ts'
import { eventually, metric, startServer, startServerProcess } from '../../support/index.ts'
import { act, findWebhook, happen, makeWebhook } from './support/api.ts'
import { MAY_CALL, startReceiver, verify } from './support/receiver.ts'

await t.test('tried again, and again after a kill', async (t) => {
  const settings = { ...MAY_CALL, PUSH_WEBHOOK_RETRIES: '1,1,1,1,1,1,1,1,1,1' }
  const server = await startServerProcess(t, { settings })
  const receiver = await startReceiver(t)
  receiver.answer = 500
  const made = await makeWebhook(server, receiver.url)
  await happen(server, 'a')
  const first = await receiver.calls.next()
  await happen(server, 'b')
  const second = await receiver.calls.next()
  // In the middle of a call.
  receiver.answer = () => undefined
  const third = await receiver.calls.next()
  await server.kill()
  receiver.answer = 503
  await server.restart()
  const fourth = await receiver.calls.next()
  receiver.answer = 200
  const fifth = await receiver.calls.next()
  for (const call of [second, third, fourth, fifth]) {
    t.equal(call.id, first.id)
    t.equal(call.text, first.text)
    verify(made.secret, call)
  }
  const next = await receiver.calls.next()
  t.not(next.id, first.id)
  t.equal(next.events.length, 1, 'what came meanwhile is the next one')
})

await t.test('after the last attempt it is disabled, and enable goes on where it was', async (t) => {
  const server = await startServer(t, { settings: { ...MAY_CALL, PUSH_WEBHOOK_RETRIES: '1,1' } })
  const receiver = await startReceiver(t)
  receiver.answer = (response) => response.destroy()
  const made = await makeWebhook(server, receiver.url)
  await happen(server, 'a')
  const calls = await receiver.calls.nextN(3)
  const disabled = await eventually('it is disabled', async () => {
    const found = await findWebhook(server, made)
    return found.state === 'disabled' && found
  })
  t.match(disabled, {
    disabledBecause: 'failing',
    delivery: { attempts: 3, nextAttemptAt: null, lastFailure: { failure: 'connection', status: null } },
  })
  t.equal(await metric(server, 'push_webhooks_disabled_total', 'because="failing"'), 1)
  await server.waitForLog(/"action":"webhook.disabled"/)
  await happen(server, 'b')

  receiver.answer = 204
  t.match(await act(server, made, 'enable'), { state: 'enabled', disabledAt: null, dropped: 0, goneBefore: null })
  const again = await receiver.calls.next()
  t.equal(again.id, calls[0]?.id)
  t.equal(again.text, calls[0]?.text)
  t.equal((await receiver.calls.next()).events.length, 1)
  t.match(await act(server, made, 'enable'), { state: 'enabled' }, 'once more does no harm')
})

await t.test('410 disables at once, and so does a change', async (t) => {
  const server = await startServer(t, { settings: MAY_CALL })
  const receiver = await startReceiver(t)
  receiver.answer = 410
  const made = await makeWebhook(server, receiver.url)
  await happen(server, 'a')
  const gone = await receiver.calls.next()
  await eventually('it is disabled', async () => (await findWebhook(server, made)).disabledBecause === 'gone')
  receiver.answer = 200
  await act(server, made, 'enable')
  t.equal((await receiver.calls.next()).id, gone.id)
})

await t.test('enable says what was dropped meanwhile', async (t) => {
  const server = await startServer(t, { settings: { ...MAY_CALL, PUSH_MAX_EVENTS: '100' } })
  const receiver = await startReceiver(t)
  receiver.answer = 410
  const made = await makeWebhook(server, receiver.url, { keepFor: 0 })
  await happen(server, 'a')
  await receiver.calls.next()
  await eventually('it is disabled', async () => (await findWebhook(server, made)).state === 'disabled')
  for (let at = 0; at < 130; at += 1) await happen(server, `device ${at}`)
  receiver.answer = 200
  const enabled = await act(server, made, 'enable')
  // What is under way is no more in the log.
  t.equal(enabled.dropped, 31)
  await receiver.calls.next()
  const next = await receiver.calls.next()
  t.equal(next.missed, 31)
  t.equal(next.events.length, 100)
})
