// Does what happens reach a receiver, signed as Standard Webhooks says, in order and once?
import { t } from '../../support/tap.ts'
import { startRedis, startServer } from '../../support/index.ts'
import { APP, deleteWebhook, findWebhook, happen, makeWebhook } from './support/api.ts'
import { MAY_CALL, startReceiver, verify } from './support/receiver.ts'

for (const engine of ['embedded', 'redis'] as const) {
  await t.test(engine, async (t) => {
    const settings = engine === 'redis' ? { ...MAY_CALL, PUSH_REDIS_URL: (await startRedis(t)).url } : { ...MAY_CALL }
    const server = await startServer(t, { settings })
    const receiver = await startReceiver(t)
    const before = await happen(server, 'before it was made')
    const made = await makeWebhook(server, receiver.url)
    t.match(made, { id: /^whk/, app: APP, url: receiver.url, types: null, secret: /^whsec_/, state: 'enabled' })
    const tokenId = await happen(server, 'a')

    const call = await receiver.calls.next()
    t.match(verify(made.secret, call), { type: 'events', data: { app: APP, missed: 0 } })
    t.match(call, {
      path: '/hooks?for=shop',
      headers: { 'content-type': 'application/json', 'user-agent': /^aedes-push\// },
    })
    t.match(call.events, [{ type: 'token.issued', tokenId, app: APP }])
    t.not(tokenId, before)

    // Each device in its order, whatever the number of batches.
    const devices = Array.from({ length: 150 }, (_, at) => `device ${at % 15}`)
    for (const device of devices) await happen(server, device)
    const events = [...call.events]
    while (events.length < 1 + devices.length) {
      const next = await receiver.calls.next()
      t.ok(next.events.length <= 100)
      verify(made.secret, next)
      events.push(...next.events)
    }
    t.equal(new Set(events.map(({ eventId }) => eventId)).size, events.length)
    t.match(await findWebhook(server, made), { state: 'enabled', delivery: { attempts: 0, lastFailure: null } })

    await deleteWebhook(server, made)
    await happen(server, 'after it was deleted')
    const other = await makeWebhook(server, receiver.url)
    const last = await happen(server, 'last')
    t.match((await receiver.calls.next()).events, [{ tokenId: last }])
    await deleteWebhook(server, other)
    t.notOk(server.logs.join('\n').includes(made.secret))
    t.notOk(server.logs.join('\n').includes('for=shop'), 'a URL may hold a secret')
  })
}
