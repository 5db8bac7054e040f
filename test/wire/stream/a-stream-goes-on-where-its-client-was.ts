// Does Last-Event-ID go on after what came, and acknowledge it only where the client says so?
import { t } from '../../support/tap.ts'
import { issueToken, lookup, request, send } from '../../support/api.ts'
import { serve, type Served } from '../../bridge/support/serve.ts'
import { openStream, payloads } from './support/stream.ts'

const path = (query: string) => `/v1/messages/stream?${query}`
const pending = async (api: Served, token: string) => (await lookup(api, token)).messages.map(({ payload }) => payload)

async function pendingThree(api: Served) {
  const issued = await issueToken(api, { app: 'chat', device: 'phone' })
  for (const text of ['one', 'two', 'three']) await send(api, { token: issued.token }, text)
  return issued.token
}

await t.test('resumed', async (t) => {
  const api = await serve(t)
  const token = await pendingThree(api)
  const first = await openStream(t, api, { bearer: token })
  const [, two] = await first.events.nextN(2)
  first.close()

  const resumed = await openStream(t, api, { bearer: token, headers: { 'last-event-id': two?.id ?? '' } })
  t.same(await payloads(resumed, 1), ['three'])
  t.same(await pending(api, token), ['one', 'two', 'three'], 'passed over is not acknowledged')
  await send(api, { token }, 'four')
  t.same(await payloads(resumed, 1), ['four'])

  const inQuery = await openStream(t, api, { bearer: token, path: path(`lastEventId=${two?.id}`) })
  t.same(await payloads(inQuery, 2), ['three', 'four'])
  const both = await openStream(t, api, {
    bearer: token,
    path: path(`lastEventId=${two?.id}`),
    headers: { 'last-event-id': resumed.lastEventId },
  })
  await send(api, { token }, 'five')
  t.same(await payloads(both, 1), ['five'], 'a browser that comes back adds the header, and it is the newer one')
})

await t.test('acknowledged', async (t) => {
  const api = await serve(t)
  const token = await pendingThree(api)
  const first = await openStream(t, api, { bearer: token, path: path('ack=auto') })
  const [, two] = await first.events.nextN(3)
  first.close()
  t.same(await pending(api, token), ['one', 'two', 'three'], 'writing acknowledges nothing')

  const headers = { 'last-event-id': two?.id ?? '' }
  const resumed = await openStream(t, api, { bearer: token, path: path('ack=auto'), headers })
  t.same(await payloads(resumed, 1), ['three'])
  t.same(await pending(api, token), ['three'], 'coming back does')
})

await t.test('refused', async (t) => {
  const api = await serve(t)
  const token = await pendingThree(api)
  const other = await issueToken(api, { app: 'chat', device: 'tablet' })
  const stream = await openStream(t, api, { bearer: token })
  const { id } = await stream.events.next()
  const asked = (bearer: string, lastEventId: string) =>
    request(api, 'GET', path('ack=auto'), { bearer, headers: { 'last-event-id': lastEventId } })
  t.match(await asked(other.token, id), { status: 400, body: { code: 'CURSOR_INVALID' } }, 'that of another device')
  t.match(await asked(token, 'nonsense'), { status: 400, body: { code: 'CURSOR_INVALID' } })
  const wrong = await request(api, 'GET', path('ack=always'), { bearer: token })
  t.match(wrong, { status: 400, body: { code: 'REQUEST_INVALID' } })
})
