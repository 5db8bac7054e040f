// When what follows a request, or its own body, is no HTTP: does each request still get its own answer, and only one?
import { t } from '../support/tap.ts'
import { issueToken } from '../support/api.ts'
import { converse, head } from './support/raw.ts'
import { serve } from './support/serve.ts'

const api = await serve(t)
const { tokenId } = await issueToken(api, { app: 'chat', device: 'phone' })
const body = JSON.stringify({ to: { token: tokenId }, payload: 'hello' })
const headers = { authorization: `Bearer ${api.providerKey}`, 'content-type': 'application/json' }
const whole = head('POST /v1/messages', { ...headers, 'content-length': String(body.length) }) + body
const chunked = (path: string) => head(`POST ${path}`, { ...headers, 'transfer-encoding': 'chunked' })
const CUT_CHUNK = `5\r\n{"to"\r\nno length\r\n`
const FORBIDDEN_TRAILER = `${body.length.toString(16)}\r\n${body}\r\n0\r\nContent-Length: 7\r\n\r\n`

const statuses = (answer: string) => [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status))

await t.test('what is no HTTP behind requests that are being answered', async (t) => {
  const answer = await converse(t, api.httpPort, `${whole}${whole}\0\r\n\r\n`)
  t.same(statuses(answer), [202, 202, 400], 'is answered after them')
})

await t.test('a body that breaks off', async (t) => {
  for (const broken of [CUT_CHUNK, FORBIDDEN_TRAILER]) {
    const first = await converse(t, api.httpPort, chunked('/v1/messages') + broken)
    t.same(statuses(first), [400], 'of a call that awaits it')
    t.same(statuses(await converse(t, api.httpPort, chunked('/nowhere') + broken)), [404], 'of one that is answered')
    const third = await converse(t, api.httpPort, whole + chunked('/v1/messages') + broken)
    t.same(statuses(third), [202, 400], 'behind one that is being answered')
  }
})

await t.test('a large answer in front of a body that is refused unread', async (t) => {
  const size = 1_100_000
  const refused = head('POST /v1/messages', { ...headers, 'content-length': String(size) }) + '{'.repeat(size)
  for (let time = 0; time < 5; time += 1) {
    const answer = await converse(t, api.httpPort, head('GET /openapi.json') + refused)
    t.same(statuses(answer), [200, 413])
    const [, document = ''] = /\r\n\r\n(\{.*?)HTTP\/1\.1 413/s.exec(answer) ?? []
    t.hasProps(JSON.parse(document), ['openapi', 'paths'], 'is there as a whole')
  }
})

await t.test('what follows a request that closes the connection', async (t) => {
  const before = await api.store.pendingMessages()
  const closing = { ...headers, connection: 'close', 'content-length': String(body.length) }
  const answer = await converse(t, api.httpPort, head('POST /v1/messages', closing) + body + whole)
  t.same(statuses(answer), [202])
  t.equal(await api.store.pendingMessages(), before + 1, 'is not stored')
})
