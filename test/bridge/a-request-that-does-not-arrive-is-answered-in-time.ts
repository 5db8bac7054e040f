// Are headers and bodies that never arrive, and answers that nobody reads, held to the documented time?
import { t } from '../support/tap.ts'
import { issueToken, send } from '../support/api.ts'
import { eventually } from '../support/waiting.ts'
import { converse, head, openRaw } from './support/raw.ts'
import { PROVIDER_KEY, serve } from './support/serve.ts'

await t.test('a request that stops', async (t) => {
  const api = await serve(t, { limits: { requestTimeoutMs: 200 } })
  const post = head('POST /v1/messages', {
    authorization: `Bearer ${PROVIDER_KEY}`,
    'content-type': 'application/json',
    'content-length': '100',
  })
  for (const [what, bytes] of Object.entries({
    'nothing at all': '',
    'a part of the request line': 'GET /hea',
    'a part of the headers': 'GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: ',
    'no body': post,
    'a part of the body': `${post}{"to"`,
  })) {
    const answer = await converse(t, api.httpPort, bytes)
    t.match(answer, /^HTTP\/1\.1 408 .*application\/problem\+json.*"code":"REQUEST_TIMEOUT"/s, what)
  }
})

await t.test('an answer that nobody reads', async (t) => {
  const api = await serve(t, { limits: { requestTimeoutMs: 300, waitSeconds: 0 } })
  const { token } = await issueToken(api, { app: 'chat', device: 'phone' })
  for (let count = 0; count < 4; count++) await send(api, { token }, 'x'.repeat(256 * 1024))
  let open = 0
  api.app.server.on('connection', (socket) => {
    open++
    socket.once('close', () => open--)
  })
  const socket = await openRaw(t, api.httpPort)
  socket.pause()
  await eventually('the connection', () => open === 1)
  socket.write(head('GET /v1/messages?limit=100', { authorization: `Bearer ${token}` }).repeat(20))
  await eventually('the end of the connection', () => open === 0)
})
