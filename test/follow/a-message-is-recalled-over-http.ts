// Is a message that was recalled over HTTP gone for everybody who does not have it, and said to be so?
import { t } from '../support/tap.ts'
import { ack, connectDevice, issueToken, lookup, request, send, type Server } from '../support/index.ts'
import { onEachEngine } from '../tokens/support/engines.ts'

const recall = (server: Server, id: string, to: object) =>
  request(server, 'POST', `/v1/messages/${id}/recall`, { body: { to } })
const statusOf = async (server: Server, id: string, query: string) =>
  (await request(server, 'GET', `/v1/messages/${id}/status?${query}`)).body

await onEachEngine(t, async (t, { one, other }) => {
  const issue = (device: string) => issueToken(one, { app: 'chat', device, version: '1.0.0' })
  const [a, b, c] = await Promise.all([issue('a'), issue('b'), issue('c')])
  const tokens = [a.tokenId, b.tokenId, c.tokenId]

  await t.test('of three devices one has it, one looked at it, and one has not been here', async (t) => {
    await send(one, { tokens }, 'wrong price', { id: 'price', retain: true })
    await send(one, { tokens }, 'right price', { id: 'right' })
    await ack(one, a.token, (await lookup(one, a.token)).cursor)
    t.equal((await lookup(other, b.token)).messages.length, 2)
    const first = await recall(other, 'price', { tokens })
    t.equal(first.status, 200)
    t.same(first.body, {
      id: 'price',
      states: [
        { token: a.tokenId, state: 'acknowledged', mayHaveBeenSeen: true },
        { token: b.tokenId, state: 'recalled', mayHaveBeenSeen: true },
        { token: c.tokenId, state: 'recalled', mayHaveBeenSeen: false },
      ],
      rejected: [],
    })
    t.same((await recall(one, 'price', { tokens })).body, first.body, 'again: the same')
    for (const { token } of [b, c])
      t.same(
        (await lookup(one, token)).messages.map(({ id }) => id),
        ['right'],
      )
    t.match(await statusOf(one, 'price', `token=${c.tokenId}`), { state: 'recalled' })
    const device = await connectDevice(t, other, a)
    await device.subscribe(a.topics.private)
    await send(one, { token: a.tokenId }, 'next')
    t.equal((await device.next()).text, 'next', 'what was retained is gone, though it was acknowledged')
    await device.end()
  })

  await t.test('a broadcast', async (t) => {
    await send(one, { app: 'chat', versions: '*' }, 'wrong news', { id: 'wrong', retain: true })
    await send(one, { app: 'chat', versions: '*' }, 'right news', { id: 'news' })
    const { body } = await recall(other, 'wrong', { app: 'chat' })
    t.same(body, { id: 'wrong', states: [{ app: 'chat', state: 'recalled', mayHaveBeenSeen: true }], rejected: [] })
    const ids = (await lookup(one, c.token)).messages.map(({ id }) => id)
    t.same(ids.toSorted(), ['news', 'right'])
    t.match(await statusOf(one, 'wrong', 'app=chat'), { state: 'recalled' })
    const device = await connectDevice(t, one, await issue('new'))
    await device.subscribe('chat/1.0.0')
    await send(one, { app: 'chat', version: '1.0.0' }, 'last')
    t.equal((await device.next()).text, 'last', 'nothing is retained')
    await device.end()
  })

  await t.test('what is replaced, recalled and purged is counted', async (t) => {
    const counts = async (server: Server) => {
      const { text } = await request(server, 'GET', '/metrics', { bearer: null })
      const lines = text.matchAll(/^push_message_ended_total\{destination="(\w+)",state="(\w+)"\} (\d+)$/gm)
      return Object.fromEntries([...lines].map(([, log, state, count]) => [`${log} ${state}`, Number(count)]))
    }
    const nodes = one === other ? [one] : [one, other]
    const all = async (name: string) => {
      const each = await Promise.all(nodes.map(counts))
      return each.reduce((sum, ofNode) => sum + (ofNode[name] ?? 0), 0)
    }
    t.equal(await all('private recalled'), 2)
    t.equal(await all('broadcast recalled'), 1)
    const d = await issue('d')
    for (const id of ['1', '2', '3']) {
      const body = { to: { token: d.tokenId }, payload: id, collapseKey: 'k' }
      await request(one, 'POST', '/v1/messages', { body })
      await request(other, 'POST', '/v1/messages', { body: { ...body, to: { app: 'chat', version: '9' } } })
    }
    await send(one, { token: d.tokenId }, 'plain')
    t.equal(await all('private replaced'), 2)
    t.equal(await all('broadcast replaced'), 2)
    await request(other, 'DELETE', '/v1/tokens/current?purge=true', { bearer: d.token })
    t.equal(await all('private purged'), 2)
    const e = await issue('e')
    await send(one, { token: e.tokenId }, 'plain')
    await request(one, 'DELETE', '/v1/tokens/current?purge=true', { bearer: e.token })
    t.equal(await all('private purged'), 3, 'without a key or an id too')
  })

  await t.test('what is not known', async (t) => {
    const unknown = await recall(one, 'never', { token: a.tokenId })
    t.match(unknown, { status: 404, body: { code: 'MESSAGE_UNKNOWN' } })
    t.match(await recall(one, 'never', { app: 'chat' }), { status: 404, body: { code: 'MESSAGE_UNKNOWN' } })
    const some = await recall(one, 'never', { tokens })
    t.match(some.body, { states: [], rejected: [{ code: 'MESSAGE_UNKNOWN' }] })
    t.equal(some.body.rejected.length, 3)
  })
})
