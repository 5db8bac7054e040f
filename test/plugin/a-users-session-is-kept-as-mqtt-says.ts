// Is a session of a user kept and ended as MQTT says: Session Present, its queue, DUP, packet ids, Clean Start?
import { t } from '../support/tap.ts'
import { connect, connectRaw, type RawClient } from '../support/index.ts'
import { embed, JOE } from './support/embed.ts'

const embedded = await embed(t)
const CREDENTIALS = { username: JOE.username, password: Buffer.from(JOE.password) }

interface How {
  readonly clean?: boolean
  readonly expiry?: number
  readonly properties?: object
}

async function join(clientId: string, { clean = false, expiry, properties }: How = {}) {
  const raw = await connectRaw(t, embedded.mqttPort, { protocolVersion: 5 })
  const all = { ...properties, ...(expiry === undefined ? {} : { sessionExpiryInterval: expiry }) }
  const connack = await raw.connect({ ...CREDENTIALS, clientId, clean, properties: all })
  return { raw, present: connack.sessionPresent, reason: connack.reasonCode }
}

async function publication(raw: RawClient) {
  const { topic, payload, qos, dup, messageId = 0, retain } = await raw.next('publish')
  return { topic, text: payload.toString(), qos, dup, messageId, retain }
}

const writer = await connect(t, embedded, JOE)

await t.test('Session Present tells whether there is a session, with subscriptions or without', async (t) => {
  const first = await join('present', { expiry: 100 })
  t.equal(first.present, false)
  await first.raw.reset()
  const second = await join('present', { expiry: 100 })
  t.equal(second.present, true, 'although nothing was subscribed to')
  await second.raw.end()
  const third = await join('present', { clean: true, expiry: 100 })
  t.equal(third.present, false, 'Clean Start')
  await third.raw.end()
  const fourth = await join('present', { expiry: 0 })
  t.equal(fourth.present, true)
  await fourth.raw.end()
  t.equal(
    (await join('present', { expiry: 100 })).present,
    false,
    'its interval was 0, so it ended with the connection',
  )
})

await t.test('a session that is resumed with interval 0 keeps its queue until it ends', async (t) => {
  const first = await join('zero', { expiry: 100 })
  await first.raw.subscribe('zero/#')
  await first.raw.end()
  await writer.publish('zero/a', 'queued')
  const second = await join('zero', { expiry: 0 })
  t.equal(second.present, true)
  t.match(await publication(second.raw), { text: 'queued', dup: false })
  await second.raw.end()
  await writer.publish('zero/a', 'too late')
  const third = await join('zero', { expiry: 100 })
  t.equal(third.present, false)
  await third.raw.subscribe('zero/#')
  await writer.publish('zero/a', 'new')
  t.equal((await publication(third.raw)).text, 'new')
})

await t.test('a session is ended while its topics are published to without a pause', async (t) => {
  const first = await join('busy', { expiry: 100 })
  await first.raw.subscribe('busy/#')
  await first.raw.reset()
  let over = false
  const writers = await Promise.all(Array.from({ length: 8 }, () => connect(t, embedded, JOE)))
  const publishing = writers.map(async (each) => {
    while (!over) await Promise.all(Array.from({ length: 16 }, () => each.publish('busy/a', 'x')))
  })
  const second = await join('busy', { clean: true, expiry: 100 })
  t.match(second, { reason: 0, present: false })
  over = true
  await Promise.all(publishing)
  await second.raw.end()
})

await t.test('a retained message that was not acknowledged comes again', async (t) => {
  await writer.publish('kept/a', 'one', { qos: 1, retain: true })
  await writer.publish('kept/b', 'two', { qos: 2, retain: true })
  const first = await join('kept', { expiry: 100 })
  await first.raw.subscribe('kept/+', 2)
  const sent = [await publication(first.raw), await publication(first.raw)]
  t.same(
    new Set(sent.map(({ text, retain, dup }) => `${text} ${retain} ${dup}`)),
    new Set(['one true false', 'two true false']),
  )
  await first.raw.reset()
  const second = await join('kept', { expiry: 100 })
  const again = [await publication(second.raw), await publication(second.raw)]
  t.same(
    again,
    sent.map((each) => ({ ...each, dup: true })),
    'with RETAIN, DUP and its packet id',
  )
  for (const { qos, messageId } of again) {
    second.raw.send({ cmd: qos === 1 ? 'puback' : 'pubrec', messageId })
    if (qos === 1) continue
    await second.raw.next('pubrel')
    second.raw.send({ cmd: 'pubcomp', messageId })
  }
  await second.raw.ping()
  await second.raw.reset()
  const third = await join('kept', { expiry: 100 })
  await writer.publish('kept/c', 'three', { qos: 1 })
  t.match(await publication(third.raw), { text: 'three', retain: false }, 'and nothing that was acknowledged')
})

