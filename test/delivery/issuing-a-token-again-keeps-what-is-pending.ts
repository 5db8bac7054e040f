// Does a new token for the same app, device and account keep the token id, the pending messages and the session?
import { t } from '../support/tap.ts'
import { barrier, connectDevice, issueToken, revoke, send, startServer } from '../support/index.ts'
import { texts, untilNothingIsPending } from './support/messages.ts'

const server = await startServer(t)
const wanted = { app: 'shop', device: 'phone', account: 'ada', version: '1.0.0' }
const kept = { clean: false, properties: { sessionExpiryInterval: 3600 } }

const first = await issueToken(server, wanted)
const device = await connectDevice(t, server, first, kept)
await device.subscribe([first.topics.private, first.topics.broadcast!])
await device.end()
await send(server, { token: first.token }, 'private 1')
await send(server, { app: 'shop', versions: '*' }, 'broadcast')

await t.test('issued again', async (t) => {
  const second = await issueToken(server, wanted)
  t.equal(second.tokenId, first.tokenId)
  t.equal(second.topics.private, first.topics.private)
  await send(server, { token: second.token }, 'private 2')
  const again = await connectDevice(t, server, second, kept)
  t.equal(again.connack.sessionPresent, true)
  t.same(texts(await again.nextN(3)).toSorted(), ['broadcast', 'private 1', 'private 2'])
  const third = await issueToken(server, { ...wanted, version: '1.1.0' })
  t.equal(third.tokenId, first.tokenId, 'also for a new version of the app')
  await send(server, { token: third.tokenId }, 'while connected')
  t.equal((await again.next()).text, 'while connected', 'a connection stays')
  await untilNothingIsPending(server, first)
  await again.end()
})

await t.test('revoked and issued again', async (t) => {
  await send(server, { token: first.tokenId }, 'before the revocation')
  await revoke(server, first.tokenId)
  await t.rejects(connectDevice(t, server, first, kept), { code: 0x87 })
  t.match(await send(server, { token: first.tokenId }, 'refused'), {
    accepted: 0,
    rejected: [{ token: first.tokenId, code: 'TOKEN_REVOKED' }],
  })
  const renewed = await issueToken(server, wanted)
  t.equal(renewed.tokenId, first.tokenId)
  await t.rejects(connectDevice(t, server, first, kept), { code: 0x87 }, 'the revoked one stays revoked')
  const again = await connectDevice(t, server, renewed)
  await again.subscribe(renewed.topics.private)
  t.same(texts(await barrier(server, again)), ['before the revocation'])
})
