// Do the commands of signing-keys list, rotate and retire the keys of a server that runs, and say what is wrong?
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { createKeyFile } from '../../auth/index.ts'
import { issueToken, request, startServer, temporaryFolder, type Server } from '../support/index.ts'
import { runMain } from './support/main.ts'

const commandsOf =
  (server: Server) =>
  (...words: string[]) =>
    runMain(t, ['signing-keys', ...words], {
      PUSH_DATA_DIR: server.dataDir,
      PUSH_HTTP_PORT: String(server.httpPort),
    })
const field = (output: string, name: string) => new RegExp(`^${name} +(.*)$`, 'm').exec(output)?.[1] ?? ''

await t.test('from the first to the last', async (t) => {
  const server = await startServer(t)
  const keys = commandsOf(server)
  const { token } = await issueToken(server, { app: 'chat', device: 'phone' })
  const [{ kid }] = JSON.parse((await keys('list', '--json')).output)
  t.match(await keys('retire', kid), { code: 1, errors: /^aedes-push: SIGNING_KEY_IN_USE: / })
  const published = await keys('rotate')
  t.match(published, { code: 0, errors: '', output: /^state +published$/m })
  const now = await keys('rotate', '--now', '--algorithm', 'ES256')
  t.equal(field(now.output, 'algorithm'), 'ES256')
  const again = await keys('rotate', '--now')
  t.equal(field((await keys('retire', kid)).output, 'state'), 'retired')
  t.equal((await request(server, 'GET', '/v1/messages', { bearer: token })).status, 401)
  const { output } = await keys('list')
  t.match(output, /^kid +algorithm +state +created +signs from +retired\n/)
  for (const each of [published, now, again]) t.ok(output.includes(field(each.output, 'kid')))
  t.match(await keys('retire', 'unknown'), { code: 1, errors: /^aedes-push: KEY_UNKNOWN: / })
})

await t.test('keys of a file', async (t) => {
  const file = join(temporaryFolder(t), 'keys.json')
  writeFileSync(file, createKeyFile('EdDSA', randomBytes), { mode: 0o600 })
  const keys = commandsOf(await startServer(t, { settings: { PUSH_KEYS_FILE: file } }))
  const { output } = await keys('list')
  t.match(output, /EdDSA +signing +of a file/)
  const kid = /^(\S+) +EdDSA/m.exec(output)?.[1] ?? ''
  for (const words of [['rotate'], ['retire', kid]])
    t.match(await keys(...words), { code: 1, errors: /^aedes-push: KEYS_FROM_FILE: .*PUSH_KEYS_FILE/ })
})

await t.test('what is written wrong', async (t) => {
  for (const [words, says] of [
    [['retire'], /missing required argument 'kid'/],
    [
      ['rotate', '--algorithm', 'none'],
      /option '--algorithm <algorithm>' argument 'none' is invalid. Allowed choices are HS256/,
    ],
    [['rotate', '--now=yes'], /unknown option '--now'/],
    [['remove', 'x'], /unknown command 'remove'/],
  ] as const)
    t.match(await runMain(t, ['signing-keys', ...words], {}), { code: 2, errors: says })
})
