// Does every example that a help shows run as it is typed, and end with 0?
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { readCommandLine } from '../../server/cli/command-line.ts'
import { CATALOG } from '../../server/cli/catalog.ts'
import { eventually, issueToken, makeKey, request, revoke, send, startServer, within } from '../support/index.ts'
import { mosquittoDb } from './support/mosquitto-db.ts'
import { examplesIn, openShell } from './support/shell.ts'

const server = await startServer(t)
const shell = openShell(t, {
  PUSH_DATA_DIR: server.dataDir,
  PUSH_HTTP_PORT: String(server.httpPort),
  PUSH_MQTT_PORT: String(server.mqttPort),
})
const PHONE = { app: 'chat', device: 'phone-17', account: 'ann', version: '2.1.0' }
const phone = await issueToken(server, PHONE)
const write = (name: string, content: string | Uint8Array) => writeFileSync(join(shell.folder, name), content)
write('tokens.txt', `${phone.tokenId}\n`)
write('message.txt', 'good morning')
write('picture.png', Buffer.from('89504e470d0a1a0a', 'hex'))

async function helpOf(...words: string[]): Promise<string> {
  const asked = await readCommandLine([...words, '--help'])
  return asked.kind === 'text' ? asked.text : ''
}

/** Something for whoever listens. */
async function happen(): Promise<void> {
  await send(server, { token: phone.tokenId }, 'hello')
  await revoke(server, (await issueToken(server, { app: 'chat', device: 'gone' })).tokenId)
}

const verbs = {
  token: ['issue', 'list', 'show', 'revoke'],
  messages: ['status', 'recall'],
  keys: ['list', 'create', 'show', 'rotate', 'change', 'revoke'],
  'signing-keys': ['list', 'rotate', 'retire'],
}

for (const name of ['send', 'messages', 'inspect', 'token', 'listen', 'tail', 'keys', 'signing-keys'] as const)
  await t.test(name, async (t) => {
    const group = Object.entries(verbs).find(([each]) => each === name)?.[1]
    const lines = group === undefined ? examplesIn(await helpOf(name)) : []
    for (const verb of group ?? []) lines.push(...examplesIn(await helpOf(name, verb)))
    t.ok(lines.length >= 2, `${lines.length} examples`)
    if (group !== undefined)
      t.same(examplesIn(await helpOf(name)).sort(), [...lines].sort(), 'the group shows all of them')
    for (const line of lines) {
      const { token } = await issueToken(server, PHONE)
      write('token.txt', `${token}\n`)
      shell.env.TOKEN_ID = phone.tokenId
      if (line.includes('$KEY_ID')) shell.env.KEY_ID = (await makeKey(server, { scopes: ['messages:send'] })).id
      if (line.includes('$KID')) shell.env.KID = await retirable()
      const program = shell.start(line)
      if (/aedes-push (listen|tail)/.test(line)) {
        await eventually(`${line} listens`, () => program.stderr.find((said) => said.includes('listening')))
        if (line.includes('--count')) await happen()
        else await program.killGroup('SIGINT')
      }
      const { code } = await within(`the end of ${line}`, program.exited)
      t.equal(code, 0, `${line} ${program.stderr.join(' ')}`)
      const { received } = program.stdout
      if (line.includes('--count')) t.equal(received.length, 1, `${line}: one, and the end`)
      else if (/--json( |$)/.test(line) && received.length > 0)
        t.doesNotThrow(() => JSON.parse(received.join('\n')), 'JSON')
    }
  })

/** A signing key that signs no more. */
async function retirable(): Promise<string> {
  const { keys } = (await request(server, 'GET', '/v1/signing-keys')).body
  await request(server, 'POST', '/v1/signing-keys/rotate', { body: { now: true } })
  const [old] = keys.filter(({ state }: { state: string }) => state === 'signing')
  await eventually('another key signs', async () => {
    const now = (await request(server, 'GET', '/v1/signing-keys')).body.keys
    return (
      now.some(({ kid, state }: { kid: string; state: string }) => kid === old.kid && state === 'verifying') ||
      undefined
    )
  })
  return old.kid
}

await t.test('the server, and what it keeps', async (t) => {
  write('password.txt', 'unused')
  const own = openShell(t, { PUSH_MQTT_PORT: '0', PUSH_HTTP_PORT: '0', PUSH_PROVIDER_KEY: server.providerKey })
  own.env.BROKER_PORT = String(server.mqttPort)
  const serving = [...examplesIn(await helpOf()), ...examplesIn(await helpOf('bridge'))]
  for (const line of serving.filter((each) => !each.includes('--help'))) {
    const program = own.start(line)
    t.match(await program.stdout.next(), /^ready /, line)
    t.equal((await program.killGroup('SIGTERM')).code, 0, line)
  }
  t.match((await own.run('aedes-push send --help')).output, /^Usage: aedes-push send/)
  writeFileSync(join(own.folder, 'mosquitto.db'), mosquittoDb())
  for (const name of ['import-mosquitto', 'export', 'import']) {
    for (const line of examplesIn(await helpOf(name))) {
      const { code, errors, output } = await own.run(line)
      t.equal(code, 0, `${line} ${errors}`)
      if (!line.includes('--json')) continue
      // An export has standard output for itself.
      const printed = line.includes('2>')
        ? (readFileSync(join(own.folder, 'counts.txt'), 'utf8').trim().split('\n').at(-1) ?? '')
        : output
      t.type(JSON.parse(printed), 'object')
    }
  }
})

await t.test('none is left out', (t) => {
  const tried = ['send', 'messages', 'inspect', 'token', 'listen', 'tail', 'keys', 'signing-keys', 'bridge', 'export']
  const elsewhere = ['verify-isolation', 'mosquitto']
  t.same([...tried, 'import', 'import-mosquitto', ...elsewhere].sort(), Object.keys(CATALOG).sort())
  t.end()
})
