// Does a stream write something while nothing comes, remember what it passed over, and answer HEAD and HTTP/1.0?
import { once } from 'node:events'
import { t } from '../../support/tap.ts'
import { issueToken, lookup, request, send } from '../../support/api.ts'
import { eventually } from '../../support/waiting.ts'
import { openRaw } from '../../bridge/support/raw.ts'
import { serve } from '../../bridge/support/serve.ts'
import { openStream } from './support/stream.ts'

await t.test('comments', async (t) => {
  // Shorter than a comment takes by default, so that it is comments that keep the connection.
  const api = await serve(t, { limits: { streamCommentMs: 40, waitSeconds: 0, requestTimeoutMs: 1_000 } })
  const { token } = await issueToken(api, { app: 'chat', device: 'phone', version: '1.0.0' })
  const stream = await openStream(t, api, { bearer: token })
  await stream.lines.next()
  t.same(await stream.lines.nextN(40), Array(40).fill(':'))
  await send(api, { token }, 'hello')
  t.match(await stream.events.next(), { data: { payload: 'hello' } })
})

await t.test('what is for others is passed, and the client knows', async (t) => {
  const api = await serve(t, { limits: { streamCommentMs: 40 } })
  const { token } = await issueToken(api, { app: 'chat', device: 'phone', version: '1.0.0' })
  for (let number = 0; number < 3; number++) await send(api, { app: 'chat', versions: '>=2' }, 'for others')
  const stream = await openStream(t, api, { bearer: token })
  await eventually('an id without an event', () => stream.lastEventId !== '')
  t.same(stream.events.received, [])
  const headers = { 'last-event-id': stream.lastEventId }
  stream.close()
  const again = await openStream(t, api, { bearer: token, path: '/v1/messages/stream?ack=auto', headers })
  await again.lines.next()
  const { cursor } = await lookup(api, token)
  const known = await api.store.lookupToken(api.auth.verify(token).tokenId)
  t.ok((known?.cursors.marks?.passed.length ?? 0) > 0, 'they are acknowledged, and need not be gone through again')
  t.ok(cursor)
})

await t.test('HEAD, and HTTP/1.0 as nginx speaks it', async (t) => {
  const api = await serve(t)
  const { token } = await issueToken(api, { app: 'chat', device: 'phone' })
  for (const [path, bearer] of [
    ['/v1/messages/stream', token],
    ['/v1/events/stream?app=chat&consumer=x', api.providerKey],
  ] as const) {
    const answer = await request(api, 'HEAD', path, { bearer })
    t.match(answer, { status: 200, text: '', headers: { 'content-type': 'text/event-stream' } })
    t.equal(answer.headers['cache-control'], 'no-store, no-transform')
  }
  t.equal((await request(api, 'HEAD', '/v1/messages/stream', { bearer: null })).status, 401)

  const socket = await openRaw(t, api.httpPort)
  socket.write(`GET /v1/messages/stream HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`)
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
  await eventually('the head', () => text.includes('retry: '))
  await send(api, { token }, 'hello')
  await eventually('the message', () => text.includes('"payload":"hello"'))
  t.notMatch(text, /transfer-encoding/i)
  const closed = once(socket, 'close')
  await Promise.all([api.app.close(), closed])
  t.match(text, /event: end\ndata: \{"code":"SHUTTING_DOWN"/)
})
