// Does a program that embeds push give out endpoints, and take what comes through them, however it has read the body?
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type RequestHandler } from 'express'
import { at, BODY, PLAIN, through } from '../wire/web-push/support/push.ts'
import { lookup } from '../support/index.ts'
import { t } from '../support/tap.ts'
import { embed } from './support/embed.ts'

const publicUrl = 'https://push.example.com'

/** The parsers of Express refuse an encoding that they cannot undo. */
const readWhole: RequestHandler = (request, _response, next) => {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => void parts.push(part))
  request.once('end', () => {
    request.body = Buffer.concat(parts)
    next()
  })
}

await t.test('endpoints', async (t) => {
  const { push } = await embed(t, { publicUrl })
  await push.http.ready()
  const { endpoint = '', token } = await push.issueToken({ app: 'shop', device: 'a', webPush: {} })
  t.notOk('endpoint' in (await push.issueToken({ app: 'shop', device: 'b' })))
  await t.rejects(push.issueToken({ app: 'shop', device: 'c', webPush: { vapidKey: 'x' } }), {
    code: 'VAPID_KEY_INVALID',
  })

  const app = express()
  app.use('/read', readWhole, (request, response) => push.http.routing(request, response))
  app.use((request, response) => push.http.routing(request, response))
  const listener = createServer(app).listen(0, '127.0.0.1')
  t.teardown(() => listener.close())
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  const target = { httpPort: port, providerKey: '' }
  const url = through(endpoint, target)
  for (const type of ['application/octet-stream', 'application/json', 'text/plain'])
    t.equal((await at(url, { headers: { ...PLAIN, 'content-type': type }, body: BODY })).status, 201, type)
  const read = through(endpoint, target).replace('/v1/', '/read/v1/')
  t.equal((await at(read, { headers: PLAIN, body: BODY })).status, 201, 'the program has read it')
  t.equal((await at(read, { headers: { ttl: '60' } })).status, 201, 'and there was none')
  const { messages } = await lookup(target, token)
  t.same(
    messages.map(({ payload }) => payload),
    [...Array.from({ length: 4 }, () => BODY.toString()), ''],
  )
})

await t.test('an address that is none', async (t) => {
  const wrong = [
    '',
    'push.example.com',
    'ftp://push.example.com',
    'https://a:b@push.example.com',
    `${publicUrl}/?x`,
    `${publicUrl}/#x`,
  ]
  for (const each of wrong)
    await t.rejects(embed(t, { publicUrl: each }), /publicUrl must be an http:\/\/ or https:\/\/ URL/)
})
