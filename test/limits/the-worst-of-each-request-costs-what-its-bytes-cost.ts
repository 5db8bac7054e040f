// Is what an HTTP request costs in proportion to its bytes, whatever they are?
import { t } from '../support/tap.ts'
import { issueToken, request } from '../support/index.ts'
import { countWork } from './support/counted-work.ts'

/** Of a body; larger ones cost more of the same. */
const BYTES = 128 * 1024
/** Steps for each byte, and for a request that has few. Work that grows with the square would take thousands. */
const MOST = 50
const FEW = 30_000

// Before the server is loaded: code that was compiled before is not counted.
const work = await countWork((url) => url.startsWith('file:') && !/\/test\/|\/tap/.test(url))
t.teardown(() => work.stop())
const { embed } = await import('../plugin/support/embed.ts')
const api = await embed(t, { limits: { bodyBytes: BYTES } })
const issued = await issueToken(api, { app: 'chat', device: 'phone', version: '1.0.0' })

const room = BYTES - 200
const nested = (open: string, close: string) => `${open.repeat(room / 2)}1${close.repeat(room / 2)}`
const message = (payload: string) => `{"to":{"token":"${issued.tokenId}"},"payload":${payload}}`
const tokens = (one: (at: number) => string) =>
  JSON.stringify({ to: { tokens: Array.from({ length: 1_000 }, (_, at) => one(at)) }, payload: 'x' })
const names = `{${Array.from({ length: room / 16 }, (_, at) => `"${at.toString(36)}":1`).join()}}`

const posts: Record<string, readonly [path: string, body: string]> = {
  'a payload of arrays in arrays': ['/v1/messages', message(nested('[', ']'))],
  'a payload of many names': ['/v1/messages', message(names)],
  'a payload of quotes': ['/v1/messages', message(JSON.stringify('"'.repeat(room / 2)))],
  'fields that nobody knows': ['/v1/messages', names],
  'a thousand token ids': ['/v1/messages', tokens((at) => at.toString(36).padStart(22, 'A'))],
  'a thousand times the same': ['/v1/messages', tokens(() => issued.tokenId)],
  'a thousand tokens with a wrong signature': ['/v1/messages', tokens(() => `${issued.token.slice(0, 120)}x`)],
  'a range without end': ['/v1/messages', `{"to":{"app":"chat","versions":"${'1||'.repeat(room / 3)}"},"payload":"x"}`],
  'a name without end': ['/v1/tokens', `{"app":"chat","device":"${'a'.repeat(room)}"}`],
  'white space': ['/v1/messages', `${' '.repeat(room)}{}`],
}

for (const [what, [path, raw]] of Object.entries(posts)) {
  await t.test(what, async (t) => {
    t.ok(raw.length <= BYTES)
    const headers = { 'content-type': 'application/json' }
    let status = 0
    const steps = await work.of(async () => {
      status = (await request(api, 'POST', path, { raw, headers })).status
    })
    t.ok([202, 400].includes(status), String(status))
    t.ok(steps < FEW + raw.length * MOST, `${(steps / raw.length).toFixed(1)} steps a byte`)
  })
}

await t.test('a cursor without end', async (t) => {
  const raw = `{"cursor":"${'a'.repeat(room)}"}`
  const steps = await work.of(async () => {
    const headers = { 'content-type': 'application/json' }
    t.equal((await request(api, 'POST', '/v1/messages/ack', { raw, headers, bearer: issued.token })).status, 400)
  })
  t.ok(steps < FEW + raw.length * MOST, `${(steps / raw.length).toFixed(1)} steps a byte`)
})

await t.test('a query without end', async (t) => {
  const query = Array.from({ length: 1_500 }, (_, at) => `a${at.toString(36)}=1`).join('&')
  const steps = await work.of(async () => {
    t.equal((await request(api, 'GET', `/v1/messages?${query}`, { bearer: issued.token })).status, 400)
  })
  t.ok(steps < FEW + query.length * MOST, `${(steps / query.length).toFixed(1)} steps a byte`)
})
