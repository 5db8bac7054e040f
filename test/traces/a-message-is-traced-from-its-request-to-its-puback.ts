// Is a message one trace from the request that sent it to the PUBACK of its device, also over a restart, and told to the device?
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import {
  connectDevice,
  connectProvider,
  eventually,
  issueToken,
  request,
  type Scope,
  startServerProcess,
} from '../support/index.ts'
import { t } from '../support/tap.ts'

interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly status?: { readonly code?: number; readonly message?: string }
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[]
}

interface Export {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly Span[] }[] }[]
}

/** What stands in for a collector, and takes JSON as one does. */
async function startCollector(t: Scope): Promise<{ readonly url: string; readonly spans: Span[] }> {
  const spans: Span[] = []
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString()) as Export
      for (const { scopeSpans } of resourceSpans) for (const each of scopeSpans) spans.push(...each.spans)
      response.end('{}')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`, spans }
}

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
/** Of a provider over MQTT. */
const OTHER = '0af7651916cd43dd8448eb211c80319c'
const PARENT = `00-${TRACE}-00f067aa0ba902b7-01`

await t.test('a trace', async (t) => {
  const collector = await startCollector(t)
  const server = await startServerProcess(t, { settings: { PUSH_TRACES_URL: collector.url } })
  const issued = await issueToken(server, { app: 'chat', device: 'phone' })
  const { token, tokenId } = issued
  const post = (payload: string, headers: Record<string, string>, id = payload) =>
    request(server, 'POST', '/v1/messages', { body: { to: { token }, payload, id }, headers })
  t.equal((await post('stored', { traceparent: PARENT })).status, 202)
  const again = await post('stored', { traceparent: `00-${TRACE}-1111111111111111-01` })
  t.match(again, { status: 202, body: { duplicate: true } }, 'sent again in another span it is the same message')
  await post('unsampled', { traceparent: PARENT.replace(/01$/, '00') })
  await post('malformed', { traceparent: 'rubbish' })

  await server.restart()
  const device = await connectDevice(t, server, issued, { subscribe: true })
  const first = await device.next()
  const traceparent = String(first.properties.userProperties?.['traceparent'])
  t.match(traceparent, new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`))
  t.equal(first.properties.payloadFormatIndicator, true, 'beside what it says otherwise')
  const second = await device.next()
  t.equal(second.properties.userProperties?.['traceparent'], undefined, 'nobody records this one')
  await device.next()
  const provider = await connectProvider(t, server)
  const own = {
    contentType: 'text/plain',
    userProperties: { traceparent: `00-${OTHER}-00f067aa0ba902b7-01`, more: 'x' },
  }
  await provider.publish(issued.topics.private, 'over MQTT', { qos: 1, properties: own })
  t.match((await device.next()).properties.userProperties, { traceparent: own.userProperties.traceparent })
  await device.end()
  await server.stop()

  const named = (name: string) => collector.spans.filter((span) => span.name === name)
  await eventually('all spans', () => named('deliver private').length === 3)
  const sent = named('POST /v1/messages').filter((span) => span.traceId === TRACE)
  t.equal(sent.length, 2)
  t.equal(sent[0]?.parentSpanId, '00f067aa0ba902b7')
  const delivered = named('deliver private').find((span) => span.traceId === TRACE)
  t.equal(delivered?.parentSpanId, traceparent.split('-')[2], 'it follows the request')
  t.ok(sent.some(({ spanId }) => spanId === delivered?.parentSpanId))
  t.notOk(delivered?.status?.code, 'it was acknowledged')
  const continued = named('deliver private').find((span) => span.traceId === OTHER)
  t.equal(continued?.parentSpanId, '00f067aa0ba902b7', 'a provider continues its own trace over MQTT')
  const text = JSON.stringify(collector.spans)
  for (const secret of [token, tokenId, 'phone', server.providerKey]) t.notMatch(text, secret)
})

await t.test('a message that is not acknowledged, and a collector that is away', async (t) => {
  const collector = await startCollector(t)
  const server = await startServerProcess(t, { settings: { PUSH_TRACES_URL: collector.url } })
  const issued = await issueToken(server, { app: 'chat', device: 'phone' })
  const { token } = issued
  const device = await connectDevice(t, server, issued, { subscribe: true, manualAck: true })
  await request(server, 'POST', '/v1/messages', { body: { to: { token }, payload: 'x' } })
  await device.next()
  await device.end()
  await server.stop()
  await eventually('its span', () => collector.spans.some(({ name }) => name === 'deliver private'))
  t.match(collector.spans.find(({ name }) => name === 'deliver private')?.status, { message: 'NOT_ACKNOWLEDGED' })

  const lonely = await startServerProcess(t, { settings: { PUSH_TRACES_URL: 'http://127.0.0.1:9/v1/traces' } })
  t.match(await issueToken(lonely, { app: 'chat', device: 'phone' }), { token: /./ })
  t.equal(await lonely.stop(), 0, 'it ends in peace')
})
