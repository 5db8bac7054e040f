// Is the end of a server that has lost its Redis bounded, in order for whoever is connected, and no failure?
import { t } from '../support/tap.ts'
import { connectDevice, connectProvider, issueToken, send, startRedis, startServerProcess } from '../support/index.ts'

for (const [what, lose] of [
  ['Redis is gone', (redis) => redis.kill()],
  ['Redis hangs', async (redis) => redis.freeze()],
] as [string, (redis: Awaited<ReturnType<typeof startRedis>>) => Promise<unknown>][]) {
  await t.test(what, async (t) => {
    const redis = await startRedis(t)
    t.teardown(() => redis.thaw())
    const server = await startServerProcess(t, { settings: { PUSH_REDIS_URL: redis.url } })
    const issued = await issueToken(server, { app: 'chat', device: 'phone-1' })
    const kept = { clean: false, properties: { sessionExpiryInterval: 3600 } }
    const device = await connectDevice(t, server, issued, { subscribe: true, ...kept })
    const provider = await connectProvider(t, server)
    await send(server, { token: issued.tokenId }, 'x')
    await device.next()
    await lose(redis)
    t.same(await server.kill('SIGTERM'), { code: 0, signal: null })
    await Promise.all([device.closed, provider.closed])
    t.equal(device.disconnectPacket?.reasonCode, 0x8b, 'the device is told')
    t.equal(provider.disconnectPacket?.reasonCode, 0x8b, 'the provider is told')
  })
}
