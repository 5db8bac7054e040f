// How does a bridge without a store find the topic of a receiver, and what does it say to all other calls?
import { Validator } from '@seriousme/openapi-schema-validator'
import { t } from '../support/tap.ts'
import { request } from '../support/api.ts'
import { authOf, puback, scriptedBroker, serveRemote } from './support/serve-remote.ts'

const TOKEN_ID = 'AAAAAAAAAAAAAAAAAAAAAA'

await t.test('with keys of message tokens, and without', async (t) => {
  const auth = await authOf()
  const device = auth.issue({ app: 'chat', device: 'phone', account: 'ann', ttl: 60, generation: 1 })
  const broker = await scriptedBroker(t, (packet, { send }) => send(puback(packet)))
  const reading = await serveRemote(t, { brokerPort: broker.port, verify: auth.verify })
  const blind = await serveRemote(t, { brokerPort: broker.port })
  const post = (remote: typeof blind, to: object) =>
    request(remote, 'POST', '/v1/messages', { body: { to, payload: 'x' } })

  t.match(await post(reading, { token: device.token }), { status: 202, body: { accepted: 1 } })
  t.equal(broker.published[0]?.topic, `chat/t/${device.tokenId}`)
  t.match(await post(reading, { app: 'mail', token: device.token }), {
    body: { rejected: [{ code: 'TOKEN_UNKNOWN' }] },
  })
  t.match(await post(blind, { token: device.token }), { status: 501, body: { code: 'UNSUPPORTED_BY_BRIDGE' } })
  for (const remote of [reading, blind]) {
    t.match(await post(remote, { token: TOKEN_ID }), {
      status: 400,
      body: { code: 'REQUEST_INVALID', detail: /`to\.app`/ },
    })
    t.match(await post(remote, { app: 'chat', token: TOKEN_ID }), { status: 202, body: { accepted: 1 } })
    const asDevice = await request(remote, 'POST', '/v1/messages', {
      bearer: device.token,
      body: { to: { app: 'chat', versions: '*' }, payload: 'x' },
    })
    t.match(asDevice, { status: 403, body: { code: 'NOT_A_PROVIDER' } })
  }
})

await t.test('the other calls', async (t) => {
  const broker = await scriptedBroker(t, (packet, { send }) => send(puback(packet)))
  const remote = await serveRemote(t, { brokerPort: broker.port })
  const calls: [string, string, object?][] = [
    ['POST', '/v1/tokens', { app: 'chat', device: 'phone' }],
    ['DELETE', `/v1/tokens/${TOKEN_ID}`],
    ['GET', '/v1/messages'],
    ['POST', '/v1/messages/ack', { cursor: 'x' }],
    ['GET', '/v1/events?app=chat&consumer=a'],
    ['POST', '/v1/events/ack', { app: 'chat', consumer: 'a', cursor: 'x' }],
    ['DELETE', '/v1/events/consumers/a?app=chat'],
  ]
  for (const [method, path, body] of calls) {
    const answer = await request(remote, method, path, body === undefined ? {} : { body })
    t.match(answer, { status: 501, body: { code: 'UNSUPPORTED_BY_BRIDGE' } }, `${method} ${path}`)
  }
  const { body } = await request(remote, 'GET', '/openapi.json', { bearer: null })
  t.ok((await new Validator().validate(body)).valid)
  t.same(
    new Set(Object.keys(body.paths)),
    new Set(['/v1/messages', '/healthz', '/readyz', '/metrics', '/openapi.json']),
  )
  t.match(body.paths['/v1/messages'].post.responses['503'].description, /UPSTREAM_UNAVAILABLE/)
  t.equal((await request(remote, 'GET', '/metrics', { bearer: null })).status, 200)
})
