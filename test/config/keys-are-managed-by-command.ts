// Do the commands of keys make, list, show, change, rotate and revoke keys of a server that runs, and say what is wrong?
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { makeKey, request, startServer, temporaryFolder } from '../support/index.ts'
import { runMain, runMainProcess } from './support/main.ts'

const server = await startServer(t)
const settings = { PUSH_DATA_DIR: server.dataDir, PUSH_HTTP_PORT: String(server.httpPort) }
const keys = (...words: string[]) => runMain(t, ['keys', ...words], settings)
const field = (output: string, name: string) => new RegExp(`^${name} +(.*)$`, 'm').exec(output)?.[1] ?? ''
const isGood = async (bearer: string) => (await request(server, 'GET', '/v1/keys', { bearer })).status === 200

await t.test('from the first to the last', async (t) => {
  const made = await keys(
    'create',
    '--name',
    'shop',
    '--apps',
    'chat,till',
    '--scopes',
    'keys:admin',
    '--expires-in=90d',
  )
  t.match(made, { code: 0, errors: '', output: /nobody can tell it again/ })
  const [id, key] = [field(made.output, 'id'), field(made.output, 'key')]
  t.ok(await isGood(key))
  t.match(field(made.output, 'created'), /by provider provider$/)

  const quotas = await keys(
    'create',
    '--name',
    'news',
    '--apps',
    '*',
    '--scopes',
    'messages:send',
    '--quota',
    '5/1m,9/1d',
  )
  t.equal(field(quotas.output, 'quotas'), '5 receivers in 60 s, 9 receivers in 86400 s')
  t.match(await keys('list'), {
    code: 0,
    output: new RegExp(
      `^id +name +apps +scopes +expires\n${id} +shop +chat, till +keys:admin +2\\S+Z\n\\w+ +news +\\* `,
    ),
  })
  const listed = JSON.parse((await keys('list', '--json')).output)
  t.same(
    listed.map(({ name }: { name: string }) => name),
    ['shop', 'news'],
  )
  t.equal(field((await keys('show', id)).output, 'apps'), 'chat, till')
  t.same(JSON.parse((await keys('show', id, '--json')).output), listed[0])
  t.equal(field((await keys('change', id, '--name', 'stall', '--apps', 'chat')).output, 'name'), 'stall')

  const rotated = await keys('rotate', id, '--overlap', '1h')
  t.match(field(rotated.output, 'previous until'), /Z$/)
  const next = field(rotated.output, 'key')
  t.same([next !== key, await isGood(key), await isGood(next)], [true, true, true])
  const last = JSON.parse((await keys('rotate', id, '--overlap', '0', '--json')).output).key
  t.same([await isGood(next), await isGood(last)], [false, true])
  t.match(await keys('revoke', id), { code: 0, output: `${id} is revoked` })
  t.notOk(await isGood(last))
  t.match(await keys('show', id), { code: 1, output: '', errors: /^aedes-push: KEY_UNKNOWN: There is no such key\.$/ })
})

await t.test('whose key, and where', async (t) => {
  const url = `http://127.0.0.1:${server.httpPort}/`
  const elsewhere = { PUSH_DATA_DIR: temporaryFolder(t, 'nothing') }
  const own = await makeKey(server, { apps: ['chat'], scopes: ['keys:admin'] })
  const listed = await runMain(t, ['keys', 'list', '--url', url, '--json'], {
    ...elsewhere,
    PUSH_PROVIDER_KEY: own.key,
  })
  t.match(JSON.parse(listed.output), [{ id: own.id }], 'a key of the store does as well')
  const asProcess = await runMainProcess(
    t,
    ['keys', 'list', '--url', url, '--provider-key', server.providerKey],
    elsewhere,
  )
  t.match(asProcess, { code: 0, output: new RegExp(own.id) })
  t.match(await runMain(t, ['keys', 'list', '--url', url], elsewhere), {
    code: 2,
    errors: /^aedes-push: PUSH_PROVIDER_KEY \(--provider-key\): there is none, and .* holds no provider\.key/,
  })
  t.match(await runMain(t, ['keys', 'list', '--http-port', '0'], settings), { code: 2, errors: /give --url/ })
  t.match(await runMain(t, ['keys', 'list', '--url', url, '--provider-key', 'a-wrong-key-0123456'], elsewhere), {
    code: 4,
    errors: /^aedes-push: CREDENTIALS_INVALID: .*; give the key of this server with PUSH_PROVIDER_KEY/,
  })
  for (const wrong of ['ftp://x', 'x'])
    t.match(await keys('list', '--url', wrong), { code: 2, errors: /--url: ".*" is not allowed; it must be an http/ })
})

