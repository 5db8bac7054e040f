// Does a version that a device subscribes to later get what was sent to it before, over MQTT as over HTTP, and once?
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import type { PushOptions } from '../../push/options.ts'
import { embed } from '../plugin/support/embed.ts'
import { ack, barrier, connectDevice, eventually, issueToken, lookup, send, startRedis } from '../support/index.ts'

t.test('engines', async (t) => {
  const redis = await startRedis(t)
  for (const [engine, options] of Object.entries({ level: {}, redis: { redisUrl: redis.url } }))
    await t.test(engine, (t) => versions(t, engine, options))
})

async function versions(t: Test, engine: string, options: Partial<PushOptions>): Promise<void> {
  const server = await embed(t, options)
  const app = `chat-${engine}`
  // The private topic is where a barrier comes.
  const kept = { clean: false, clientId: 'kept', protocolVersion: 4, subscribe: true } as const
  const broadcast = (to: string, text: string) => send(server, { app, versions: to }, text)
  const texts = (messages: readonly { readonly text: string }[]) => messages.map(({ text }) => text)
  /** All that is pending over HTTP, acknowledged page by page. */
  const overHttp = async (token: string) => {
    const found: string[] = []
    for (;;) {
      const page = await lookup(server, token, { limit: 1 })
      if (page.messages.length === 0 && !page.more) return found
      found.push(...page.messages.map(({ payload }) => payload ?? ''))
      await ack(server, token, page.cursor)
    }
  }

  await t.test('a device is updated while it is offline', async (t) => {
    const device = 'updated'
    const old = await issueToken(server, { app, device, version: '1.0.0' })
    const first = await connectDevice(t, server, old, kept)
    await first.subscribe(old.topics.broadcast!)
    await broadcast('1.0.0', 'for 1')
    t.equal((await first.next()).text, 'for 1')
    await barrier(server, first)
    await first.end()
    await broadcast('2.0.0', 'for 2')
    await broadcast('*', 'for all')

    const updated = await issueToken(server, { app, device, version: '2.0.0' })
    const second = await connectDevice(t, server, updated, kept)
    t.equal((await second.next()).text, 'for all', 'the session goes on with version 1.0.0')
    await barrier(server, second)
    await second.end()
    // Acknowledgements are written together, soon.
    await eventually('what is left over HTTP', async () => {
      const { messages } = await lookup(server, updated.token)
      return messages.map(({ payload }) => payload).join() === 'for 2'
    })
    const third = await connectDevice(t, server, updated, kept)
    await third.subscribe(updated.topics.broadcast!)
    t.match(await third.next(), { text: 'for 2', topic: `${app}/2.0.0`, dup: false })
    t.same(texts(await barrier(server, third)), [], 'and nothing twice')
    await third.end()
    await eventually('nothing over HTTP', async () => (await overHttp(updated.token)).length === 0)
    const clean = await connectDevice(t, server, updated, { subscribe: true })
    await clean.subscribe([old.topics.broadcast!, updated.topics.broadcast!])
    t.same(texts(await barrier(server, clean)), [])
  })

  await t.test('one SUBSCRIBE after the other', async (t) => {
    const issued = await issueToken(server, { app, device: 'two by two' })
    for (const to of ['1.0.0', '2.0.0', '>=1 <3', '3.0.0', '1.0.0']) await broadcast(to, `for ${to}`)
    const device = await connectDevice(t, server, issued, { subscribe: true })
    await device.subscribe(`${app}/1.0.0`)
    t.same(texts(await device.nextN(3)), ['for 1.0.0', 'for >=1 <3', 'for 1.0.0'])
    await device.subscribe([`${app}/2.0.0`, `${app}/3.0.0`])
    t.same(texts(await device.nextN(2)), ['for 2.0.0', 'for 3.0.0'])
    await broadcast('*', 'for all')
    t.same(texts(await barrier(server, device)), ['for all'])
    await device.end()
    const again = await connectDevice(t, server, issued, { subscribe: true })
    await again.subscribe(['4.0.0', '3.0.0', '2.0.0', '1.0.0'].map((version) => `${app}/${version}`))
    t.same(texts(await barrier(server, again)), [])
  })

  await t.test('a retained broadcast that is still to come comes once', async (t) => {
    const issued = await issueToken(server, { app, device: 'retained' })
    const device = await connectDevice(t, server, issued, { subscribe: true })
    await device.subscribe(`${app}/5.0.0`)
    await send(server, { app, version: '6.0.0' }, 'retained', { retain: true })
    await broadcast('5.0.0', 'for 5')
    t.equal((await device.next()).text, 'for 5')
    await device.subscribe(`${app}/6.0.0`)
    t.match(await device.next(), { text: 'retained', retain: true })
    t.same(texts(await barrier(server, device)), [])
  })

  await t.test('what was acknowledged over HTTP for one version', async (t) => {
    const device = 'by HTTP'
    const one = await issueToken(server, { app, device, version: '1.0.0' })
    for (const to of ['1.0.0', '2.0.0', '>=1 <3']) await broadcast(to, `http ${to}`)
    const { messages, cursor } = await lookup(server, one.token)
    t.same(
      messages.map(({ payload }) => payload),
      ['http 1.0.0', 'http >=1 <3'],
    )
    const two = await issueToken(server, { app, device, version: '2.0.0' })
    await ack(server, two.token, cursor)
    t.same(await overHttp(two.token), ['http 2.0.0', 'http >=1 <3'], 'a cursor of another version leaves broadcasts')
    await ack(server, one.token, cursor)
    const both = await connectDevice(t, server, two, { subscribe: true })
    await both.subscribe([`${app}/1.0.0`, `${app}/2.0.0`])
    t.same(texts(await barrier(server, both)), [])
  })
}
