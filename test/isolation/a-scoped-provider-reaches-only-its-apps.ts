// Can a provider with a key for one app send to, listen to, or manage another app, over MQTT or HTTP?
import { writeFileSync } from 'node:fs'
import { join as joinPath } from 'node:path'
import { t } from '../support/tap.ts'
import { connect, connectRaw, issueToken, request, send, startServer, temporaryFolder } from '../support/index.ts'
import { ANN, getsItsOwn, gotNothing, join } from './support/people.ts'

const file = joinPath(temporaryFolder(t), 'providers.json')
const KEY = 'key-of-the-mail-team-0123456789'
writeFileSync(file, JSON.stringify([{ name: 'mail-team', key: KEY, apps: ['mail'] }]))
const server = await startServer(t, { settings: { PUSH_PROVIDERS_FILE: file } })
const scoped = { host: server.host, httpPort: server.httpPort, mqttPort: server.mqttPort, providerKey: KEY }

const ann = await join(t, server, ANN)
const mail = await join(t, server, { ...ANN, app: 'mail' })

await t.test('over HTTP', async (t) => {
  const forbidden = { status: 403, body: { code: 'APP_FORBIDDEN' } }
  const post = (path: string, body: unknown) => request(scoped, 'POST', path, { body })
  t.match(await post('/v1/tokens', { app: 'chat', device: 'phone-1', account: 'ann' }), forbidden)
  t.match(await request(scoped, 'DELETE', `/v1/tokens/${ann.issued.tokenId}`), forbidden)
  t.match(await post('/v1/messages', { to: { app: 'chat', version: '1.0' }, payload: 'evil' }), forbidden)
  t.match(await post('/v1/messages', { to: { app: 'chat', versions: '*' }, payload: 'evil' }), forbidden)
  t.match(await post('/v1/messages', { to: { app: 'chat', token: ann.issued.tokenId }, payload: 'evil' }), forbidden)
  const refused = [{ code: 'APP_FORBIDDEN' }]
  for (const token of [ann.issued.tokenId, ann.issued.token]) {
    t.match(await post('/v1/messages', { to: { token }, payload: 'evil' }), {
      status: 202,
      body: { accepted: 0, rejected: refused },
    })
  }
  t.match(await post('/v1/messages', { to: { tokens: [ann.issued.tokenId, mail.issued.tokenId] }, payload: 'one' }), {
    status: 202,
    body: { accepted: 1, rejected: refused },
  })
  t.equal((await mail.device.next()).text, 'one')
  // Its own app's name in front of a foreign token id.
  t.match(await post('/v1/messages', { to: { app: 'mail', token: ann.issued.tokenId }, payload: 'evil' }), {
    status: 202,
    body: { accepted: 0, rejected: [{ code: 'TOKEN_UNKNOWN' }] },
  })
  await issueToken(scoped, { app: 'mail', device: 'phone-3' })
  await send(scoped, { app: 'mail', version: '1.0' }, 'news of mail')
  t.equal((await mail.device.next()).text, 'news of mail')
  await gotNothing(t, server, ann)
  await getsItsOwn(t, server, ann)
})

for (const protocolVersion of [3, 4, 5] as const) {
  await t.test(`over MQTT, protocol ${protocolVersion}`, async (t) => {
    const no = protocolVersion === 5 ? 0x87 : 0x80
    const provider = await connect(t, server, { username: 'provider', password: KEY }, { protocolVersion })
    const filters = ['mail/u/#', 'chat/u/#', '+/u/#', '#', `chat/u/${ann.issued.tokenId}/x`, 'mail/#', 'mail/1.0']
    t.same(await provider.subscribe(filters), [1, no, no, no, no, no, no])
    await ann.device.publish(`chat/u/${ann.issued.tokenId}/x`, 'from Ann')
    await mail.device.publish(`mail/u/${mail.issued.tokenId}/x`, 'from mail')
    t.equal((await provider.next()).text, 'from mail', 'it hears its own app only')

    await provider.publish(mail.issued.topics.private, 'to mail')
    t.equal((await mail.device.next()).text, 'to mail')
    await provider.end()

    for (const topic of [
      ann.issued.topics.private,
      'chat/1.0',
      'chat/*',
      `mail/t/${ann.issued.tokenId}`,
      `mail/u/${mail.issued.tokenId}/x`,
      `chat/u/${ann.issued.tokenId}/x`,
      'news',
    ]) {
      for (const qos of [1, 2] as const) {
        const raw = await connectRaw(t, server.mqttPort, { protocolVersion })
        await raw.connect({ username: 'provider', password: Buffer.from(KEY) })
        raw.send({ cmd: 'publish', topic, payload: 'evil', qos, messageId: 7, dup: false, retain: false })
        if (protocolVersion === 5) {
          const answer = await raw.next()
          t.match(answer, { cmd: qos === 1 ? 'puback' : 'pubrec', reasonCode: 0x87 }, `${topic} with QoS ${qos}`)
          await raw.end()
        } else {
          await raw.closed
          t.same(
            raw.packets.received.map(({ cmd }) => cmd),
            ['connack'],
            `${topic} with QoS ${qos} is closed without an acknowledgement`,
          )
        }
      }
      const raw = await connectRaw(t, server.mqttPort, { protocolVersion })
      await raw.connect({ username: 'provider', password: Buffer.from(KEY) })
      raw.send({ cmd: 'publish', topic, payload: 'evil', qos: 0, dup: false, retain: true })
      await raw.ping()
      await raw.end()
    }
    await gotNothing(t, server, ann)
    await gotNothing(t, server, mail)
    await getsItsOwn(t, server, ann)
  })
}
