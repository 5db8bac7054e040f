// A key that was made or rotated at one node a moment ago: is it good at another, over HTTP and MQTT, without a pause?
import { t } from '../support/tap.ts'
import { connectProvider, makeKey, request, rotateKey, startRedis, startServer } from '../support/index.ts'

const ROUNDS = 10

await t.test('two nodes', async (t) => {
  const { url } = await startRedis(t)
  const settings = { PUSH_PROVIDER_KEY: 'provider-key-of-both-nodes-0123456789', PUSH_REDIS_URL: url }
  const one = await startServer(t, { settings })
  const other = await startServer(t, { settings })
  const body = { app: 'chat', device: 'phone' }
  for (let round = 0; round < ROUNDS; round += 1) {
    const made = await makeKey(one, { name: `shop-${round}`, scopes: ['tokens:issue', 'messages:send'] })
    const issued = await request(other, 'POST', '/v1/tokens', { bearer: made.key, body })
    t.equal(issued.status, 201, 'to issue a token')
    const key = await rotateKey(one, made, 60)
    const sent = await request(other, 'POST', '/v1/messages', {
      bearer: key.key,
      body: { to: { token: issued.body.tokenId }, payload: 'x' },
    })
    t.equal(sent.status, 202, 'to send a message')
    const last = await makeKey(one, { name: `mqtt-${round}`, scopes: ['messages:send'] })
    const provider = await connectProvider(t, { ...other, mqttPort: other.mqttPort, providerKey: last.key })
    await provider.end()
    const wrong = `${last.key.slice(0, -1)}${last.key.endsWith('a') ? 'b' : 'a'}`
    const refused = await request(other, 'POST', '/v1/tokens', { bearer: wrong, body })
    t.match(refused, { status: 401, body: { code: 'CREDENTIALS_INVALID' } })
  }
})
