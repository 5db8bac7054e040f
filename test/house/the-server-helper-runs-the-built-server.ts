// Does the harness start, kill, restart and stop the built server, and do its clients speak to it?
import { t } from '../support/tap.ts'
import {
  ack,
  barrier,
  connectDevice,
  connectProvider,
  connectRaw,
  issueToken,
  lookup,
  metric,
  mosquittoSub,
  request,
  revoke,
  send,
  startServerProcess,
  WAYS,
} from '../support/index.ts'

t.test('one server through several lives', async (t) => {
  const server = await startServerProcess(t)
  t.match(server.output.join('\n'), /^ready mqtt=\d+ http=\d+/)
  const issued = await issueToken(server, { app: 'shop', device: 'phone-1', account: 'alice', version: '2.1.0' })
  t.equal(issued.topics.private, `shop/t/${issued.tokenId}`)

  for (const { protocolVersion, transport } of WAYS) {
    const device = await connectDevice(t, server, issued, { protocolVersion, transport, subscribe: true })
    const { id } = await send(server, { token: issued.tokenId }, `over ${transport}`)
    const arrival = await device.next()
    t.equal(arrival.text, `over ${transport}`)
    t.equal(arrival.qos, 1)
    if (protocolVersion === 5) t.ok(JSON.stringify(arrival.properties.userProperties).includes(id))
    t.same(await barrier(server, device), [], 'nothing else was on its way')
    await device.end()
  }

  const { mqttPort, httpPort, pid, providerKey } = server
  t.match(await server.kill(), { signal: 'SIGKILL' })
  t.equal(server.running, false)
  await server.restart()
  t.same([server.mqttPort, server.httpPort, server.providerKey], [mqttPort, httpPort, providerKey])
  t.not(server.pid, pid)

  const sub = await mosquittoSub(t, server, '-u', 'device', '-P', issued.token, '-q', '1', '-t', issued.topics.private)
  const provider = await connectProvider(t, server)
  await provider.publish(issued.topics.private, 'from a provider')
  // The kill may have lost acknowledgements that were not written yet, so an older message may come once more.
  t.match(await sub.messages.nextWhere(({ payload }) => payload === 'from a provider'), { qos: 1 })
  await sub.stop()
  await provider.end()

  const raw = await connectRaw(t, server.mqttPort)
  t.match(await raw.connect({ token: issued.token }), { cmd: 'connack', returnCode: 0 })
  await raw.reset()

  await send(server, { token: issued.token }, { json: true })
  const looked = await lookup(server, issued.token)
  t.match(looked.messages.at(-1), { payload: '{"json":true}' })
  await ack(server, issued.token, looked.cursor)
  t.same((await lookup(server, issued.token)).messages, [])
  t.ok((await metric(server, 'push_accepted_total', 'destination="private"')) >= 1)

  await revoke(server, issued.tokenId)
  t.match(await request(server, 'GET', '/v1/messages', { bearer: issued.token }), { status: 403 })
  t.equal(await server.stop(), 0)
})

t.test('a server that refuses its settings says why', async (t) => {
  await t.rejects(startServerProcess(t, { settings: { PUSH_WINDOW: 'wide' } }), /PUSH_WINDOW/)
})
