// Do recall, expiry, replacing, what was missed, and what is for now or never come through a stream as through lookups?
import { t } from '../../support/tap.ts'
import { issueToken, lookup, request, send } from '../../support/api.ts'
import { temporaryFolder } from '../../support/folders.ts'
import { openLevelStore } from '../../../store/index.ts'
import { eventually } from '../../support/waiting.ts'
import { serve, type Served } from '../../bridge/support/serve.ts'
import { openStream, payloads } from './support/stream.ts'

const recall = (api: Served, id: string, to: object) =>
  request(api, 'POST', `/v1/messages/${id}/recall`, { body: { to } })
const publish = (api: Served, body: object) => request(api, 'POST', '/v1/messages', { body })

await t.test('taken back, replaced and over before it was sent', async (t) => {
  let ahead = 0
  const api = await serve(t, { now: () => Date.now() + ahead })
  const { token } = await issueToken(api, { app: 'chat', device: 'phone', version: '1.0.0' })
  await send(api, { token }, 'recalled', { id: 'r1' })
  await send(api, { app: 'chat', versions: '*' }, 'recalled for all', { id: 'r2' })
  await send(api, { token }, 'over', { id: 'o1', ttl: 10 })
  await publish(api, { to: { token }, payload: 'old', collapseKey: 'score' })
  await publish(api, { to: { token }, payload: 'new', collapseKey: 'score' })
  await recall(api, 'r1', { token })
  await recall(api, 'r2', { app: 'chat' })
  ahead = 11_000
  const stream = await openStream(t, api, { bearer: token })
  t.same(await payloads(stream, 1), ['new'])

  await publish(api, { to: { token }, payload: 'newer', collapseKey: 'score' })
  t.same(await payloads(stream, 1), ['newer'], 'what replaces what was sent comes too')
})

await t.test('now or never', async (t) => {
  const api = await serve(t)
  const { token } = await issueToken(api, { app: 'chat', device: 'phone', version: '1.0.0' })
  const stream = await openStream(t, api, { bearer: token })
  await send(api, { token }, 'kept')
  const kept = await stream.events.next()
  await send(api, { token }, 'typing', { ttl: 0 })
  await send(api, { app: 'chat', versions: '*' }, 'typing for all', { ttl: 0 })
  const [own, all] = await stream.events.nextN(2)
  t.match([own, all], [{ data: { payload: 'typing' } }, { data: { payload: 'typing for all' } }])
  t.equal(all?.id, kept.id, 'it has no place of its own')
})

await t.test('missed', async (t) => {
  const api = await serve(t, {
    engine: (now) => openLevelStore({ directory: temporaryFolder(t, 'missed'), now, limits: { privateMessages: 2 } }),
  })
  const { token } = await issueToken(api, { app: 'chat', device: 'phone' })
  for (const text of ['one', 'two', 'three', 'four']) await send(api, { token }, text)
  const { messages } = await lookup(api, token)
  const stream = await openStream(t, api, { bearer: token, path: '/v1/messages/stream?ack=auto' })
  const events = await stream.events.nextN(2)
  t.match(events, [{ data: { payload: 'three', missed: 2 } }, { data: { payload: 'four', missed: 2 } }])
  t.same(
    events.map(({ data }) => data),
    messages,
  )
  stream.close()
  await send(api, { token }, 'five')
  const headers = { 'last-event-id': stream.lastEventId }
  const again = await openStream(t, api, { bearer: token, path: '/v1/messages/stream?ack=auto', headers })
  const five = await again.events.next()
  t.match(five, { data: { payload: 'five' } })
  t.notOk('missed' in five.data, 'until it is acknowledged')
})

await t.test('what many expired say is not lost in an acknowledgement', async (t) => {
  let ahead = 0
  const api = await serve(t, { now: () => Date.now() + ahead, limits: { streamCommentMs: 50, longPollRecheckMs: 50 } })
  const { token } = await issueToken(api, { app: 'chat', device: 'phone' })
  await request(api, 'GET', '/v1/events?app=chat&consumer=all&types=message.*')
  const COUNT = 300
  for (let number = 0; number < COUNT; number++)
    await publish(api, { to: { token }, payload: 'x', id: `x${number}`, ttl: 5, receipt: true })
  ahead = 6_000
  await send(api, { token }, 'last', { id: 'last' })
  const stream = await openStream(t, api, { bearer: token })
  const acknowledge = () =>
    request(api, 'POST', '/v1/messages/ack', { bearer: token, body: { cursor: stream.lastEventId } })
  await eventually('an id of as many as it has room for', () => stream.lastEventId !== '')
  t.same(stream.events.received, [], 'it waits until they are acknowledged')
  await acknowledge()
  t.match(await stream.events.next(), { data: { id: 'last' } })
  await acknowledge()
  const read = () => request(api, 'GET', '/v1/events?app=chat&consumer=all&limit=1000')
  const states = await eventually('an event for each', async () => {
    const types = (await read()).body.events.map(({ type }: { type: string }) => type)
    return types.length === COUNT ? types : undefined
  })
  t.same(new Set(states), new Set(['message.expired']), 'none was acknowledged')
})
