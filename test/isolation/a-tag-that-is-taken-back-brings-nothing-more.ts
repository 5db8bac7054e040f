// A tag is taken back: does the device get anything of what asks for it from then on, that waits, was sent or is retained?
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { ack, barrier, connectDevice, eventually, lookup, metric, startRedis } from '../support/index.ts'
import { embed, type Embedded } from '../plugin/support/embed.ts'
import { broadcast, broadcastsSoFar, connectTagged, issueTagged, KEPT } from './support/tagged.ts'

const BETA = { any: ['beta'] }

await t.test('engines', async (t) => {
  const redis = await startRedis(t)
  for (const [engine, options] of Object.entries({ level: {}, redis: { redisUrl: redis.url } }))
    await t.test(engine, async (t) => takenBack(t, await embed(t, options)))
})

async function takenBack(t: Test, server: Embedded): Promise<void> {
  const payloads = async (token: string) => {
    const { messages } = await lookup(server, token, { limit: 100 })
    return messages.map(({ payload }) => payload ?? '').filter((text) => !/^(marker|barrier)/.test(text))
  }

  await t.test('what waited for it, and what was sent and not acknowledged', async (t) => {
    const issued = await issueTagged(server, 'waiting', ['beta'])
    const device = await connectTagged(t, server, issued, { ...KEPT, manualAck: true })
    await broadcast(server, 'sent', BETA)
    t.equal((await device.next()).text, 'sent')
    await device.reset()
    await broadcast(server, 'waits', BETA)
    await broadcast(server, 'retained', BETA, { retain: true })
    await broadcast(server, 'for all')
    await issueTagged(server, 'waiting', ['other'])
    t.same(await payloads(issued.token), ['for all'], 'over HTTP, at once')
    const back = await connectDevice(t, server, issued, { ...KEPT, subscribe: true })
    t.ok(back.connack.sessionPresent)
    t.same(await broadcastsSoFar(server, back), ['for all'])
    await back.subscribe('chat/2.0')
    await broadcast(server, 'live', BETA)
    t.same(await broadcastsSoFar(server, back), [], 'nor live, nor retained')
    await back.end()
  })

  await t.test('given again, it brings nothing of before, but for what is retained', async (t) => {
    const issued = await issueTagged(server, 'again', [])
    const device = await connectTagged(t, server, issued, KEPT)
    await broadcast(server, 'of before', BETA)
    await broadcast(server, 'retained', BETA, { retain: true })
    t.same(await broadcastsSoFar(server, device), [])
    await issueTagged(server, 'again', ['beta'])
    await broadcast(server, 'on the live connection', BETA)
    t.same(await broadcastsSoFar(server, device), [], 'it has the tags that it connected with')
    await device.end()
    await eventually('the cursor is written', async () => (await payloads(issued.token)).length === 0)
    await broadcast(server, 'afterwards', BETA)
    const back = await connectDevice(t, server, issued, { ...KEPT, subscribe: true })
    t.same(await broadcastsSoFar(server, back), ['afterwards'])
    await back.subscribe('chat/1.1')
    t.match(await back.next(), { text: 'retained', retain: true, topic: 'chat/1.1' })
    t.same(await broadcastsSoFar(server, back), [], 'nor for a version that is subscribed to later')
    await back.end()
  })

  await t.test('what an HTTP client has acknowledged is over for good', async (t) => {
    const issued = await issueTagged(server, 'by http', ['muted'])
    await broadcast(server, 'not for muted', { none: ['muted'] })
    await broadcast(server, 'for all')
    const page = await lookup(server, issued.token)
    t.same(
      page.messages.map(({ payload }) => payload),
      ['for all'],
    )
    await ack(server, issued.token, page.cursor)
    await issueTagged(server, 'by http', [])
    t.same(await payloads(issued.token), [])
    await broadcast(server, 'now it is', { none: ['muted'] })
    t.same(await payloads(issued.token), ['now it is'])
  })

  await t.test('what was too large for a connection', async (t) => {
    const big = (text: string) => text.padEnd(400, '.')
    const small = { ...KEPT, properties: { ...KEPT.properties, maximumPacketSize: 200 } }
    for (const way of ['MQTT', 'HTTP'] as const) {
      const issued = await issueTagged(server, `large ${way}`, ['beta'])
      const first = await connectTagged(t, server, issued, small)
      const before = await metric(server, 'push_skipped_total', 'destination="broadcast"')
      await broadcast(server, big(`beta ${way}`), BETA)
      await broadcast(server, big(`all ${way}`), undefined)
      await barrier(server, first, { app: 'chat', versions: '*' })
      t.equal(await metric(server, 'push_skipped_total', 'destination="broadcast"'), before + 2)
      await first.end()
      await eventually('both are kept', async () => (await payloads(issued.token)).length === 2)
      await issueTagged(server, `large ${way}`, [])
      t.same(await payloads(issued.token), [big(`all ${way}`)], way)
      if (way === 'MQTT') {
        const second = await connectDevice(t, server, issued, { ...KEPT, subscribe: true })
        t.equal((await second.next()).text, big(`all ${way}`))
        t.same(await broadcastsSoFar(server, second), [])
        await second.end()
      } else {
        await ack(server, issued.token, (await lookup(server, issued.token, { limit: 100 })).cursor)
      }
      await eventually('all is acknowledged', async () => (await payloads(issued.token)).length === 0)
      await issueTagged(server, `large ${way}`, ['beta'])
      t.same(await payloads(issued.token), [], 'it was passed for good')
      const last = await connectDevice(t, server, issued, { ...KEPT, subscribe: true })
      t.same(await broadcastsSoFar(server, last), [])
      await last.end()
    }
  })
}
