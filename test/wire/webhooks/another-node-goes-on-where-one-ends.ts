// Is each webhook delivered by one node, and by another one when that ends, without a gap and without a second call?
import { t } from '../../support/tap.ts'
import { startNodes } from '../../nodes/support/nodes.ts'
import { eventually, metric, type Server, startRedis } from '../../support/index.ts'
import { deleteWebhook, happen, makeWebhook } from './support/api.ts'
import { MAY_CALL, startReceiver } from './support/receiver.ts'

const SETTINGS = { ...MAY_CALL, PUSH_PROVIDER_KEY: 'provider-key-of-the-tests-0123456789' }
const delivered = (server: Server) => metric(server, 'push_webhook_calls_total', 'outcome="delivered"')

await t.test('two nodes', async (t) => {
  const redis = await startRedis(t)
  const [a, b] = (await startNodes(t, redis.url, 2, SETTINGS)) as [Server, Server]
  const receivers = await Promise.all(Array.from({ length: 8 }, () => startReceiver(t)))
  const made = []
  for (const receiver of receivers) made.push(await makeWebhook(a, receiver.url))
  await eventually('both deliver some', async () => {
    await happen(a, 'again')
    return (await delivered(a)) > 0 && (await delivered(b)) > 0
  })
  const marker = await happen(b, 'marker')
  const has = (tokenId: string) =>
    Promise.all(
      receivers.map(({ calls }) => calls.nextWhere(({ events }) => events.some((event) => event.tokenId === tokenId))),
    )
  await has(marker)

  await a.stop()
  const after = await happen(b, 'after')
  await has(after)
  await a.restart()
  const back = await happen(b, 'back')
  await has(back)
  for (const { received } of receivers) {
    t.equal(new Set(received.map(({ id }) => id)).size, received.length, 'no call came twice')
    const events = received.flatMap((call) => call.events.map(({ eventId }) => eventId))
    t.equal(new Set(events).size, events.length, 'nor did an event')
  }
  for (const webhook of made) await deleteWebhook(a, webhook)
})
