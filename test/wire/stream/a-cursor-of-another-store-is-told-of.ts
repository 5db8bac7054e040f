// Is a client told that its cursor is worth nothing here, as after an import or when Redis lost its data, and does it lose nothing?
import { encodeEventCursor } from '../../../bridge/events/event-cursor.ts'
import { encodePageCursor } from '../../../bridge/page-cursor.ts'
import { issueToken, lookup, request, send } from '../../support/api.ts'
import { t } from '../../support/tap.ts'
import { serve, type Served } from '../../bridge/support/serve.ts'
import { openStream, payloads } from './support/stream.ts'

const none = { private: [], broadcast: [] }

/** As a store gave it that had more messages. */
function messageCursor(tokenId: string, place: { readonly private: number; readonly broadcast: number }): string {
  const cursor = { ...place, taken: none, messages: { private: 1, broadcast: 0 }, expired: [], counted: [] }
  return encodePageCursor({ tokenId, version: '1.0.0' }, cursor)
}

function eventCursor({ store }: Served, moves: readonly { readonly part: number; readonly cursor: number }[]): string {
  const owner = { app: 'chat', reader: 'http all/billing', parts: store.upstreamParts }
  return encodeEventCursor(owner, { events: moves, upstream: [] })
}

for (const place of [
  { private: 1_000, broadcast: 0 },
  { private: 0, broadcast: 1_000 },
])
  await t.test(`messages, ${JSON.stringify(place)}`, async (t) => {
    const api = await serve(t)
    const { token, tokenId } = await issueToken(api, { app: 'chat', device: 'phone', version: '1.0.0' })
    await send(api, { token }, 'one')
    const lastEventId = messageCursor(tokenId, place)
    const path = '/v1/messages/stream?ack=auto'
    const lost = await openStream(t, api, { bearer: token, path, headers: { 'last-event-id': lastEventId } })
    await lost.ended
    t.match((await lost.events.nextN(1)).at(-1), { type: 'end', id: '', data: { code: 'CURSOR_INVALID', status: 400 } })
    t.match((await lookup(api, token)).messages, [{ payload: 'one' }], 'nothing was acknowledged by it')
    const again = await openStream(t, api, { bearer: token, path })
    t.same(await payloads(again, 1), ['one'], 'who comes back without it goes on')
  })

await t.test('events', async (t) => {
  const api = await serve(t)
  const bearer = api.providerKey
  const path = '/v1/events/stream?app=chat&consumer=billing'
  const first = await openStream(t, api, { bearer, path })
  const { tokenId } = await issueToken(api, { app: 'chat', device: 'phone' })
  t.match(await first.events.next(), { data: { type: 'token.issued', tokenId } })
  first.close()
  const part = api.store.upstreamPart(tokenId)
  const lastEventId = eventCursor(api, [{ part, cursor: 1_000 }])
  const headers = { 'last-event-id': lastEventId }

  const lost = await openStream(t, api, { bearer, path, headers })
  await lost.ended
  t.match(await lost.events.next(), { type: 'end', id: '', data: { code: 'CURSOR_INVALID' } })
  t.equal((await openStream(t, api, { bearer, path: `${path}&ack=auto`, headers })).status, 400)
  const body = { app: 'chat', consumer: 'billing', cursor: lastEventId }
  t.match(await request(api, 'POST', '/v1/events/ack', { body }), { status: 400, body: { code: 'CURSOR_INVALID' } })

  const again = await openStream(t, api, { bearer, path, headers: { 'last-event-id': first.lastEventId } })
  await issueToken(api, { app: 'chat', device: 'tablet' })
  t.match(await again.events.next(), { data: { type: 'token.issued' } }, 'a cursor of this store holds')
  const { body: page } = await request(api, 'GET', '/v1/events?app=chat&consumer=billing')
  t.equal(page.events.length, 2, 'nothing was acknowledged')
})