await t.test('what was sent and not acknowledged comes again, in order, with DUP and its packet id', async (t) => {
  const first = await join('again', { expiry: 100 })
  await first.raw.subscribe('again/#', 2)
  const sent = []
  for (const qos of [1, 2, 1] as const) {
    await writer.publish('again/a', `${sent.length}`, { qos })
    sent.push(await publication(first.raw))
  }
  t.same(
    sent.map(({ dup, qos }) => [dup, qos]),
    [
      [false, 1],
      [false, 2],
      [false, 1],
    ],
  )
  await first.raw.reset()
  await writer.publish('again/a', '3')
  const second = await join('again', { expiry: 100 })
  for (const each of sent) t.same(await publication(second.raw), { ...each, dup: true })
  t.match(await publication(second.raw), { text: '3', dup: false })
  for (const { messageId, qos } of sent) if (qos === 1) second.raw.puback({ messageId })
  await second.raw.ping()
  await second.raw.reset()
  const third = await join('again', { expiry: 100 })
  t.match(await publication(third.raw), { text: '1', qos: 2, dup: true })
  t.match(await publication(third.raw), { text: '3', dup: true })
})

await t.test('of a QoS 2 message that the client has received, only PUBREL comes again', async (t) => {
  const first = await join('released', { expiry: 100 })
  await first.raw.subscribe('released/#', 2)
  await writer.publish('released/a', 'once', { qos: 2 })
  const { messageId } = await publication(first.raw)
  first.raw.send({ cmd: 'pubrec', messageId })
  t.equal((await first.raw.next('pubrel')).messageId, messageId)
  await first.raw.reset()
  const second = await join('released', { expiry: 100 })
  t.equal((await second.raw.next('pubrel')).messageId, messageId)
  second.raw.send({ cmd: 'pubcomp', messageId })
  await writer.publish('released/a', 'next', { qos: 2 })
  t.equal((await publication(second.raw)).text, 'next')
  t.equal(second.raw.packets.received.filter(({ cmd }) => cmd === 'publish').length, 1)
})

await t.test('filters that overlap are queued for, each message once', async (t) => {
  const first = await join('overlap', { expiry: 100 })
  await first.raw.subscribe('overlap/#', 1)
  await first.raw.subscribe('overlap/a', 2)
  await first.raw.subscribe('overlap/+', 1)
  await first.raw.end()
  for (const topic of ['overlap/a', 'overlap/b', 'overlap']) await writer.publish(topic, topic, { qos: 2 })
  const second = await join('overlap', { expiry: 100 })
  t.match(await publication(second.raw), { text: 'overlap/a', qos: 2 })
  t.match(await publication(second.raw), { text: 'overlap/b', qos: 1 })
  t.match(await publication(second.raw), { text: 'overlap', qos: 1 })
})

await t.test('Clean Start ends subscriptions, queue and packet ids of both directions', async (t) => {
  const first = await join('clean', { expiry: 100 })
  await first.raw.subscribe('clean/#', 2)
  first.raw.send({ cmd: 'publish', topic: 'other', payload: 'x', qos: 2, messageId: 7, dup: false, retain: false })
  await first.raw.next('pubrec')
  await writer.publish('clean/a', 'unacknowledged', { qos: 2 })
  await publication(first.raw)
  await first.raw.reset()
  await writer.publish('clean/a', 'queued')
  const second = await join('clean', { clean: true, expiry: 100 })
  second.raw.send({ cmd: 'pubrel', messageId: 7 })
  t.match(await second.raw.next('pubcomp'), { messageId: 7, reasonCode: 0x92 })
  await writer.publish('clean/a', 'for nobody')
  await second.raw.subscribe('clean/#', 2)
  await writer.publish('clean/a', 'new')
  t.equal((await publication(second.raw)).text, 'new')
})

await t.test('a thousand wait, and come within a small Receive Maximum', async (t) => {
  const first = await join('many', { expiry: 100 })
  await first.raw.subscribe('many/#')
  await first.raw.end()
  const texts = Array.from({ length: 1200 }, (_, index) => `${index}`)
  for (const text of texts) await writer.publish('many/a', text)
  const second = await join('many', { expiry: 100, properties: { receiveMaximum: 3 } })
  const arrived: string[] = []
  const unacknowledged: { messageId: number }[] = []
  while (arrived.length < texts.length) {
    const each = await publication(second.raw)
    arrived.push(each.text)
    unacknowledged.push(each)
    t.ok(unacknowledged.length <= 3)
    if (unacknowledged.length < 3 && arrived.length < texts.length - 3) continue
    for (const { messageId } of unacknowledged.splice(0)) second.raw.puback({ messageId })
  }
  t.same(arrived, texts, 'each once, in order')
})

await t.test('a client id that is taken over keeps its session', async (t) => {
  const first = await join('taken', { expiry: 100 })
  await first.raw.subscribe('taken/#')
  await writer.publish('taken/a', 'x')
  const sent = await publication(first.raw)
  const second = await join('taken', { expiry: 100 })
  t.equal(second.present, true)
  t.match(await first.raw.next('disconnect'), { reasonCode: 0x8e })
  t.same(await publication(second.raw), { ...sent, dup: true })
})
