// Does verify-isolation stay within the apps that are named, try a user's topics too, and take back all that it made?
import { t } from '../support/tap.ts'
import { runMain } from '../config/support/main.ts'
import { ann, makeKey, passwordFile, request, startServer } from '../support/index.ts'

const server = await startServer(t, { settings: { PUSH_PASSWORD_FILE: passwordFile(t) } })
const where = {
  PUSH_DATA_DIR: server.dataDir,
  PUSH_HTTP_PORT: String(server.httpPort),
  PUSH_MQTT_PORT: String(server.mqttPort),
}

async function states(app: string): Promise<string[]> {
  const { body } = await request(server, 'GET', `/v1/tokens?app=${app}&limit=1000`)
  return body.tokens.map(({ state }: { state: string }) => state)
}

await t.test('two apps and a user', async (t) => {
  const words = ['verify-isolation', '--app', 'chat', '--app', 'news', '--user', ann.username, '--json']
  const ended = await runMain(t, words, { ...where, PUSH_USER_PASSWORD: ann.password })
  t.equal(ended.code, 0, ended.output)
  const { verdict, results } = JSON.parse(ended.output)
  t.equal(verdict, 'sound')
  const skipped = results.filter(({ skipped }: { skipped?: string }) => skipped !== undefined)
  t.same(
    skipped.map(({ check }: { check: string }) => check),
    ['Web Push: endpoints of another, of another application server, and ended ones'],
    'which is off here',
  )
  for (const app of ['chat', 'news']) {
    const left = await states(app)
    t.ok(left.length > 0, `${left.length} tokens of ${app}`)
    t.same(new Set(left), new Set(['revoked']))
  }
  t.same((await request(server, 'GET', '/v1/keys')).body.keys, [])
})

await t.test('a key for one app', async (t) => {
  const { key } = await makeKey(server, { apps: ['mail'], scopes: ['messages:send', 'tokens:issue', 'tokens:revoke'] })
  const asked = { ...where, PUSH_PROVIDER_KEY: key }
  t.match(await runMain(t, ['verify-isolation'], asked), {
    code: 2,
    errors: /name one of its apps, or two, with --app/,
  })
  const ended = await runMain(t, ['verify-isolation', '--app', 'mail'], asked)
  t.equal(ended.code, 0, ended.output)
  t.match(ended.output, /^skipped +providers: a key of another app .*one app is given/m)
  t.match(ended.output, /\d+ tries: nobody received what is not theirs$/)
  t.same(new Set(await states('mail')), new Set(['revoked']))
  t.match(await runMain(t, ['verify-isolation', '--app', 'chat'], asked), { code: 1, output: /APP_FORBIDDEN/ })
})
