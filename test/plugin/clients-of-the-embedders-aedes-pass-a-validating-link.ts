// Do clients that are none of ours reach the embedder's Aedes byte for byte, and nothing that would harm it?
import { once } from 'node:events'
import { connect, connectRaw } from '../support/index.ts'
import { t } from '../support/tap.ts'
import { attach } from './support/embed.ts'

await t.test('they exchange messages, with the broker and with each other', async (t) => {
  const seen: unknown[] = []
  const server = await attach(t, {
    authenticate(client, username, password, done) {
      seen.push([(client.conn as { remoteAddress?: unknown }).remoteAddress, username, String(password)])
      done(null, true)
    },
  })
  const payload = Buffer.alloc(300_000, 'x')
  for (const protocolVersion of [4, 5] as const) {
    const one = await connect(t, server, { username: 'joe', password: 'a' }, { protocolVersion })
    await one.subscribe('from/#', { qos: 2 })
    const two = await connect(t, server, {}, { protocolVersion })
    for (const qos of [0, 1, 2] as const) await two.publish(`from/two/${qos}`, payload, { qos })
    for (const { payload: got } of await one.nextN(3)) t.ok(payload.equals(got))
    const heard = once(server.broker, 'publish')
    await two.end()
    await one.end()
    await heard
  }
  t.same(seen[0], ['127.0.0.1', 'joe', 'a'])
})

await t.test('a credential like ours that is wrong goes on only where the broker judges it', async (t) => {
  const open = await attach(t)
  await t.rejects(connect(t, open, { username: 'provider', password: 'wrong-wrong-wrong-wrong' }))
  await t.rejects(connect(t, open, { username: 'x', password: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln' }))
  await connect(t, open, { username: 'x', password: 'of nobody' })
  let judged = 0
  const judging = await attach(t, {
    authenticate(_client, _username, _password, done) {
      judged++
      done(null, true)
    },
  })
  await connect(t, judging, { username: 'provider', password: 'wrong-wrong-wrong-wrong' })
  await connect(t, judging, { username: 'x', password: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln' })
  t.equal(judged, 2)
  const { token, topics } = await judging.push.issueToken({ app: 'chat', device: 'phone' })
  const device = await connect(t, judging, { username: 'device', password: token })
  await device.subscribe(topics.private)
  await judging.push.send({ to: { token }, payload: 'hello' })
  t.equal((await device.next()).text, 'hello')
  t.equal(judged, 2, 'a device is no client of the broker')
})

await t.test('names of members of Object.prototype end their connection, and nothing else', async (t) => {
  const server = await attach(t)
  const all = await connect(t, server, {})
  await all.subscribe('#', { qos: 1 })
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
    await t.rejects(connect(t, server, {}, { clientId: name }), `client id ${name}`)
    const publisher = await connect(t, server, {})
    publisher.publish(name, 'x', { qos: 1 }).catch(() => undefined)
    await publisher.closed
    const subscriber = await connect(t, server, {})
    subscriber.subscribe(name).catch(() => undefined)
    await subscriber.closed
  }
  await all.publish('alive', 'x')
  t.equal((await all.next()).text, 'x')
})

await t.test('what is malformed never reaches it', async (t) => {
  const server = await attach(t)
  const errors: unknown[] = []
  server.broker.on('clientError', (_client, error) => errors.push(error))
  server.broker.on('connectionError', (_client, error) => errors.push(error))
  const raw = await connectRaw(t, server.mqttPort)
  raw.sendBytes(
    Buffer.from('10 10 00 04 4d 51 54 54 04 02 00 3c 00 04 6e 61 6d 65 82 04 00 00 00 00'.replaceAll(' ', ''), 'hex'),
  )
  await raw.closed
  t.same(errors, [])
})
