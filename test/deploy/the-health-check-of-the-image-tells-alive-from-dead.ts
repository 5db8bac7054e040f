// Does the image's health check say 0 while the server answers, by whatever listener, and 1 when it does not?
import { join } from 'node:path'
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { ROOT, startProgram, startServer } from '../support/index.ts'
import { authority } from '../tls/support/certificates.ts'

const CHECK = join(ROOT, 'deploy', 'healthcheck.mjs')

async function check(t: Test, env: Record<string, string>): Promise<number | null> {
  return (await startProgram(t, process.execPath, [CHECK], { env }).exited).code
}

t.test('HTTP', async (t) => {
  // Who is asked by an address is not asked by one of these names.
  const server = await startServer(t, { settings: { PUSH_ALLOWED_HOSTS: 'push.example.com' } })
  const env = { PUSH_HTTP_PORT: String(server.httpPort) }
  t.equal(await check(t, env), 0)
  await server.stop()
  t.equal(await check(t, env), 1)
})

t.test('HTTPS alone', async (t) => {
  const { cert, key } = authority(t).issue('push')
  const settings = { PUSH_HTTP_PORT: 'off', PUSH_HTTPS_PORT: '0', PUSH_TLS_CERT: cert, PUSH_TLS_KEY: key }
  const server = await startServer(t, { settings })
  const env = { PUSH_HTTP_PORT: 'off', PUSH_HTTPS_PORT: String(server.ports.https) }
  t.equal(await check(t, env), 0)
  await server.stop()
  t.equal(await check(t, env), 1)
})

t.test('behind a balancer that speaks the PROXY protocol', async (t) => {
  const proxy = { PUSH_PROXY_PROTOCOL: 'v2', PUSH_PROXY_TRUSTED: '127.0.0.1' }
  const server = await startServer(t, { settings: proxy })
  const env = { PUSH_HTTP_PORT: String(server.httpPort), PUSH_PROXY_PROTOCOL: 'v2' }
  t.equal(await check(t, env), 0)
  await server.stop()
  t.equal(await check(t, env), 1)
})
