// A token ends while Redis does not answer: does the connection go on until it does, and is it looked after then?
import { t } from '../support/tap.ts'
import { barrier, connectDevice, startRedis, startServer } from '../support/index.ts'
import { issue } from './support/calls.ts'

for (const [grace, goesOn] of [
  ['60', true],
  ['1', false],
] as const) {
  await t.test(`with ${grace} s of grace`, async (t) => {
    const redis = await startRedis(t)
    const server = await startServer(t, { settings: { PUSH_REDIS_URL: redis.url, PUSH_EXPIRY_GRACE: grace } })
    const first = await issue(server, { app: 'chat', device: 'd', account: 'ann', ttl: 2 })
    const device = await connectDevice(t, server, first, { subscribe: true })
    const longer = await issue(server, { app: 'chat', device: 'd', account: 'ann', ttl: 3600 })
    redis.freeze()
    t.teardown(() => redis.thaw())
    if (!goesOn) {
      await device.closed
      t.ok(Date.now() > Date.parse(String(first.expiresAt)), 'it ends after the grace')
      return redis.thaw()
    }
    await new Promise((resolve) => setTimeout(resolve, Date.parse(String(first.expiresAt)) + 3_500 - Date.now()))
    t.ok(device.client.connected)
    redis.thaw()
    t.same(await barrier(server, { ...device, tokenId: longer.tokenId }), [])
    t.ok(device.client.connected, 'it goes on with the newer token')
  })
}
