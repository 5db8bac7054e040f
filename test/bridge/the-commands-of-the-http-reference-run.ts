// Does every command of docs/http.md run as it stands there, with an answer of the shape that is shown?
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { t } from '../support/tap.ts'
import { issueToken, request } from '../support/api.ts'
import { receipt } from '../follow/support/events.ts'
import { serve } from './support/serve.ts'
import { join } from 'node:path'
import { ROOT } from '../support/root.ts'

const run = promisify(execFile)
/** A command, and the answer that is shown for it, if any. */
const BLOCK = /```sh\n([\s\S]*?)\n```(?:\n\n```json\n([\s\S]*?)```)?/g

/** The names of all fields, with their places. */
function shapeOf(value: unknown, place = ''): string[] {
  if (typeof value !== 'object' || value === null) return [place]
  return Object.entries(value).flatMap(([name, inner]) => shapeOf(inner, `${place}/${name}`))
}

await t.test('command by command', async (t) => {
  const text = readFileSync(join(ROOT, 'docs', 'http.md'), 'utf8')
  const api = await serve(t)
  const names = { app: 'chat', device: 'phone-17', account: 'ann', version: '2.1.0', tags: ['beta'] }
  await receipt(api.store, await issueToken(api, names), 'what the events are of')
  let cursor = ''
  let commands = 0
  for (const [, command = '', shown] of text.matchAll(BLOCK)) {
    const { token, tokenId } = await issueToken(api, names)
    const key = await request(api, 'POST', '/v1/keys', { body: { name: 'x', apps: '*', scopes: ['messages:send'] } })
    const enrolment = await request(api, 'POST', '/v1/enrolments', {
      body: { app: 'chat', account: 'ann', tags: ['beta'] },
    })
    // The document revokes the token first and sends to it afterwards: each command finds a valid one.
    const env = {
      PATH: process.env['PATH'],
      URL: api.url,
      KEY: api.providerKey,
      TOKEN: token,
      TOKEN_ID: tokenId,
      KEY_ID: key.body.id,
      CURSOR: cursor,
      CODE: enrolment.body.code,
      // There may be a few of them only.
      KID: command.includes('$KID') ? (await request(api, 'POST', '/v1/signing-keys/rotate')).body.kid : '',
    }
    const { stdout } = await run('bash', ['-euc', `${command} -w '\\n%{http_code}'`], { env })
    const [answer = '', status] = stdout.split(/\n(?=\d+$)/)
    commands++
    if (shown !== undefined) {
      t.match(status, /^20[012]$/, command)
      const body: unknown = JSON.parse(answer)
      const wanted: unknown = JSON.parse(shown)
      const places = (value: unknown) =>
        shapeOf(value).filter((place) => !/^\/(messages|tokens|events)\/[1-9]/.test(place))
      t.same(places(body), places(wanted))
      if (typeof body === 'object' && body !== null && 'cursor' in body && typeof body.cursor === 'string')
        cursor = body.cursor
    } else {
      t.match(status, /^20[014]$/, command)
    }
  }
  t.equal(commands, 33)
})
