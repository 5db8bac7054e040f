// When a kept session of a provider ends, does everything that was queued for it leave Redis?
import { t } from '../support/tap.ts'
import { connectDevice, connectProvider, type ConnectOptions, issueToken, startRedis } from '../support/index.ts'
import { embed } from '../plugin/support/embed.ts'

const KEPT: ConnectOptions = { clean: false, clientId: 'backend', properties: { sessionExpiryInterval: 3600 } }

await t.test('the end of a session', async (t) => {
  const redis = await startRedis(t)
  const embedded = await embed(t, { redisUrl: redis.url })
  const provider = await connectProvider(t, embedded, KEPT)
  await provider.subscribe('shop/u/#')
  await provider.end()
  const issued = await issueToken(embedded, { app: 'shop', device: 'phone', account: 'ann' })
  await (await connectDevice(t, embedded, issued)).publish(`shop/u/${issued.tokenId}/said`, 'queued')
  await (await connectProvider(t, embedded, { ...KEPT, clean: true, properties: {} })).end()
  t.equal(await redis.cli('--scan', '--pattern', '*packet:*'), '', 'no packet stays')
})
