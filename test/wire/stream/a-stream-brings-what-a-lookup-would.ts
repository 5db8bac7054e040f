// Does a stream bring what is pending and what comes, private and broadcast, as a lookup has it, and acknowledge nothing?
import { t } from '../../support/tap.ts'
import { ack, issueToken, lookup, send } from '../../support/api.ts'
import { serve } from '../../bridge/support/serve.ts'
import { openStream } from './support/stream.ts'

await t.test('pending, and as it comes', async (t) => {
  const api = await serve(t, { random: () => 0.5 })
  const { token } = await issueToken(api, { app: 'chat', device: 'phone', version: '2.0.0' })
  await send(api, { token }, 'first', { id: 'm1' })
  await send(api, { app: 'chat', versions: '>=2' }, { text: 'second' }, { id: 'm2' })
  const { messages, cursor } = await lookup(api, token)

  const stream = await openStream(t, api, { bearer: token })
  t.match(stream, {
    status: 200,
    headers: {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
      'transfer-encoding': 'chunked',
    },
  })
  t.notOk(stream.headers['content-encoding'])
  t.equal(await stream.lines.next(), 'retry: 3000')
  const [first, second] = await stream.events.nextN(2)
  t.same([first?.data, second?.data], messages)
  t.equal(second?.id, cursor, 'the id of an event is the cursor up to it')
  t.match(first, { type: 'message', id: String })

  await send(api, { token }, Buffer.from([0xff, 0x00]), { id: 'm3' })
  await send(api, { app: 'chat', versions: '<2' }, 'for others')
  await send(api, { app: 'chat', version: '2.0.0' }, 'fourth\nof two lines', { id: 'm4' })
  t.match(await stream.events.next(), { data: { id: 'm3', payloadBase64: '/wA=' } })
  const fourth = await stream.events.next()
  t.match(fourth, { data: { id: 'm4', payload: 'fourth\nof two lines', topic: 'chat/2.0.0' } })

  t.equal((await lookup(api, token)).messages.length, 4, 'nothing is acknowledged by sending it')
  await ack(api, token, first?.id ?? '')
  t.match(
    (await lookup(api, token)).messages,
    [{ id: 'm2' }, { id: 'm3' }, { id: 'm4' }],
    'an id acknowledges up to it',
  )
  await ack(api, token, fourth.id)
  t.same((await lookup(api, token)).messages, [])
  t.same(stream.events.pending, [], 'each came once')
})
