// A connection whose token ends: does it go on when a newer one was issued meanwhile, over HTTP, and end when none was?
import { t } from '../support/tap.ts'
import { barrier, connectDevice, request, send } from '../support/index.ts'
import { ask, issue, told } from './support/calls.ts'
import { onEachEngine } from './support/engines.ts'

await onEachEngine(t, async (t, { one, other }) => {
  const lifeOf = async (protocolVersion: 3 | 4 | 5): Promise<void> => {
    const first = await issue(one, { app: 'chat', device: `d${protocolVersion}`, account: 'ann', ttl: 2 })
    const device = await connectDevice(t, one, first, { subscribe: true, protocolVersion })
    let token = first.token
    for (let renewal = 0; renewal < 3; renewal += 1) {
      const renewed = await issue(other, { app: 'chat', ttl: 2 }, token)
      token = renewed.token
      await pastEnd(Date.parse(String(renewed.expiresAt)) - 700)
    }
    t.ok(device.client.connected, 'it is connected, long after its own token has ended')
    await send(other, { token: first.tokenId }, 'still here')
    t.equal((await device.next()).text, 'still here')
    const waiting = await request(other, 'GET', '/v1/messages', { bearer: first.token })
    t.equal(told(waiting), '401 TOKEN_EXPIRED', 'the old token itself is over')
    await device.closed
    if (protocolVersion === 5) t.equal(device.disconnectPacket?.reasonCode, 0x87)
    t.equal(told(await ask(one, { app: 'chat' }, token)), '401 TOKEN_EXPIRED', 'not renewed in time, it ends')
  }
  await Promise.all(([3, 4, 5] as const).map(lifeOf))

  const renewed = await issue(one, { app: 'chat', device: 'revoked', account: 'ann', ttl: 2 })
  const device = await connectDevice(t, one, renewed, { subscribe: true })
  await issue(other, { app: 'chat', device: 'revoked', account: 'ann', ttl: 60 })
  t.same(await barrier(one, device), [])
  await request(other, 'DELETE', `/v1/tokens/${renewed.tokenId}`)
  await device.closed
  t.pass('a revocation ends it, however long the newest token would last')
})

await t.test('with strict expiry', async (t) => {
  await onEachEngine(
    t,
    async (t, { one, other }) => {
      const first = await issue(one, { app: 'chat', device: 'd', account: 'ann', ttl: 2 })
      const device = await connectDevice(t, one, first, { subscribe: true })
      await issue(other, { app: 'chat', device: 'd', account: 'ann', ttl: 60 })
      await device.closed
      t.ok(Date.now() >= Date.parse(String(first.expiresAt)), 'it ends with the token that it came with')
      t.equal(device.disconnectPacket?.reasonCode, 0x87)
    },
    { settings: { PUSH_STRICT_EXPIRY: 'on' } },
  )
})

/** The passing of a date is what is waited for. */
function pastEnd(date: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, date - Date.now())))
}
