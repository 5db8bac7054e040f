// Does a consumer whose requests go to two nodes by turns get each event once, and is its reader opened rarely?
import { t } from '../support/tap.ts'
import type { Store } from '../../store/contract.ts'
import { eventually, issueToken, startRedis } from '../support/index.ts'
import { openRedisStore } from '../../store/redis/index.ts'
import { serve } from '../bridge/support/serve.ts'
import { acknowledge, drain, look, receipt } from './support/events.ts'
import { APP } from './support/node.ts'

const EVENTS = 60

await t.test('by turns', async (t) => {
  const redis = await startRedis(t, { config: { appendonly: 'no' } })
  const calls = { open: 0, listen: 0 }
  const start = () =>
    serve(t, {
      engine: (now) => openRedisStore({ url: redis.url, now }),
      limits: { longPollRecheckMs: 3_600_000 },
      around: (store): Partial<Store> => ({
        async openReader(open) {
          calls.open += 1
          return await store.openReader(open)
        },
        async listenUpstream(log) {
          calls.listen += 1
          return await store.listenUpstream(log)
        },
      }),
    })
  const [a, b] = [await start(), await start()]
  const phones = await Promise.all(
    Array.from({ length: 20 }, (_, at) => issueToken(a, { app: APP, device: `phone ${at}` })),
  )
  // Nothing is trimmed, so that what is acknowledged could come again.
  await look(a, { consumer: 'keeps everything' })
  let sent = 0
  const send = async () => {
    for (let more = 0; more < EVENTS; more += 1, sent += 1) await receipt(a.store, phones[sent % 20]!, `m ${sent}`)
  }
  await send()
  const first = await drain([a, b], { limit: 7 })
  t.same(first.events.map(({ id }) => id).sort(), Array.from({ length: EVENTS }, (_, at) => `m ${at}`).sort())
  await send()
  const second = await drain([a, b], { limit: 7 })
  t.equal(second.events.length, EVENTS)
  t.equal(new Set([...first.events, ...second.events].map(({ eventId }) => eventId)).size, 2 * EVENTS)
  t.same(calls, { open: 3, listen: 2 }, 'once for each consumer, and once for all, on each node')

  await t.test('Redis is emptied: what comes after that is not lost', async (t) => {
    await redis.cli('FLUSHALL')
    await receipt(b.store, await issueToken(b, { app: APP, device: 'phone' }), 'after')
    const found = await eventually('the event', async () => {
      const { events, cursor } = await look(a)
      return events.some(({ id }) => id === 'after') && { events, cursor }
    })
    // That the token was issued is one as well, where the consumer was there again by then.
    t.equal(found.events.filter(({ type }) => type === 'message.acknowledged').length, 1)
    t.equal((await acknowledge(b, found.cursor)).status, 204)
    t.same((await look(a)).events, [])
  })
})
