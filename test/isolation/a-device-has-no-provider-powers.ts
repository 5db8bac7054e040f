// Can a device use its token as a provider key, look up somebody else's messages, or acknowledge them?
import { t } from '../support/tap.ts'
import { connectRaw, issueToken, lookup, request, send, startServer } from '../support/index.ts'
import { ANN, getsItsOwn, gotNothing, join, NEIGHBOURS } from './support/people.ts'

const server = await startServer(t)
const mallory = await issueToken(server, NEIGHBOURS['another device'])
const ann = await issueToken(server, ANN)

await t.test('the calls of providers', async (t) => {
  const refused = { status: 403, body: { code: 'NOT_A_PROVIDER' } }
  const bearer = mallory.token
  const others = { status: 400, body: { code: 'REQUEST_INVALID', detail: /device/ } }
  t.match(await request(server, 'POST', '/v1/tokens', { bearer, body: ANN }), others, 'it renews its own token only')
  t.match(await request(server, 'DELETE', `/v1/tokens/${ann.tokenId}`, { bearer }), refused)
  t.match(await request(server, 'DELETE', `/v1/tokens/${mallory.tokenId}`, { bearer }), refused)
  for (const to of [{ token: ann.tokenId }, { token: mallory.tokenId }, { app: 'chat', version: '1.0' }]) {
    t.match(await request(server, 'POST', '/v1/messages', { bearer, body: { to, payload: 'evil' } }), refused)
  }
  t.match(await request(server, 'GET', '/v1/messages'), { status: 403, body: { code: 'NOT_A_DEVICE' } })
})

await t.test("somebody else's messages and cursor", async (t) => {
  await send(server, { token: ann.tokenId }, 'for Ann alone')
  t.same((await lookup(server, mallory.token)).messages, [])
  const { messages, cursor } = await lookup(server, ann.token)
  t.match(messages, [{ payload: 'for Ann alone' }])
  t.match(await request(server, 'POST', '/v1/messages/ack', { bearer: mallory.token, body: { cursor } }), {
    status: 400,
    body: { code: 'CURSOR_INVALID' },
  })
  t.match((await lookup(server, ann.token)).messages, [{ payload: 'for Ann alone' }], 'it is still there for her')
})

await t.test('a foreign packet id', async (t) => {
  const person = await join(t, server, ANN, { manualAck: true })
  const message = await person.device.next()
  t.equal(message.text, 'for Ann alone')
  const raw = await connectRaw(t, server.mqttPort, { protocolVersion: 5 })
  await raw.connect({ token: mallory.token })
  await raw.subscribe(mallory.topics.private)
  for (let packetId = 1; packetId < 65_536; packetId += 97) raw.puback({ messageId: packetId })
  raw.puback({ messageId: message.packetId! })
  await raw.ping()
  await person.device.reset()
  const back = await join(t, server, ANN)
  t.equal((await back.device.next()).text, 'for Ann alone', "nobody else's PUBACK moves her cursor")
  await getsItsOwn(t, server, back)
  await gotNothing(t, server, back)
})
