// Does a replay bring what came after a cursor again, and only that, while it is kept?
import { t } from '../../support/tap.ts'
import { request, startRedis, startServer } from '../../support/index.ts'
import { act, happen, makeWebhook } from './support/api.ts'
import { type Call, MAY_CALL, type Receiver, startReceiver, verify } from './support/receiver.ts'

async function until(receiver: Receiver, events: number): Promise<Call[]> {
  const calls: Call[] = []
  while (calls.flatMap((call) => call.events).length < events) calls.push(await receiver.calls.next())
  return calls
}

const ids = (calls: readonly Call[]) => calls.flatMap(({ events }) => events.map(({ eventId }) => eventId)).sort()

for (const engine of ['embedded', 'redis'] as const) {
  await t.test(engine, async (t) => {
    const redis = engine === 'redis' ? { PUSH_REDIS_URL: (await startRedis(t)).url } : {}
    const server = await startServer(t, { settings: { ...MAY_CALL, ...redis } })
    const receiver = await startReceiver(t)
    const made = await makeWebhook(server, receiver.url)
    await happen(server, 'first')
    const [first] = await until(receiver, 1)
    for (let at = 0; at < 20; at += 1) await happen(server, `device ${at}`)
    const later = await until(receiver, 20)

    t.match(await act(server, made, 'replay', { body: { cursor: first?.cursor } }), { state: 'enabled' })
    const again = await until(receiver, 20)
    t.same(ids(again), ids(later))
    for (const call of again) verify(made.secret, call)
    t.same(
      again.filter(({ id }) => later.some((other) => other.id === id)),
      [],
      'under new ids',
    )

    await act(server, made, 'replay')
    t.same(ids(await until(receiver, 21)), ids([...(first === undefined ? [] : [first]), ...later]), 'all of it')

    const last = again.at(-1)?.cursor
    await act(server, made, 'replay', { body: { cursor: last } })
    await happen(server, 'new')
    t.equal((await receiver.calls.next()).events.length, 1, 'nothing was after the last one')

    for (const cursor of ['', 'x', `${last}A`, first?.cursor.slice(2)]) {
      const answer = await request(server, 'POST', `/v1/webhooks/${made.id}/replay`, { body: { cursor } })
      t.match(answer, { status: 400, body: { code: 'CURSOR_INVALID' } })
    }
    const other = await makeWebhook(server, receiver.url, { keepFor: 0 })
    const answer = await request(server, 'POST', `/v1/webhooks/${other.id}/replay`, { body: { cursor: last } })
    t.match(answer, { status: 400, body: { code: 'CURSOR_INVALID' } }, 'of another webhook')
  })
}
