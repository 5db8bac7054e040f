// Does an address of keys that is slow, huge, elsewhere or nonsense give no key, and end in time?
import { createServer, type Server } from 'node:net'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { t } from '../support/tap.ts'
import { RemoteKeys } from '../../auth/issuers/remote-keys.ts'
import { issuerKey, ISSUER, keyServer, keySet, serving, type KeyServer } from './support/issuer.ts'

const key = await issuerKey('ES256')
const good = keySet(key)
const elsewhere = await keyServer(t, serving(good))
const LARGE = 256 * 1024
const SHORT_MS = 300

async function keysAt(uri: string, timeoutMs = 10_000): Promise<{ found: number; said: string }> {
  let said = ''
  const log = ({ err }: { err?: Error }) => void (said = err?.message ?? '')
  const remote = new RemoteKeys({
    issuer: ISSUER,
    uri,
    monotonic: () => 0,
    logger: { info: log, warn: log, error: log } as never,
    timeoutMs,
  })
  const keys = await remote
    .find((all) => all)
    .catch((error: { code: string }) => {
      t.equal(error.code, 'ISSUER_UNAVAILABLE')
      return []
    })
  remote.close()
  return { found: keys.length, said }
}

const redirect =
  (status: number, location: string): KeyServer['answer'] =>
  (_request, response) =>
    void response.writeHead(status, { location }).end(good)

await t.test('answers', async (t) => {
  const padded = (size: number) => good.padEnd(size, ' ')
  const zipped: KeyServer['answer'] = (_request, response) =>
    void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(padded(10 * LARGE)))
  const cases: readonly [string, KeyServer['answer'], number, RegExp][] = [
    ['good', serving(good), 1, /^$/],
    ['as large as may be', serving(padded(LARGE)), 1, /^$/],
    ['too large', serving(padded(LARGE + 1)), 0, /larger than/],
    ['too large when it is unpacked', zipped, 0, /larger than/],
    ['without end', (_request, response) => endless(response), 0, /larger than/],
    ['silent', () => undefined, 0, /longer than 300 ms/],
    ['silent after its head', (_request, response) => void response.write('{'), 0, /longer than 300 ms/],
    ['a drop at a time', (_request, response) => drip(response), 0, /longer than 300 ms/],
    ['cut off', (request) => void request.socket.destroy(), 0, /fetch failed/],
    ['elsewhere', redirect(302, elsewhere.uri), 0, /status 302/],
    ['elsewhere for good', redirect(301, elsewhere.uri), 0, /status 301/],
    ['to itself', redirect(307, '/jwks'), 0, /status 307/],
    ['an error', (_request, response) => void response.writeHead(404).end(good), 0, /status 404/],
    ['nothing', serving(''), 0, /not JSON/],
    ['a page', serving('<html>'), 0, /not JSON/],
    ['no set', serving('{"keys": {}}'), 0, /not a JWK Set/],
    ['a list', serving('[]'), 0, /not a JWK Set/],
    ['too many keys', serving(JSON.stringify({ keys: Array.from({ length: 65 }, () => key.jwk) })), 0, /more than 64/],
  ]
  for (const [what, answer, found, said] of cases) {
    const server = await keyServer(t, answer)
    const got = await keysAt(server.uri, said.source.startsWith('longer') ? SHORT_MS : undefined)
    t.equal(got.found, found, what)
    t.match(got.said, said, what)
    t.equal(server.asked(), 1, `${what}: asked once`)
  }
  t.equal(elsewhere.asked(), 0, 'nobody was led elsewhere')
})

function endless(response: { write(text: string, done: (error?: Error | null) => void): unknown }): void {
  response.write(' '.repeat(65_536), (error) => {
    if (!error) endless(response)
  })
}

function drip(response: { write(text: string): unknown; destroyed: boolean }): void {
  if (response.destroyed) return
  response.write(' ')
  setTimeout(() => drip(response), 20).unref()
}

await t.test('no HTTP at all, and nobody there', async (t) => {
  const server = createServer(
    (socket) =>
      void socket
        .on('error', () => undefined)
        .resume()
        .end('220 ready\r\n'),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  t.equal((await keysAt(`http://127.0.0.1:${port}/`)).found, 0)
  await closed(server)
  t.equal((await keysAt(`http://127.0.0.1:${port}/`)).found, 0)
})

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}
