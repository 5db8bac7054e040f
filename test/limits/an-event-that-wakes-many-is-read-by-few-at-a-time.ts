// When one event wakes a hundred requests, does each get it, and are few of them read for at one time?
import { t } from '../support/tap.ts'
import { eventually, issueToken } from '../support/index.ts'
import { eachEngine, look, receipt } from '../follow/support/events.ts'
import { APP } from '../follow/support/node.ts'

const REQUESTS = 100

await eachEngine(t, async (t, start) => {
  const reading = { opened: 0, now: 0, most: 0, all: 0 }
  const api = await start({
    limits: { work: 0, longPollRecheckMs: 3_600_000 },
    around: (store) => ({
      async openReader(open) {
        const parts = await store.openReader(open)
        reading.opened += 1
        return parts
      },
      async readUnread(request) {
        reading.most = Math.max(reading.most, ++reading.now)
        reading.all += 1
        try {
          return await store.readUnread(request)
        } finally {
          reading.now -= 1
        }
      },
    }),
  })
  const phone = await issueToken(api, { app: APP, device: 'phone' })
  const answers = Array.from({ length: REQUESTS }, (_, at) => look(api, { consumer: `consumer ${at}`, wait: 60 }))
  await eventually('all wait', () => reading.opened === REQUESTS)
  await receipt(api.store, phone, 'for all')
  for (const { events } of await Promise.all(answers)) t.match(events, [{ id: 'for all' }])
  t.ok(reading.all >= REQUESTS)
  t.ok(reading.most <= 32, `${reading.most} at one time`)
})
