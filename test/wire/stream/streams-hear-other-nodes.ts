// Do streams at one node bring what another accepts, and end with what another revokes?
import { t } from '../../support/tap.ts'
import { ack, issueToken, request, revoke, send } from '../../support/api.ts'
import { twoNodes } from '../../nodes/support/nodes.ts'
import { openStream, payloads } from './support/stream.ts'

await t.test('two nodes', async (t) => {
  const { a, b } = await twoNodes(t)
  const issued = await issueToken(a, { app: 'chat', device: 'phone', version: '1.0.0' })
  const { token } = issued
  const { ticket } = (await request(a, 'POST', '/v1/messages/stream', { bearer: token })).body
  const stream = await openStream(t, b, { path: `/v1/messages/stream?ticket=${ticket}` })
  await send(a, { token }, 'private')
  await send(a, { app: 'chat', versions: '*' }, 'for all')
  await send(a, { token }, 'now', { ttl: 0 })
  t.same((await payloads(stream, 3)).toSorted(), ['for all', 'now', 'private'], 'a ticket of one node opens at another')
  await ack(a, token, stream.lastEventId)
  stream.close()

  const moved = await openStream(t, a, { bearer: token, headers: { 'last-event-id': stream.lastEventId } })
  await send(b, { token }, 'next')
  t.same(await payloads(moved, 1), ['next'], 'an id of one node is good at another')

  const events = await openStream(t, b, {
    bearer: b.providerKey,
    path: '/v1/events/stream?app=chat&consumer=billing&types=message.*',
  })
  await events.lines.next()
  await request(a, 'POST', '/v1/messages', { body: { to: { token }, payload: 'x', id: 'r', receipt: true } })
  await payloads(moved, 1)
  await ack(a, token, moved.lastEventId)
  t.match(await events.events.next(), { data: { type: 'message.acknowledged', id: 'r' } })

  await revoke(b, issued.tokenId)
  t.match(await moved.events.next(), { type: 'end', data: { code: 'TOKEN_REVOKED' } })
})
