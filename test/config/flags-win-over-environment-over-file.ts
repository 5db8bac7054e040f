// When flag, environment and file disagree, does the flag win over the environment, and that over the file?
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { readConfig } from '../../server/arguments.ts'
import { issueToken, startServer, temporaryFolder } from '../support/index.ts'

const folder = temporaryFolder(t)
const file = join(folder, 'settings.json')
writeFileSync(
  file,
  JSON.stringify({ PUSH_TOKEN_ISSUER: 'file', PUSH_TOKEN_AUDIENCE: 'file', PUSH_WINDOW: 7, PUSH_HOST: '127.0.0.1' }),
)

await t.test('as it is read', async (t) => {
  const read = (argv: string[], env: Record<string, string>) => readConfig(argv, env).config
  t.equal(read([], {}).PUSH_TOKEN_ISSUER, 'aedes-push')
  t.equal(read(['--config', file], {}).PUSH_TOKEN_ISSUER, 'file')
  t.equal(read(['--config', file], {}).PUSH_WINDOW, 7, 'a number in JSON is a number')
  t.equal(read(['--config', file], { PUSH_TOKEN_ISSUER: 'environment' }).PUSH_TOKEN_ISSUER, 'environment')
  t.equal(
    read(['--config', file, '--token-issuer', 'flag'], { PUSH_TOKEN_ISSUER: 'environment' }).PUSH_TOKEN_ISSUER,
    'flag',
  )
  t.equal(read([`--config=${file}`, '--token-issuer=a=b'], {}).PUSH_TOKEN_ISSUER, 'a=b', 'also written with =')
  t.equal(read(['--window', '5', '--window', '6'], {}).PUSH_WINDOW, 6, 'the last flag counts')
  t.equal(read([], { PUSH_WINDOW: '' }).PUSH_WINDOW, 20, 'an empty variable is none, as in a compose file')
})

for (const [wins, flags, settings] of [
  ['flag', ['--config', file, '--token-issuer', 'flag'], { PUSH_TOKEN_ISSUER: 'environment' }],
  ['environment', ['--config', file], { PUSH_TOKEN_ISSUER: 'environment' }],
  ['file', ['--config', file], {}],
] as const) {
  await t.test(`the process: ${wins}`, async (t) => {
    const server = await startServer(t, { flags, settings })
    const { token } = await issueToken(server, { app: 'chat', device: 'phone-1' })
    const claims = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString())
    t.equal(claims.iss, wins)
    t.equal(claims.aud, 'file', 'what only the file says holds')
  })
}
