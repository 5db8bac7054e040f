// Is a provider key made at the first start only, kept for its owner's eyes, and is a given key used instead?
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { connectDevice, issueToken, request, startServer } from '../support/index.ts'

const OWNER_ONLY = 0o600
const mode = (path: string) => statSync(path).mode & 0o777

await t.test('made once, mode 0600', async (t) => {
  const server = await startServer(t)
  const path = join(server.dataDir, 'provider.key')
  const key = readFileSync(path, 'utf8').trim()
  t.match(key, /^[A-Za-z0-9_-]{43}$/, '256 bits')
  t.equal(mode(path), OWNER_ONLY)
  const keys = readdirSync(join(server.dataDir, 'keys'))
  t.same(keys.sort(), ['signing-key-HS256.json', 'token-id.key'])
  for (const name of keys) t.equal(mode(join(server.dataDir, 'keys', name)), OWNER_ONLY, name)
  for (const name of readdirSync(server.dataDir, { recursive: true, encoding: 'utf8' })) {
    const found = statSync(join(server.dataDir, name))
    t.equal(found.mode & 0o777, found.isDirectory() ? 0o700 : OWNER_ONLY, `what holds messages too: ${name}`)
  }
  const issued = await issueToken(
    { ...server, httpPort: server.httpPort, providerKey: key },
    { app: 'chat', device: 'a' },
  )

  await server.restart()
  t.equal(readFileSync(path, 'utf8').trim(), key, 'the same after a restart')
  const again = await issueToken(server, { app: 'chat', device: 'a' })
  t.equal(again.tokenId, issued.tokenId)
  await connectDevice(t, server, issued)
  t.notMatch(server.logs.join('\n'), new RegExp(key), 'and never in a log')
})

await t.test('two servers make two keys', async (t) => {
  const [one, two] = [await startServer(t), await startServer(t)]
  t.not(one.providerKey, two.providerKey)
})

await t.test('a given key is used, and none is made', async (t) => {
  const key = 'a-key-that-was-given-0123456789'
  const server = await startServer(t, { settings: { PUSH_PROVIDER_KEY: key } })
  t.equal(existsSync(join(server.dataDir, 'provider.key')), false)
  t.equal((await request(server, 'POST', '/v1/tokens', { body: { app: 'chat', device: 'a' } })).status, 201)
  t.equal((await request(server, 'POST', '/v1/tokens', { bearer: `${key}x`, body: {} })).status, 401)
})

await t.test('an operator may write the file, with the line end of his editor', async (t) => {
  const first = await startServer(t)
  await first.stop()
  const path = join(first.dataDir, 'provider.key')
  writeFileSync(path, 'written-by-an-operator-0123\r\n')
  await first.restart()
  t.equal(
    (
      await request(
        { ...first, httpPort: first.httpPort, providerKey: 'written-by-an-operator-0123' },
        'POST',
        '/v1/tokens',
        {
          body: { app: 'chat', device: 'a' },
        },
      )
    ).status,
    201,
  )
  await first.stop()
  chmodSync(path, 0o644)
  await first.restart()
  t.match(
    await first.waitForLog(/provider\.key/),
    /somebody may have read it/,
    'a file that others could read is complained of',
  )
})
