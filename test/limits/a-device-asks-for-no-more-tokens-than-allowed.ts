// A device that renews, an account of an identity provider and an enrolment code: does each get so many tokens a minute, whatever
// device it names, and does that keep nobody else from any?
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { startServer, temporaryFolder } from '../support/index.ts'
import { issuerKey, keySet, signedBy } from '../auth/support/issuer.ts'
import { ask, enrol, issue, told } from '../tokens/support/calls.ts'

const MOST = 4
const ISSUER = 'https://id.example.com'
const AUDIENCE = 'https://push.example.com'

await t.test('tokens a minute', async (t) => {
  const key = await issuerKey('ES256')
  const folder = temporaryFolder(t, 'issuers')
  const claims = { account: 'sub' }
  const place = { keysFile: 'keys.json', algorithms: ['ES256'], accountPrefix: 'x' }
  const entry = { issuer: ISSUER, audience: AUDIENCE, ...place, claims, apps: ['chat'] }
  writeFileSync(join(folder, 'keys.json'), keySet(key))
  writeFileSync(join(folder, 'issuers.json'), JSON.stringify([entry]))
  const server = await startServer(t, {
    settings: { PUSH_ISSUERS_FILE: join(folder, 'issuers.json'), PUSH_MAX_TOKEN_REQUESTS: String(MOST) },
  })
  const now = Math.floor(Date.now() / 1_000)
  const jwtOf = (sub: string) => signedBy(key, { iss: ISSUER, aud: AUDIENCE, sub, iat: now, exp: now + 300 })
  const times = async (bearer: string, body: object = {}) => {
    const answers: string[] = []
    for (let asked = 0; asked <= MOST; asked += 1)
      answers.push(told(await ask(server, { app: 'chat', ...body }, bearer)))
    return answers
  }
  const expected = [...Array.from({ length: MOST }, () => '201'), '429 RATE_LIMITED']

  const ann = await issue(server, { app: 'chat', device: 'a', account: 'ann' })
  t.same(await times(ann.token), expected, 'a device that renews')
  const bob = await issue(server, { app: 'chat', device: 'b', account: 'bob' })
  t.same(await times(bob.token), expected, 'and another one')
  t.same(await times(await jwtOf('eve')), expected, 'an identity, each time with a new device')
  t.equal(told(await ask(server, { app: 'chat' }, await jwtOf('eve'))), '429 RATE_LIMITED', 'also with another JWT')
  t.equal(told(await ask(server, { app: 'chat' }, await jwtOf('dora'))), '201')
  t.same(await times((await enrol(server, { app: 'chat' })).code, { device: 'c' }), expected, 'a code')
  for (let asked = 0; asked <= 2 * MOST; asked += 1) await issue(server, { app: 'chat', device: 'a', account: 'ann' })
  t.pass('a provider has its own limits')
})
