// Over TLS, does a bridge show its certificate, and connect only to a broker whose certificate holds, by its name too?
import { eventually, mosquittoSub } from '../../support/index.ts'
import { t } from '../../support/tap.ts'
import { authority } from '../../tls/support/certificates.ts'
import { startMosquitto } from './support/mosquitto.ts'
import { bridgeTo, serve, topic } from './support/serve.ts'

const base = { useSystemCertificates: false, insecure: false, version: 'tlsv1.2' } as const

await t.test('TLS', async (t) => {
  const ca = authority(t)
  const { cert, key } = ca.issue('broker')
  const mine = ca.issue('bridge')
  const lines = [`cafile ${ca.path}`, `certfile ${cert}`, `keyfile ${key}`, 'require_certificate true']
  const remote = await startMosquitto(t, ...lines, 'use_identity_as_username true', 'log_type all')
  const withCertificate = { ...base, caFile: ca.path, certFile: mine.cert, keyFile: mine.key }
  const topics = [topic('a', 'out', 1)]
  const bridges = [
    bridgeTo(remote.mqttPort, { name: 'good', topics, tls: withCertificate }),
    bridgeTo(remote.mqttPort, {
      name: 'stranger',
      topics,
      tls: { ...withCertificate, caFile: authority(t, 'other').path },
    }),
    bridgeTo(remote.mqttPort, { name: 'unnamed', topics, tls: { ...base, caFile: ca.path } }),
    bridgeTo(remote.mqttPort, { name: 'nofile', topics, tls: { ...withCertificate, certFile: '/no/such/file' } }),
    bridgeTo(0, {
      name: 'othername',
      // It is the same machine, and not in the certificate.
      addresses: [{ host: '127.0.0.2', port: remote.mqttPort }],
      topics,
      tls: withCertificate,
    }),
    bridgeTo(0, {
      name: 'insecure',
      addresses: [{ host: 'localhost', port: remote.mqttPort }],
      topics,
      tls: { ...withCertificate, insecure: true },
    }),
  ]
  const local = await serve(t, { bridges })
  const said = (name: string, text: string) =>
    eventually(`${name}: ${text}`, () =>
      local.log.some((line) => line.includes(`Bridge ${name}: `) && line.includes(text)),
    )
  await said('good', 'connected to 127.0.0.1')
  await said('insecure', 'connected to localhost')
  await said('stranger', 'not connected to 127.0.0.1')
  await said('unnamed', 'not connected')
  await said('nofile', 'no such file')
  await said('othername', 'not connected to 127.0.0.2')
  const bridge = await eventually('it is known by its certificate', () =>
    remote.program.stderr.find((line) => /as here\.good .*u'bridge'/.test(line)),
  )
  t.ok(bridge)
  const states = await mosquittoSub(t, local, '-t', '$SYS/broker/connection/+/state')
  const up = new Set<string>()
  while (up.size < 2) {
    const { topic, payload } = await states.next()
    if (payload === '1') up.add(topic)
  }
  t.same(
    [...up].toSorted(),
    ['good', 'insecure'].map((name) => `$SYS/broker/connection/here.${name}/state`),
  )
})
