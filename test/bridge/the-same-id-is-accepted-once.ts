// Is a message that is posted twice under one id delivered once, and one without an id each time?
import { t } from '../support/tap.ts'
import { issueToken, lookup, metric, request, send } from '../support/api.ts'
import { serve } from './support/serve.ts'

await t.test('repeats', async (t) => {
  const api = await serve(t)
  const { token } = await issueToken(api, { app: 'chat', device: 'phone', version: '1.0.0' })
  for (let time = 0; time < 2; time++) {
    t.match(await send(api, { token }, 'private', { id: 'order-1' }), { id: 'order-1', accepted: 1, rejected: [] })
    t.match(await send(api, { app: 'chat', versions: '*' }, 'broadcast', { id: 'order-1' }), { accepted: 1 })
  }
  const [first, second] = [await send(api, { token }, 'x'), await send(api, { token }, 'x')]
  t.not(first.id, second.id)
  t.same(
    (await lookup(api, token)).messages.map(({ id, payload }) => [id, payload]),
    [
      ['order-1', 'private'],
      ['order-1', 'broadcast'],
      [first.id, 'x'],
      [second.id, 'x'],
    ],
  )
  t.equal(await metric(api, 'push_accepted_total', 'destination="private"'), 3)
  t.equal(await metric(api, 'push_duplicates_total', 'destination="private"'), 1)
  t.equal(await metric(api, 'push_duplicates_total', 'destination="broadcast"'), 1)

  for (const id of ['', 'x'.repeat(129), 'a\u0007b', 7]) {
    const answer = await request(api, 'POST', '/v1/messages', { body: { to: { token }, payload: 'x', id } })
    t.match(answer, { status: 400, body: { code: 'MESSAGE_ID_INVALID' } })
  }
  t.equal(
    await metric(api, 'push_rejected_total', 'code="MESSAGE_ID_INVALID"'),
    3,
    'those that the schema lets through',
  )
})
