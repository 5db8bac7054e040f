// Does a provider whose receivers hang or fail for ever leave the calls of the others alone?
import { t } from '../../support/tap.ts'
import { CallSlots } from '../../../bridge/webhooks/call-slots.ts'
import { eventually, metric, request, startServer } from '../../support/index.ts'
import { APP, happen, makeWebhook } from './support/api.ts'
import { MAY_CALL, startReceiver } from './support/receiver.ts'

await t.test('turns', async (t) => {
  const slots = new CallSlots(3, 2)
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const over: Promise<void>[] = []
  const call = (name: string) => {
    const work = () =>
      new Promise<void>((resolve) => {
        begun.push(name)
        ends.set(name, resolve)
      })
    over.push(slots.run(name.slice(0, 1), work))
  }
  const end = async (name: string) => {
    ends.get(name)?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  for (const name of ['a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'c1', 'b3']) call(name)
  await end('none')
  t.same(begun, ['a1', 'a2', 'b1'], 'two of one, and three in all')
  t.equal(slots.running, 3)
  await end('a1')
  t.same(begun.slice(3), ['c1'], 'who has nothing under way is first')
  await end('b1')
  t.same(begun.slice(4), ['b2'])
  await end('c1')
  t.equal(begun.length, 6)
  for (const name of ['a2', 'b2', 'a3', 'a4', 'b3']) {
    await eventually('it has begun', () => ends.has(name))
    await end(name)
  }
  await Promise.all(over)
  t.equal(slots.running, 0)
  await t.rejects(
    slots.run('a', () => Promise.reject(new Error('it fails'))),
    { message: 'it fails' },
  )
  t.equal(slots.running, 0)
})

await t.test('receivers', async (t) => {
  const limits = { PUSH_MAX_WEBHOOK_CALLS: '4', PUSH_MAX_PROVIDER_WEBHOOK_CALLS: '3' }
  const server = await startServer(t, { settings: { ...MAY_CALL, ...limits } })
  const hanging = await startReceiver(t)
  hanging.answer = () => undefined
  const failing = await startReceiver(t)
  failing.answer = 500
  const scopes = ['webhooks:write', 'events:read']
  const { key } = (await request(server, 'POST', '/v1/keys', { body: { name: 'slow', apps: [APP], scopes } })).body
  for (let count = 0; count < 10; count += 1) await makeWebhook(server, hanging.url, {}, { bearer: key })
  for (let count = 0; count < 3; count += 1) await makeWebhook(server, failing.url)
  const good = await startReceiver(t)
  await makeWebhook(server, good.url)
  for (let at = 0; at < 20; at += 1) await happen(server, `device ${at}`)
  let events = 0
  while (events < 20) events += (await good.calls.next()).events.length
  t.equal(events, 20)
  t.equal(hanging.received.length, 3, 'no more of one provider at one time')
  await failing.calls.nextN(3)
  t.equal(await metric(server, 'push_webhook_calls_under_way'), 3)
  const startedAt = performance.now()
  await server.stop()
  t.ok(performance.now() - startedAt < 8_000, 'they hold up no end either')
})
