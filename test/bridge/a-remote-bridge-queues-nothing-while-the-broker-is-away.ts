// With the broker down, cut or silent, is every request refused in time, and nothing sent behind its back later?
import { t } from '../support/tap.ts'
import { request } from '../support/api.ts'
import { freePort } from '../support/ports.ts'
import { faultProxy } from '../support/fault-proxy.ts'
import { eventually, within } from '../support/waiting.ts'
import { connected, puback, scriptedBroker, serveRemote, type ServedRemote } from './support/serve-remote.ts'

const to = { app: 'chat', token: 'AAAAAAAAAAAAAAAAAAAAAA' }
const UNAVAILABLE = { status: 503, headers: { 'retry-after': String }, body: { code: 'UPSTREAM_UNAVAILABLE' } }

const post = (remote: ServedRemote, id: string) =>
  request(remote, 'POST', '/v1/messages', { body: { to, payload: 'x', id } })

await t.test('down, then up', async (t) => {
  const proxyTarget = await freePort()
  const proxy = await faultProxy(t, proxyTarget)
  const remote = await serveRemote(t, { brokerPort: proxy.port, offline: true })
  t.match(await post(remote, 'while down'), { ...UNAVAILABLE, body: { ...UNAVAILABLE.body, id: 'while down' } })
  t.match(await request(remote, 'GET', '/readyz'), UNAVAILABLE)

  const broker = await scriptedBroker(t, (packet, { send }) => send(puback(packet)))
  proxy.retarget(broker.port)
  await connected(remote)
  t.match(await post(remote, 'while up'), { status: 202 })
  t.same(
    broker.published.map(({ properties }) => properties?.userProperties?.['id']),
    ['while up'],
  )
})

await t.test('cut while in flight', async (t) => {
  let isSilent = true
  const broker = await scriptedBroker(t, (packet, { send }) => {
    if (!isSilent) send(puback(packet))
  })
  const proxy = await faultProxy(t, broker.port)
  const remote = await serveRemote(t, { brokerPort: proxy.port })
  const inFlight = post(remote, 'in flight')
  await eventually('the PUBLISH', () => broker.published.length === 1)
  isSilent = false
  proxy.cut()
  t.match(await within('the refusal', inFlight), UNAVAILABLE)
  await eventually('a new connection', () => broker.connections.length >= 2)
  await connected(remote)
  t.match(await post(remote, 'after'), { status: 202 })
  t.same(
    broker.published.map(({ properties }) => properties?.userProperties?.['id']),
    ['in flight', 'after'],
    'sent once',
  )
})

await t.test('silent', async (t) => {
  let isSilent = true
  const broker = await scriptedBroker(t, (packet, { send }) => {
    if (!isSilent) send(puback(packet))
  })
  const remote = await serveRemote(t, { brokerPort: broker.port, timeoutMs: 200, window: 1 })
  const answers = await within('both refusals', Promise.all([post(remote, 'first'), post(remote, 'waits for room')]))
  for (const answer of answers) t.match(answer, UNAVAILABLE)
  isSilent = false
  await eventually('a new connection', () => broker.connections.length >= 2)
  await connected(remote)
  t.match(await post(remote, 'after'), { status: 202 })
  t.same(
    broker.published.map(({ properties }) => properties?.userProperties?.['id']),
    ['first', 'after'],
  )
})
