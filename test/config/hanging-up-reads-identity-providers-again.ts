// Does a server take its file of identity providers on SIGHUP, in every process, and refuse to start with a wrong one?
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { eventually, startRedis, startServerProcess, temporaryFolder } from '../support/index.ts'
import { runMain } from './support/main.ts'

const entry = {
  issuer: 'https://id.example.com/',
  jwksUri: 'http://127.0.0.1:1/jwks',
  audience: 'push',
  algorithms: ['ES256'],
  claims: { account: 'sub' },
  apps: ['chat'],
}
const file = join(temporaryFolder(t), 'issuers.json')
const write = (content: unknown) => writeFileSync(file, JSON.stringify(content))
const settings = { PUSH_ISSUERS_FILE: file }

await t.test('SIGHUP, with one process and with two', async (t) => {
  write([entry])
  const redis = await startRedis(t)
  for (const [processes, more] of [
    [1, {}],
    [2, { PUSH_REDIS_URL: redis.url, PUSH_WORKERS: '2' }],
  ] as const) {
    const server = await startServerProcess(t, { settings: { ...settings, ...more } })
    const loaded = () => server.logs.filter((line) => line.includes('identity providers loaded')).length
    t.equal(loaded(), 0)
    process.kill(server.pid, 'SIGHUP')
    await eventually('it is read again', () => loaded() === processes)
    t.equal(await server.stop(), 0)
  }
})

await t.test('a wrong file', async (t) => {
  write([{ ...entry, issuer: 'aedes-push' }])
  const ended = await runMain(t, [], { PUSH_DATA_DIR: temporaryFolder(t, 'data'), ...settings })
  t.equal(ended.code, 2)
  t.match(ended.errors, /^aedes-push: PUSH_ISSUERS_FILE: .*issuers\.json\[0\]\.issuer is the issuer of message tokens/)
})
