// Is a POST answered behind every body parser of Express, with the errors that it has without one?
import { gzipSync } from 'node:zlib'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import express, { type RequestHandler } from 'express'
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { issueToken, lookup, request } from '../support/index.ts'
import { embed } from './support/embed.ts'

const PARSERS: Readonly<Record<string, RequestHandler[]>> = {
  'no parser': [],
  'express.json()': [express.json()],
  'express.raw()': [express.raw({ type: '*/*' })],
  'express.text()': [express.text({ type: '*/*' })],
  'several of them': [express.urlencoded(), express.json(), express.raw(), express.text()],
}

async function behind(t: Test, parsers: RequestHandler[]) {
  const { push, providerKey } = await embed(t)
  const app = express()
  for (const parser of parsers) app.use(parser)
  app.use((incoming, outgoing) => push.http.routing(incoming, outgoing))
  // Express tells its own errors to standard error otherwise.
  app.use(((_error, _incoming, outgoing, _next) => void outgoing.status(400).end()) as express.ErrorRequestHandler)
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => void server.close())
  return { httpPort: (server.address() as AddressInfo).port, providerKey }
}

for (const [name, parsers] of Object.entries(PARSERS))
  await t.test(name, async (t) => {
    const target = await behind(t, parsers)
    const { token, tokenId } = await issueToken(target, { app: 'chat', device: 'phone' })
    const to = { token: tokenId }
    const post = (options: object) => request(target, 'POST', '/v1/messages', options)
    const text = JSON.stringify({ to, payload: 'whole' })
    t.match(await post({ raw: text }), { status: 202, body: { accepted: 1 } })
    const chunked = await fetch(`http://127.0.0.1:${target.httpPort}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${target.providerKey}` },
      body: new Blob([text]).stream(),
      duplex: 'half',
    })
    t.equal(chunked.status, 202, 'chunked')
    const zipped = { raw: gzipSync(text), headers: { 'content-encoding': 'gzip' } }
    t.match(await post(zipped), { status: 202 }, 'compressed')
    const { messages, cursor } = await lookup(target, token)
    t.same(
      messages.map(({ payload }) => payload),
      ['whole', 'whole', 'whole'],
    )
    t.match(await request(target, 'POST', '/v1/messages/ack', { bearer: token, body: { cursor } }), { status: 204 })

    t.match(await post({ raw: '{' }), { status: 400 })
    t.match(await post({ body: [] }), { status: 400, body: { code: 'JSON_INVALID' } })
    t.match(await post({ body: { to, payload: 'x', ttl: -1 } }), { status: 400, body: { code: 'TTL_INVALID' } })
    const plain = { raw: 'x', headers: { 'content-type': 'text/plain' } }
    t.match(await post(plain), { status: 415, body: { code: 'MEDIA_TYPE_UNSUPPORTED' } })
    t.match(await post({}), { status: 400 }, 'no body')
    t.match(await post({ raw: '' }), { status: 400 }, 'an empty body')
    t.match(await request(target, 'DELETE', `/v1/tokens/${tokenId}`, { raw: '' }), { status: 204 })
  })

await t.test('a body that was read and thrown away', async (t) => {
  const target = await behind(t, [
    (incoming, _outgoing, next) => {
      incoming.resume()
      incoming.once('end', () => next())
    },
  ])
  const answer = await request(target, 'POST', '/v1/tokens', { body: { app: 'chat', device: 'phone' } })
  t.match(answer, { status: 500, body: { code: 'INTERNAL' } }, 'is an error, and does not hang')
})
