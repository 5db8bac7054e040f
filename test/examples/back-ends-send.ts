// Do the back ends, in a shell, with types from OpenAPI and with the library web-push, do what they say?
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import openapiTS, { astToString } from 'openapi-typescript'
import webPush from 'web-push'
import { createWebPushKeys, decryptWebPush } from '../../client/index.ts'
import {
  freePort,
  issueToken,
  lookup,
  request,
  ROOT,
  startProgram,
  startServerProcess,
  temporaryFolder,
} from '../support/index.ts'
import { t } from '../support/tap.ts'
import { authority } from '../tls/support/certificates.ts'
import { addressOf, EXAMPLES, startNode } from './support/example.ts'

await t.test('curl.sh', async (t) => {
  const server = await startServerProcess(t)
  const cwd = temporaryFolder(t)
  const env = { ...addressOf(server), KEY: server.providerKey }
  const run = () => startProgram(t, 'sh', [join(EXAMPLES, 'curl.sh')], { env, cwd })
  for (let time = 1; time <= 2; time += 1) {
    const program = run()
    t.match(JSON.parse(await program.stdout.next()), { id: 'order-1042-shipped', accepted: 1 })
    t.match(JSON.parse(await program.stdout.next()), { state: 'pending' })
    t.equal((await program.exited).code, 0)
  }
  const { token } = JSON.parse(readFileSync(join(cwd, 'token.json'), 'utf8'))
  t.match((await lookup(server, token)).messages, [{ payload: '{"text":"Your order is on its way"}' }])
  const refused = startProgram(t, 'sh', [join(EXAMPLES, 'curl.sh')], { env: { ...env, KEY: 'wrong' }, cwd })
  t.not((await refused.exited).code, 0, 'a refusal is no success')
})

await t.test('openapi.mjs', async (t) => {
  const server = await startServerProcess(t)
  const folder = temporaryFolder(t)
  mkdirSync(folder, { recursive: true })
  copyFileSync(join(EXAMPLES, 'openapi.mjs'), join(folder, 'openapi.mjs'))
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  const document = (await request(server, 'GET', '/openapi.json', { bearer: null })).body
  writeFileSync(join(folder, 'push-api.d.ts'), astToString(await openapiTS(document)))
  const [, options = ''] =
    /npx tsc (.*) examples\/openapi\.mjs/.exec(readFileSync(join(EXAMPLES, 'openapi.mjs'), 'utf8')) ?? []
  const check = () =>
    spawnSync(join(ROOT, 'node_modules', '.bin', 'tsc'), [...options.split(' '), 'openapi.mjs'], {
      cwd: folder,
      encoding: 'utf8',
    })
  const { status, stdout } = check()
  t.equal(status, 0, stdout)
  const env = { ...addressOf(server), KEY: server.providerKey }
  const program = startProgram(t, process.execPath, ['openapi.mjs'], { cwd: folder, env })
  t.equal(await program.stdout.next(), 'stored')
  const wrong = readFileSync(join(folder, 'openapi.mjs'), 'utf8').replace(
    'to: { token: tokenId }',
    'to: { tokn: tokenId }',
  )
  writeFileSync(join(folder, 'openapi.mjs'), wrong)
  t.match(check().stdout, /tokn/, 'and the compiler sees a mistake')
})

await t.test('web-push.mjs', async (t) => {
  const trust = authority(t)
  const { cert, key } = trust.issue('server')
  const port = await freePort()
  const server = await startServerProcess(t, {
    settings: {
      PUSH_HTTPS_PORT: String(port),
      PUSH_TLS_CERT: cert,
      PUSH_TLS_KEY: key,
      PUSH_PUBLIC_URL: `https://localhost:${port}`,
    },
  })
  const { publicKey, privateKey } = webPush.generateVAPIDKeys()
  const body = { app: 'chat', device: 'phone', webPush: { vapidKey: publicKey } }
  const { token, tokenId, endpoint } = (await request(server, 'POST', '/v1/tokens', { body })).body
  const keys = await createWebPushKeys()
  const cwd = temporaryFolder(t)
  mkdirSync(cwd, { recursive: true })
  const { p256dh, auth } = keys
  writeFileSync(join(cwd, 'subscription.json'), JSON.stringify({ endpoint, keys: { p256dh, auth } }))
  const env = { VAPID_PUBLIC_KEY: publicKey, VAPID_PRIVATE_KEY: privateKey, NODE_EXTRA_CA_CERTS: trust.path }
  const run = () => startNode(t, 'web-push.mjs', { env, cwd, args: ['subscription.json', 'Your order is on its way'] })
  t.match(await run().stdout.next(), /^stored: DELETE https:/)
  const [message] = (await lookup(server, token)).messages
  const text = await decryptWebPush(Buffer.from(message?.payloadBase64 ?? '', 'base64'), keys)
  t.equal(Buffer.from(text).toString(), 'Your order is on its way')
  await request(server, 'DELETE', `/v1/tokens/${tokenId}`)
  const refused = run()
  t.equal((await refused.exited).code, 1)
  t.match(refused.stderr[0], /^410 .*ENDPOINT_GONE/)
  t.ok(await issueToken(server, { app: 'chat', device: 'phone' }))
})
