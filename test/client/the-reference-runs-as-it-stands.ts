// Do the programs of docs/client.md run as they stand, and is every option in its table?
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import webPush from 'web-push'
import { issueToken, request, ROOT, send, startProgram, startServer, temporaryFolder } from '../support/index.ts'
import { packageFlags } from '../plugin/support/package.ts'
import { t } from '../support/tap.ts'

const text = readFileSync(join(ROOT, 'docs', 'client.md'), 'utf8')
const [first = '', second = '', ...rest] = [...text.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code)
t.same(rest, [])

const server = await startServer(t, { settings: { PUSH_PUBLIC_URL: 'https://push.example.com' } })
const url = `http://127.0.0.1:${server.httpPort}`
const start = (code: string, given: object) => {
  const file = join(temporaryFolder(t), 'program.mjs')
  const names = Object.entries(given).map(([name, value]) => `const ${name} = ${JSON.stringify(value)}\n`)
  writeFileSync(file, `${names.join('')}const save = () => {}\n${code.replace('http://127.0.0.1:8080', url)}`)
  return startProgram(t, process.execPath, [...packageFlags(), file])
}

await t.test('listening', async (t) => {
  const { token, tokenId } = await issueToken(server, { app: 'chat', device: 'phone' })
  const program = start(first, { token })
  await send(server, { token: tokenId }, 'hello', { id: 'message-1' })
  t.equal(await program.stdout.next(), 'message-1 hello')
  t.equal((await request(server, 'DELETE', `/v1/tokens/${tokenId}`)).status, 204)
  t.same(await program.exited, { code: 0, signal: null }, 'nothing keeps the process alive when it is refused')
  t.same(program.stderr, ['refused for good: TOKEN_REVOKED'])
})

await t.test('Web Push', async (t) => {
  const { code: credential } = (await request(server, 'POST', '/v1/enrolments', { body: { app: 'chat' } })).body
  const told = '\nconsole.log(JSON.stringify(subscription))\n'
  const program = start(second + told, { url, credential })
  const { endpoint, keys } = JSON.parse(await program.stdout.next())
  const { cipherText } = webPush.encrypt(keys.p256dh, keys.auth, 'a secret', 'aes128gcm')
  const headers = { ttl: '60', 'content-encoding': 'aes128gcm', 'content-length': String(cipherText.length) }
  const path = new URL(endpoint).pathname
  const sent = await request(server, 'POST', path, {
    raw: cipherText,
    bearer: null,
    headers: { ...headers, 'content-type': 'application/octet-stream', host: 'push.example.com' },
  })
  t.equal(sent.status, 201, sent.text)
  t.equal(await program.stdout.next(), 'a secret')
})

await t.test('options', (t) => {
  const types = readFileSync(join(ROOT, 'client', 'types.ts'), 'utf8')
  const [, body = ''] = /export interface ListenOptions \{([\s\S]*?)\n\}/.exec(types) ?? []
  const options = [...body.matchAll(/^ {2}(?:readonly )?(\w+)[?(:]/gm)].map(([, name]) => name)
  const [, table = ''] = /## Options([\s\S]*?)\n`listen` gives/.exec(text) ?? []
  const documented = [...table.matchAll(/^\| `(\w+)/gm)].map(([, name]) => name)
  t.same(documented.sort(), options.sort())
  t.end()
})