await t.test('a server that is none', async (t) => {
  const answers = [
    [200, 'hello', /answered no JSON/],
    [500, '<html>', /answered 500, which is no answer of aedes-push/],
    [302, '', /does not answer \(/],
  ] as const
  for (const [status, body, said] of answers) {
    const other = createServer((_, response) => response.writeHead(status, { location: '/elsewhere' }).end(body))
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    t.teardown(() => other.close())
    const { port } = other.address() as AddressInfo
    t.match(await keys('list', '--url', `http://127.0.0.1:${port}`), { code: 3, output: '', errors: said }, `${status}`)
    other.closeAllConnections()
    other.close()
    if (status !== 302) continue
    const gone = await keys('list', '--url', `http://127.0.0.1:${port}`)
    t.match(gone, { code: 3, errors: /does not answer \(ECONNREFUSED\); start the server, or give --url/ })
  }
})

await t.test('what is written wrong', async (t) => {
  const wrong: [string[], RegExp][] = [
    [[], /keys: a command is missing; use one of list, show, create, rotate, change, revoke/],
    [['make'], /unknown command 'make'/],
    [['constructor'], /unknown command 'constructor'/],
    [['show'], /missing required argument 'id'; aedes-push keys show --help/],
    [['list', 'x'], /too many arguments for 'list'/],
    [['show', 'x', 'y'], /too many arguments for 'show'/],
    [['create', '--apps', 'chat', '--scopes', 'messages:send'], /required option '--name <name>' not specified/],
    [['create', '--name', 'x', '--scopes', 'messages:send'], /required option '--apps <apps>' not specified/],
    [['list', '--name', 'x'], /unknown option '--name'/],
    [
      ['rotate', 'x', '--overlap', 'long'],
      /option '--overlap <time>' argument 'long' is invalid. It must be seconds, or such as 90d/,
    ],
    [['rotate', 'x', '--overlaps', '1'], /Did you mean --overlap\?/],
    [['change', 'x', '--quota', '5'], /option '--quota <quota>' argument '5' is invalid/],
    [['list', '--json=yes'], /unknown option '--json'/],
    [['list', '--url'], /option '--url <url>' argument missing/],
  ]
  for (const [words, said] of wrong)
    t.match(await keys(...words), { code: 2, output: '', errors: said }, words.join(' '))
  t.match(await runMain(t, ['--json'], settings), { code: 2, errors: /unknown option '--json'/ }, 'not of the server')
  t.match(await runMain(t, ['key'], settings), {
    code: 2,
    errors: /with 'keys', which is the nearest/,
  })
  const refused = await keys('create', '--name', 'x', '--apps', 'chat', '--scopes', 'everything')
  t.match(refused, { code: 1, errors: /REQUEST_INVALID: .*body\/scopes/ }, 'what only the server knows')
})

await t.test('help', async (t) => {
  const all = await keys('--help')
  for (const verb of ['list', 'create', 'show', 'change', 'rotate', 'revoke'])
    t.match(all, { code: 0, errors: '', output: new RegExp(`^ +\\$ aedes-push keys ${verb}`, 'm') }, verb)
  const one = await keys('create', '--help')
  t.match(one.output, /--scopes <scopes> [^]*messages:send,[^]*--url <url> [^]*--provider-key <value>[^]*Examples:/)
  t.notMatch(one.output, /keys revoke/)
})

await t.test('a server takes no key of that form as its own', async (t) => {
  const { key } = await makeKey(server, { scopes: ['messages:send'] })
  const file = join(temporaryFolder(t), 'providers.json')
  writeFileSync(file, JSON.stringify([{ name: 'x', key }]))
  for (const [own, said] of [
    [{ PUSH_PROVIDER_KEY: key }, /^aedes-push: PUSH_PROVIDER_KEY: .*looks like a key of the store/],
    [{ PUSH_PROVIDERS_FILE: file }, /^aedes-push: PUSH_PROVIDERS_FILE: .*looks like a key/],
  ] as const) {
    const ended = await runMain(t, [], { PUSH_DATA_DIR: temporaryFolder(t), ...own })
    t.match(ended, { code: 2, errors: said })
    t.notOk(ended.errors.includes(key))
  }
})
