// Is a message above a client's Maximum Packet Size still there for HTTP and for a connection that takes it, once?
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import type { PushOptions } from '../../push/options.ts'
import { embed } from '../plugin/support/embed.ts'
import { ack, barrier, connectDevice, eventually, issueToken, lookup, send, startRedis } from '../support/index.ts'

const small = { properties: { maximumPacketSize: 120, sessionExpiryInterval: 3600 }, clean: false, clientId: 'one' }
const large = { ...small, properties: { sessionExpiryInterval: 3600 } }
const big = (name: string) => name.padEnd(200, '.')

t.test('engines', async (t) => {
  const redis = await startRedis(t)
  for (const [engine, options] of Object.entries({ level: {}, redis: { redisUrl: redis.url } }))
    await t.test(engine, (t) => skipped(t, options))
})

async function skipped(t: Test, options: Partial<PushOptions>): Promise<void> {
  const server = await embed(t, options)
  const app = 'shop'
  const version = '1.0.0'

  for (const kind of ['private', 'broadcast'] as const) {
    const issue = (device: string) =>
      issueToken(server, { app, device: `${kind} ${device}`, version: `${version}-${kind}` })
    const pending = async (token: string) =>
      (await lookup(server, token, { limit: 100 })).messages.map(({ payload }) => payload?.replaceAll('.', ''))
    /** Sends these; the last of them is small, and arrives. */
    const skipping = async (issued: Awaited<ReturnType<typeof issue>>, ...payloads: string[]) => {
      const device = await connectDevice(t, server, issued, small)
      await device.subscribe([issued.topics.private, issued.topics.broadcast!])
      const to = kind === 'private' ? { token: issued.tokenId } : { app, version: `${version}-${kind}` }
      for (const payload of payloads) await send(server, to, payload)
      const wanted = payloads.filter((payload) => payload.length < 100)
      t.same(
        (await device.nextN(wanted.length)).map(({ text }) => text),
        wanted,
        'the others are not held up',
      )
      await barrier(server, device)
      await device.end()
      // The barrier was the last that it acknowledged.
      const isSmall = (text: string | undefined) => text?.startsWith('barrier-') === true || wanted.includes(text ?? '')
      await eventually('the session is written', async () => !(await pending(issued.token)).some(isSmall))
    }

    await t.test(`${kind}, over HTTP`, async (t) => {
      const issued = await issue('http')
      await skipping(issued, 'a', big('B'), 'c', big('D'), 'e')
      t.same(await pending(issued.token), ['B', 'D'])
      const first = await lookup(server, issued.token, { limit: 1 })
      t.equal(first.more, true)
      await ack(server, issued.token, first.cursor)
      t.same(await pending(issued.token), ['D'])
      const last = await lookup(server, issued.token)
      t.equal(last.more, false)
      await ack(server, issued.token, last.cursor)
      t.same(await pending(issued.token), [])
      const device = await connectDevice(t, server, issued, large)
      t.same(await barrier(server, device), [])
    })

    await t.test(`${kind}, to a connection that takes it`, async (t) => {
      const issued = await issue('mqtt')
      await skipping(issued, big('A'), 'b', big('C'), 'd')
      await skipping(issued, 'e', big('F'), 'g')
      const device = await connectDevice(t, server, issued, large)
      t.same(
        (await device.nextN(3)).map(({ text, dup }) => `${text.replaceAll('.', '')} ${dup}`),
        ['A false', 'C false', 'F false'],
      )
      t.same(await barrier(server, device), [])
      await device.end()
      await eventually('all is acknowledged', async () => (await pending(issued.token)).length === 0)
      const again = await connectDevice(t, server, issued, large)
      t.same(await barrier(server, again), [])
    })

    await t.test(`${kind}, while it is connected and acknowledged over HTTP`, async (t) => {
      const issued = await issue('both')
      await skipping(issued, big('A'), 'b')
      const device = await connectDevice(t, server, issued, { ...large, manualAck: true })
      t.equal((await device.next()).text, big('A'))
      await ack(server, issued.token, (await lookup(server, issued.token)).cursor)
      t.same(await pending(issued.token), [])
      await device.reset()
      const again = await connectDevice(t, server, issued, large)
      t.same(await barrier(server, again), [])
    })
  }
}
