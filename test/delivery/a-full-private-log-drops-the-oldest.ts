// When more messages wait for a device than the log may hold, does it lose the oldest, and is that counted and logged?
import { t } from '../support/tap.ts'
import { barrier, connectDevice, issueToken, lookup, metric, send, startServer } from '../support/index.ts'
import { numbered, sendEach, texts, untilNothingIsPending } from './support/messages.ts'

const CAP = 10
const server = await startServer(t, { settings: { PUSH_MAX_PENDING_MESSAGES: String(CAP), PUSH_LOG_LEVEL: 'warn' } })
const dropped = () => metric(server, 'push_dropped_total', 'destination="private"')

await t.test('an offline device', async (t) => {
  const issued = await issueToken(server, { app: 'shop', device: 'offline', account: 'ada' })
  const other = await issueToken(server, { app: 'shop', device: 'other', account: 'ada' })
  await send(server, { token: other.tokenId }, 'untouched')
  await sendEach(t, server, { token: issued.tokenId }, numbered(CAP))
  t.equal(await dropped(), 0, 'full is not too full')
  await sendEach(t, server, { token: issued.tokenId }, numbered(7, CAP + 1))
  t.equal(await dropped(), 7)
  const page = await lookup(server, issued.token, { limit: 100 })
  t.same(
    page.messages.map(({ payload }) => payload),
    numbered(CAP, 8),
  )
  t.match(await server.waitForLog(/dropped/), /"destination":"private"/)

  const device = await connectDevice(t, server, issued, { subscribe: true })
  t.same(texts(await device.nextN(CAP)), numbered(CAP, 8))
  await untilNothingIsPending(server, issued)
  await sendEach(t, server, { token: issued.tokenId }, numbered(CAP * 2, 100))
  t.same(texts(await device.nextN(CAP * 2)), numbered(CAP * 2, 100), 'what is acknowledged makes room')
  const second = await connectDevice(t, server, other, { subscribe: true })
  t.same(texts(await barrier(server, second)), ['untouched'])
})

await t.test('a connected device that acknowledges nothing', async (t) => {
  const issued = await issueToken(server, { app: 'shop', device: 'mute', account: 'ada' })
  const before = await dropped()
  const device = await connectDevice(t, server, issued, {
    subscribe: true,
    manualAck: true,
    properties: { receiveMaximum: 4 },
  })
  await sendEach(t, server, { token: issued.tokenId }, numbered(4))
  const underWay = await device.nextN(4)
  await sendEach(t, server, { token: issued.tokenId }, numbered(16, 5))
  t.equal(await dropped(), before + 10)
  for (const each of underWay) device.ack(each)
  t.same(texts(await device.nextN(4)), numbered(4, 11), 'goes on with the oldest that is left')
  await device.reset()
  const again = await connectDevice(t, server, issued, { subscribe: true })
  t.same(texts(await again.nextN(CAP)), numbered(CAP, 11))
  t.same(await barrier(server, again), [])
})

await t.test('bytes are limited as well', async (t) => {
  const small = await startServer(t, { settings: { PUSH_MAX_PENDING_BYTES: '1000', PUSH_MAX_PAYLOAD: '1000' } })
  const issued = await issueToken(small, { app: 'shop', device: 'phone' })
  for (const letter of ['a', 'b', 'c', 'd']) await send(small, { token: issued.tokenId }, letter.repeat(300))
  const device = await connectDevice(t, small, issued, { subscribe: true })
  t.same(
    (await device.nextN(3)).map(({ text }) => text[0]),
    ['b', 'c', 'd'],
  )
  t.equal(await metric(small, 'push_dropped_total', 'destination="private"'), 1)
})
