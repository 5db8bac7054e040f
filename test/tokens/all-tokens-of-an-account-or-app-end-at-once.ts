// All tokens of an account, or of an app, are revoked in one step: do live connections and waiting requests end on every node,
// and does nothing of before come back?
import { t } from '../support/tap.ts'
import { barrier, connectDevice, eventually, request, send } from '../support/index.ts'
import { ask, honoured, issue, told } from './support/calls.ts'
import { onEachEngine } from './support/engines.ts'

await onEachEngine(t, async (t, { one, other }) => {
  const of = (device: string, account: string, app = 'chat') => issue(one, { app, device, account })
  const anns = [await of('a', 'ann'), await of('b', 'ann'), await of('c', 'ann')]
  const bob = await of('d', 'bob')
  const mail = await of('a', 'ann', 'mail')
  const connections = await Promise.all(
    anns.map((token, at) => connectDevice(t, at % 2 === 0 ? one : other, token, { subscribe: true })),
  )
  const bobs = await connectDevice(t, other, bob, { subscribe: true })
  const mails = await connectDevice(t, other, mail, { subscribe: true })
  const poll = request(other, 'GET', '/v1/messages?wait=30', { bearer: anns[0]?.token ?? '' })

  const revoked = await request(one, 'POST', '/v1/tokens/revoke', { body: { app: 'chat', account: 'ann' } })
  t.equal(revoked.status, 204)
  t.equal(await honoured(one, anns[0]?.token ?? ''), 'TOKEN_REVOKED', 'at once on the node that answered')
  for (const connection of connections) {
    await connection.closed
    t.equal(connection.disconnectPacket?.reasonCode, 0x87)
  }
  t.equal(told(await poll), '403 TOKEN_REVOKED', 'who waits is told')
  for (const { token } of anns)
    await eventually('the refusal on the other node', async () => (await honoured(other, token)) === 'TOKEN_REVOKED')
  const again = anns[1]?.token ?? ''
  await t.rejects(connectDevice(t, other, again), { code: 0x87 })
  t.equal(told(await ask(other, { app: 'chat' }, again)), '403 TOKEN_REVOKED', 'and it renews nothing')
  t.equal(
    told(await request(one, 'POST', '/v1/messages', { body: { to: { app: 'chat', account: 'ann' }, payload: 1 } })),
    '404 ACCOUNT_UNKNOWN',
  )
  t.same(await barrier(one, bobs), [], 'others go on')
  t.same(await barrier(one, mails), [])

  const back = await of('a', 'ann')
  t.equal(await honoured(other, back.token), '200', 'what is issued after it holds')
  t.equal(await honoured(other, anns[0]?.token ?? ''), 'TOKEN_REVOKED', 'and revives nothing')
  const sent = await request(other, 'POST', '/v1/messages', {
    body: { to: { app: 'chat', account: 'ann' }, payload: 1 },
  })
  t.same(sent.body.tokenIds, [back.tokenId])

  await request(other, 'POST', '/v1/tokens/revoke', { body: { app: 'chat' } })
  await bobs.closed
  for (const { token } of [back, bob])
    await eventually('the refusal on each node', async () => (await honoured(one, token)) === 'TOKEN_REVOKED')
  t.same(await barrier(one, mails), [], 'another app goes on')
  const newest = await of('d', 'bob')
  await send(one, { token: newest.token }, 'hello')
  t.equal(await honoured(other, newest.token), '200')
  t.equal(told(await request(one, 'POST', '/v1/tokens/revoke', { body: { account: 'ann' } })), '400 REQUEST_INVALID')
})
