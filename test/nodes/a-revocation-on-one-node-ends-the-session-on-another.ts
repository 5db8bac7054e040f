// When a token is revoked on one node, is its connection on another closed, and is it refused everywhere at once?
import { t } from '../support/tap.ts'
import { connectDevice, issueToken, request, revoke, send } from '../support/index.ts'
import { connectAll, join, KEPT, twoNodes } from './support/nodes.ts'

await t.test('a revocation across nodes', async (t) => {
  const { a, b } = await twoNodes(t)
  const names = { app: 'chat', device: 'phone', account: 'ann', version: '1.0.0' }
  const { issued, device } = await join(t, a, b, names, KEPT)
  const bystander = await join(t, a, b, { ...names, account: 'bob', device: 'tablet' })

  await revoke(a, issued.tokenId)
  await device.closed
  t.equal(device.disconnectPacket?.reasonCode, 0x87, 'the device is told')
  for (const node of [a, b]) {
    await t.rejects(connectDevice(t, node, issued), { code: 0x87 }, 'MQTT is refused')
    const answer = await request(node, 'GET', '/v1/messages', { bearer: issued.token })
    t.match(answer, { status: 403, body: { code: 'TOKEN_REVOKED' } }, 'HTTP is refused')
    const publication = { to: { token: issued.tokenId }, payload: 'nobody reads this' }
    t.match(
      (await request(node, 'POST', '/v1/messages', { body: publication })).body.rejected,
      [{ code: 'TOKEN_REVOKED' }],
      'and so is a message to it',
    )
  }
  await send(a, { token: bystander.issued.tokenId }, 'still here')
  t.equal((await bystander.device.next()).text, 'still here', 'others stay connected')

  const renewed = await issueToken(b, names)
  const back = await connectAll(t, a, renewed)
  await send(b, { token: renewed.tokenId }, 'welcome')
  t.equal((await back.next()).text, 'welcome', 'a new token of the same names works on every node')
})
