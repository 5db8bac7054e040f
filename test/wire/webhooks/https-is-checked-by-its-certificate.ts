// Is a receiver called over TLS only where an authority that Node knows vouches for its name?
import { createServer } from 'node:https'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { t } from '../../support/tap.ts'
import { startServerProcess } from '../../support/index.ts'
import { authority } from '../../tls/support/certificates.ts'
import { act, changeWebhook, happen, makeWebhook } from './support/api.ts'

await t.test('TLS', async (t) => {
  const ca = authority(t)
  const stranger = authority(t, 'stranger')
  const start = async ({ cert, key }: { cert: string; key: string }) => {
    const bodies: string[] = []
    const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
      request.on('data', (chunk: Buffer) => bodies.push(chunk.toString()))
      request.on('end', () => response.writeHead(204).end())
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => server.close())
    return { bodies, port: (server.address() as { port: number }).port }
  }
  const good = await start(ca.issue('good'))
  const bad = await start(stranger.issue('bad'))
  const settings = {
    NODE_EXTRA_CA_CERTS: ca.path,
    PUSH_WEBHOOK_NETWORKS: '127.0.0.0/8',
    // It is in the hosts file alone.
    PUSH_WEBHOOK_HTTP_HOSTS: 'localhost',
  }
  const server = await startServerProcess(t, { settings })
  const made = await makeWebhook(server, `https://localhost:${good.port}/`)
  t.match(await act(server, made, 'test'), { delivered: true, status: 204 })
  await happen(server, 'a')
  await changeWebhook(server, made, { url: `https://127.0.0.1:${good.port}/` })
  t.match(await act(server, made, 'test'), { delivered: true }, 'the address is in the certificate as well')

  await changeWebhook(server, made, { url: `https://localhost:${bad.port}/` })
  t.match(await act(server, made, 'test'), { delivered: false, status: null, failure: 'tls' })
  await changeWebhook(server, made, { url: `https://127.0.0.2:${good.port}/` })
  t.match(await act(server, made, 'test'), { delivered: false, failure: 'connection' })
  t.same(bad.bodies, [])
})
