// A client that is generated from /openapi.json: does its compiler take each kind of receiver, and nothing that the server refuses?
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import openapiTS, { astToString } from 'openapi-typescript'
import { t } from '../support/tap.ts'
import { request } from '../support/api.ts'
import { temporaryFolder } from '../support/folders.ts'
import { ROOT } from '../support/root.ts'
import { serve } from './support/serve.ts'

const RIGHT = [
  { token: 'a' },
  { token: 'a', app: 'chat' },
  { tokens: ['a', 'b'] },
  { app: 'chat', account: 'ann' },
  { app: 'chat', version: '1.0' },
  { app: 'chat', versions: '*' },
]
const WRONG = [{}, { app: 'chat' }, { account: 'ann' }, { tokens: 'a' }, { app: 'chat', acount: 'ann' }]
const push = (to: object) => `to.push(${JSON.stringify(to)})`

await t.test('what compiles is what is taken', async (t) => {
  const api = await serve(t)
  const document = (await request(api, 'GET', '/openapi.json', { bearer: null })).body
  const folder = temporaryFolder(t, 'client')
  writeFileSync(join(folder, 'api.ts'), astToString(await openapiTS(document)))
  const lines = [
    `import type { paths } from './api.ts'`,
    `type To = paths['/v1/messages']['post']['requestBody']['content']['application/json']['to']`,
    `export const to: To[] = []`,
    ...RIGHT.map(push),
    ...WRONG.flatMap((each) => ['// @ts-expect-error', push(each)]),
  ]
  writeFileSync(join(folder, 'use.ts'), `${lines.join('\n')}\n`)
  const options = ['--noEmit', '--strict', '--skipLibCheck', '--target', 'esnext', '--module', 'nodenext']
  const compiler = join(ROOT, 'node_modules', '.bin', 'tsc')
  const { status, stdout } = spawnSync(compiler, [...options, '--allowImportingTsExtensions', 'use.ts'], {
    cwd: folder,
    encoding: 'utf8',
  })
  t.equal(status, 0, stdout)
  for (const to of WRONG) {
    const { status: refused } = await request(api, 'POST', '/v1/messages', { body: { to, payload: 'x' } })
    t.equal(refused, 400, JSON.stringify(to))
  }
})
