// Redis is emptied under connected devices, and the token is issued again: does what is accepted then reach them, and others?
import { pino } from 'pino'
import { t } from '../support/tap.ts'
import { BroadcastFanout } from '../../broker/session/broadcast-fanout.ts'
import type { Store } from '../../store/contract.ts'
import { Selections } from '../../topics/index.ts'
import { Turns } from '../../common/turns.ts'
import { embed } from '../plugin/support/embed.ts'
import { connectDevice, eventually, issueToken, request, send, startRedis } from '../support/index.ts'

await t.test('over MQTT and HTTP', async (t) => {
  const redis = await startRedis(t, { config: { appendonly: 'no' } })
  const node = await embed(t, { redisUrl: redis.url })
  const other = await embed(t, { redisUrl: redis.url })
  const names = { app: 'shop', device: 'phone', account: 'ann', version: '1.0.0' }
  const issued = await issueToken(node, names)
  const { private: own, broadcast = '' } = issued.topics
  const device = await connectDevice(t, node, issued)
  await device.subscribe([own, broadcast])
  const all = { app: 'shop', versions: '*' }
  for (let count = 0; count < 30; count += 1) await send(node, { token: issued.tokenId }, `before ${count}`)
  await send(node, all, 'broadcast before')
  await device.nextN(31)
  await send(node, { token: issued.tokenId }, 'looked up before')
  const lookup = (token: string) => request(node, 'GET', '/v1/messages', { bearer: token })
  const { cursor } = (await lookup(issued.token)).body
  await device.next()

  await redis.cli('flushall')
  const again = await issueToken(other, names)
  t.equal(again.tokenId, issued.tokenId, 'the keys are the same')
  const ack = await request(node, 'POST', '/v1/messages/ack', { bearer: again.token, body: { cursor } })
  t.equal(ack.status, 204, 'a cursor of before passes nothing')
  await send(other, { token: again.tokenId }, 'one')
  await send(other, all, 'broadcast')
  const got = (await device.nextN(2)).map(({ text }) => text)
  t.same(got.sort(), ['broadcast', 'one'])
  await send(other, { token: again.tokenId }, 'two')
  t.equal((await device.next()).text, 'two', 'and goes on')
  await eventually('an empty lookup', async () => (await lookup(again.token)).body.messages.length === 0)

  const second = await connectDevice(t, node, await issueToken(other, { ...names, device: 'tablet' }))
  await second.subscribe(broadcast)
  await send(other, all, 'for both')
  t.equal((await device.next()).text, 'for both')
  t.equal((await second.next()).text, 'for both')
})

await t.test('a broadcast log that is gone has been read to its end', async (t) => {
  let end = 5
  const store = { readBroadcast: async () => ({ entries: [], readTo: end, end }) } as unknown as Store
  const clocks = { now: Date.now, monotonic: () => performance.now() }
  const shared = { selections: new Selections(), turns: new Turns(), untold: () => undefined, ...clocks }
  const context = { store, logger: pino({ enabled: false }), ...shared }
  const fanout = new BroadcastFanout('shop', context)
  await fanout.read(0, { entries: 1, bytes: 1 })
  t.ok(fanout.hasCaughtUp(5))
  end = 0
  const { readTo } = await fanout.read(0, { entries: 1, bytes: 1 })
  t.ok(fanout.hasCaughtUp(readTo), 'a device that begins there does not read forever')
})
