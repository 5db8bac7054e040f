// Does an endpoint, a message's address or a VAPID token stand in a log line, an error or the metrics?
import webPush from 'web-push'
import { lookup, request, startServer } from '../../support/index.ts'
import { t } from '../../support/tap.ts'
import { at, BODY, PLAIN, subscribe, through, vapidOf } from './support/push.ts'

const ORIGIN = 'https://push.example.com'
await t.test('after everything that can be asked', async (t) => {
  const server = await startServer(t, { settings: { PUSH_PUBLIC_URL: ORIGIN, PUSH_LOG_LEVEL: 'trace' } })
  const keys = webPush.generateVAPIDKeys()
  const issued = await subscribe(server, { vapidKey: keys.publicKey })
  const authorization = vapidOf(ORIGIN, keys)
  const url = through(issued.endpoint, server)
  const headers = { ...PLAIN, authorization }
  const wrong = { ...PLAIN, authorization: vapidOf('https://other.example.com', keys) }

  const answers = [
    await at(url, { headers, body: BODY }),
    await at(url, { headers: PLAIN, body: BODY }),
    await at(url, { headers: wrong, body: BODY }),
    await at(url, { headers: { ...headers, ttl: 'x' }, body: BODY }),
    await at(url, { headers, body: Buffer.alloc(5_000) }),
    await at(`${url}A`, { headers, body: BODY }),
    await at(`${url}/more`, { headers, body: BODY }),
    await at(`${url}%`, { headers, body: BODY }),
    await at(url, { method: 'PUT' }),
  ]
  const location = answers[0]?.headers['location'] ?? ''
  answers.push(
    await at(through(location, server), { method: 'DELETE' }),
    await at(through(location, server), { method: 'DELETE' }),
  )
  await request(server, 'DELETE', `/v1/tokens/${issued.tokenId}`)
  answers.push(await at(url, { headers, body: BODY }))
  t.same(
    answers.map(({ status }) => status),
    [201, 401, 403, 400, 413, 404, 404, 400, 405, 204, 410, 410],
  )
  await t.rejects(lookup(server, issued.token))

  const metrics = await request(server, 'GET', '/metrics', { bearer: null })
  const said = [...server.logs, metrics.text, ...answers.map(({ text }) => text)].join('\n')
  t.match(said, /web-push\/:endpoint/, 'requests are logged')
  const nameIn = (address: string) => address.slice(address.lastIndexOf('/') + 1)
  const [, token = ''] = /t=([^,]+)/.exec(authorization) ?? []
  const secrets = {
    endpoint: nameIn(issued.endpoint),
    location: nameIn(location),
    token,
    key: keys.publicKey,
    body: BODY.toString(),
  }
  for (const [name, secret] of Object.entries(secrets)) {
    t.ok(secret.length > 6)
    t.notOk(said.includes(secret.slice(0, 24)), `no ${name}`)
  }
})
