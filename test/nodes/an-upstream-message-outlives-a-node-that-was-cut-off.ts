// Does an upstream message that another node acknowledged while this node was cut off reach the provider that stays connected here?
import { t } from '../support/tap.ts'
import {
  connectDevice,
  connectProvider,
  type ConnectOptions,
  eventually,
  issueToken,
  request,
  faultProxy,
  startRedis,
} from '../support/index.ts'
import { embed } from '../plugin/support/embed.ts'

const KEPT: ConnectOptions = { clean: false, clientId: 'backend', properties: { sessionExpiryInterval: 3600 } }

await t.test('a node that was cut off', async (t) => {
  const redis = await startRedis(t)
  const proxy = await faultProxy(t, redis.port)
  const whole = await embed(t, { redisUrl: redis.url })
  const cut = await embed(t, { redisUrl: `redis://127.0.0.1:${proxy.port}` })
  const provider = await connectProvider(t, cut, KEPT)
  await provider.subscribe('shop/u/#')
  const issued = await issueToken(whole, { app: 'shop', device: 'phone', account: 'ann' })
  const phone = await connectDevice(t, whole, issued)
  const ready = async () => (await request(cut, 'GET', '/readyz', { bearer: null })).status === 200

  proxy.refuse()
  await eventually('a node that is not ready', async () => !(await ready()))
  await phone.publish(`shop/u/${issued.tokenId}/said`, 'meanwhile')
  proxy.heal()
  await eventually('a node that is ready', ready)
  const again = await connectDevice(t, cut, issued)
  await again.publish(`shop/u/${issued.tokenId}/said`, 'after')
  await provider.queue.nextWhere(({ text }) => text === 'after')
  const texts = provider.received.map(({ text }) => text)
  t.same(texts, ['meanwhile', 'after'], 'it arrives without a new connection')
})
