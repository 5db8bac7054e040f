// Are subscriptions, what waits, DUP and packet ids of a session still there after a restart of the server?
import { t } from '../support/tap.ts'
import { arrival, join, publish } from './support/people.ts'
import { serve } from './support/serve.ts'

await t.test('a restart', async (t) => {
  let server = await serve(t)
  const first = await join(t, server, 'sleeper')
  await first.raw.subscribe(['a/+', 'b'], 1)
  publish(first.raw, 'a/x', 'sent', 1)
  const sent = await arrival(first.raw)
  await first.raw.end()
  const writer = await join(t, server, 'writer', { expiry: 0, clean: true })
  publish(writer.raw, 'b', 'waiting', 1)
  await writer.raw.next('puback')

  await server.close()
  server = await serve(t, { dataDir: server.dataDir })

  const again = await join(t, server, 'writer', { expiry: 0, clean: true })
  publish(again.raw, 'a/y', 'after the restart', 1)
  t.match(await again.raw.next('puback'), { reasonCode: 0 }, 'it is still subscribed')
  const second = await join(t, server, 'sleeper')
  t.equal(second.present, true)
  t.same(await arrival(second.raw), { ...sent, dup: true }, 'what was sent, with DUP and its packet id')
  t.match(await arrival(second.raw), { text: 'waiting', dup: false })
  t.match(await arrival(second.raw), { text: 'after the restart', dup: false })
})
