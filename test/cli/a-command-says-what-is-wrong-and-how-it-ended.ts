// Does a command end with the exit code of its failure and one clear line, and take a reader that goes away?
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { eventually, freePort, issueToken, lookup, revoke, send, startServer, within } from '../support/index.ts'
import { openShell } from './support/shell.ts'

const server = await startServer(t)
const here = {
  PUSH_DATA_DIR: server.dataDir,
  PUSH_HTTP_PORT: String(server.httpPort),
  PUSH_MQTT_PORT: String(server.mqttPort),
}
const shell = openShell(t, here)
const phone = await issueToken(server, { app: 'chat', device: 'phone', version: '1.0' })
writeFileSync(join(shell.folder, 'token.txt'), phone.token)
writeFileSync(join(shell.folder, 'wrong.key'), 'a-key-that-is-nobodys\n')

await t.test('exit codes', async (t) => {
  const port = await freePort()
  const gone = await issueToken(server, { app: 'chat', device: 'gone' })
  await revoke(server, gone.tokenId)
  const cases: [line: string, code: number, says: RegExp][] = [
    [`aedes-push send --token ${gone.tokenId} x`, 1, /^$/],
    ['aedes-push token show AAAAAAAAAAAAAAAAAAAAAA', 1, /TOKEN_UNKNOWN/],
    ['aedes-push inspect nobody --app chat', 1, /is logged in nowhere/],
    ['aedes-push send x', 2, /say to whom/],
    ['aedes-push send --app chat --account ann', 2, /give the payload/],
    ['aedes-push send --app chat x --account ann --app-version 1', 2, /in one way/],
    ['aedes-push send --token x --file nothing.txt', 2, /--file: "nothing.txt" cannot be read \(ENOENT\)/],
    ["aedes-push send --token x --json-payload '{'", 2, /the payload is no JSON/],
    ['aedes-push send --token x y --ttl soon', 2, /--ttl <time>' argument 'soon' is invalid/],
    ['aedes-push listen', 2, /set PUSH_TOKEN/],
    ['aedes-push listen --token secret-and-wrong', 2, /is no message token/],
    ['aedes-push tail', 2, /required option '--app <app>'/],
    ['aedes-push token revoke', 2, /name one token/],
    ['aedes-push --mqtt-port 0 send', 2, /"send" is a command: it comes first/],
    ['aedes-push send --provider-keys=secret-and-wrong', 2, /unknown option '--provider-keys';/],
    ['aedes-push verify-isolation --user ann', 2, /PUSH_USER_PASSWORD/],
    [`aedes-push send --token x y --http-port ${port}`, 3, /does not answer \(ECONNREFUSED\); start the server/],
    [`aedes-push listen --token-file token.txt --mqtt-port ${port}`, 3, /does not answer \(ECONNREFUSED\)/],
    [`aedes-push listen --http --token-file token.txt --http-port ${port}`, 3, /does not answer/],
    [`aedes-push tail --app chat --http-port ${port}`, 3, /does not answer/],
    [`aedes-push verify-isolation --http-port ${port}`, 3, /does not answer/],
    ['aedes-push keys list --provider-key-file wrong.key', 4, /CREDENTIALS_INVALID: .*--provider-key-file/],
    [`aedes-push listen --token ${gone.token}`, 4, /MQTT reason code 0x8/],
    [`aedes-push listen --http --token ${gone.token}`, 4, /TOKEN_REVOKED/],
  ]
  for (const [line, code, says] of cases) {
    const ended = await shell.run(line)
    t.equal(ended.code, code, `${line} ${ended.errors}`)
    t.match(ended.errors, says, line)
    t.notMatch(ended.errors, /secret-and-wrong|^ +at /m, `${line}: no secret, no stack`)
    t.ok(ended.errors.split('\n').length === 1, `${line}: one line`)
  }
})

for (const way of ['', ' --http'])
  await t.test(`a reader that goes away${way}`, async (t) => {
    await send(server, { token: phone.tokenId }, 'one')
    const line = `aedes-push listen --token-file token.txt${way} | head -n 1`
    const program = shell.start(line)
    t.match(await program.stdout.next(), / one$/)
    await eventually('it is acknowledged', async () =>
      (await lookup(server, phone.token)).messages.length === 0 ? true : undefined,
    )
    await send(server, { token: phone.tokenId }, 'two')
    t.equal((await within('the end', program.exited)).code, 0)
    t.notMatch(program.stderr.join('\n'), /EPIPE|Error/)
    const left = (await lookup(server, phone.token)).messages.map(({ payload }) => payload)
    t.same(left, ['two'], 'what nobody read is not acknowledged')
    const rest = await shell.run(`aedes-push listen --token-file token.txt${way} --count 1`)
    t.match(rest, { code: 0, output: / two$/ })
    await eventually('it is acknowledged too', async () =>
      (await lookup(server, phone.token)).messages.length === 0 ? true : undefined,
    )
  })

await t.test('a connection that is lost is made again, and one whose token is revoked ends', async (t) => {
  const program = shell.start('aedes-push listen --token-file token.txt')
  await eventually('it listens', () => program.stderr.find((line) => line.includes('listening')))
  await server.restart()
  await eventually('it listens again', () => program.stderr.find((line) => line.includes('listening again')))
  await send(server, { token: phone.tokenId }, 'after')
  t.match(await program.stdout.next(), / after$/)
  await revoke(server, phone.tokenId)
  t.equal((await within('the end', program.exited)).code, 4)
  t.match(program.stderr.at(-1), /reason code 0x87/)
})
