// Do two installations on one Redis, in different databases or with prefixes that begin alike, keep to themselves?
import { t } from '../support/tap.ts'
import { connectDevice, connectProvider, issueToken, startRedis, type Scope } from '../support/index.ts'
import { type Embedded, embed } from '../plugin/support/embed.ts'

async function say(t: Scope, at: Embedded, device: string, text: string): Promise<void> {
  const issued = await issueToken(at, { app: 'shop', device, account: 'ann' })
  const connected = await connectDevice(t, at, issued)
  await connected.publish(`shop/u/${issued.tokenId}/said`, text)
}

await t.test('two installations', async (t) => {
  const redis = await startRedis(t)
  const pairs = {
    databases: [{ redisUrl: `${redis.url}/0` }, { redisUrl: `${redis.url}/1` }],
    prefixes: [
      { redisUrl: `${redis.url}/2`, redisPrefix: 'push' },
      { redisUrl: `${redis.url}/2`, redisPrefix: 'push:b' },
    ],
  }
  for (const [what, options] of Object.entries(pairs)) {
    const both = await Promise.all(options.map((each) => embed(t, each)))
    const first = await Promise.all(both.map((at) => connectProvider(t, at, { clientId: 'same' })))
    const listening = await Promise.all(both.map((at) => connectProvider(t, at)))
    for (const provider of listening) await provider.subscribe('shop/u/#')
    for (const [index, at] of both.entries()) await say(t, at, 'phone', `of ${index}`)
    for (const [index, at] of both.entries()) await say(t, at, 'tablet', `last of ${index}`)
    for (const [index, { queue, received }] of listening.entries()) {
      await queue.nextWhere(({ text }) => text === `last of ${index}`)
      const foreign = received.filter(({ text }) => !text.endsWith(`of ${index}`))
      t.same(foreign, [], `${what}: nothing of the other`)
    }
    const connected = first.map(({ client }) => client.connected)
    t.same(connected, [true, true], `${what}: a client id of one closes nobody of the other`)
  }
})
