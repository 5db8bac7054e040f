// Is a message that was posted twice with the same id delivered once, online and offline, also across a restart?
import { t } from '../support/tap.ts'
import { barrier, connectDevice, issueToken, metric, send, startServer } from '../support/index.ts'
import { texts, untilNothingIsPending, userProperty } from './support/messages.ts'

const server = await startServer(t)
const app = 'shop'
const issued = await issueToken(server, { app, device: 'phone', account: 'ada', version: '1.0.0' })
const other = await issueToken(server, { app, device: 'tablet', account: 'ada' })
const kinds = { private: { token: issued.tokenId }, broadcast: { app, versions: '*' } } as const

for (const [kind, to] of Object.entries(kinds)) {
  await t.test(kind, async (t) => {
    const id = `order 7, ${kind}`
    t.match(await send(server, to, 'offline', { id }), { id, accepted: 1, rejected: [] })
    t.match(await send(server, to, 'offline', { id }), { id, accepted: 1, rejected: [] })
    await Promise.all(['a', 'b', 'c'].map(() => send(server, to, 'at the same time', { id: `${id} at once` })))
    await server.restart()
    await send(server, to, 'offline', { id })
    await t.rejects(send(server, to, 'another', { id }), { code: 'ID_REUSED' }, 'which is remembered as well')

    const device = await connectDevice(t, server, issued)
    await device.subscribe([issued.topics.private, issued.topics.broadcast!])
    const [first, ...more] = await barrier(server, device, to)
    t.equal(first!.text, 'offline')
    t.equal(userProperty(first!, 'id'), id)
    t.same(texts(more), ['at the same time'])
    await send(server, to, 'offline', { id })
    t.same(await barrier(server, device, to), [], 'also after it was delivered')
    await untilNothingIsPending(server, issued)
    await send(server, to, 'offline', { id })
    t.same(await barrier(server, device, to), [], 'and acknowledged')
    t.equal(await metric(server, 'push_duplicates_total', `destination="${kind}"`), 3)
    await device.end()
  })
}

await t.test('an id is remembered for each receiver', async (t) => {
  const id = 'order 8'
  await send(server, { token: issued.tokenId }, 'for one', { id })
  await send(server, { tokens: [issued.tokenId, other.tokenId] }, 'for one', { id })
  await send(server, { app, version: '1.0.0' }, 'for the version', { id })
  const device = await connectDevice(t, server, issued)
  await device.subscribe([issued.topics.private, issued.topics.broadcast!])
  t.same(texts(await device.nextN(2)).toSorted(), ['for one', 'for the version'])
  t.same(await barrier(server, device), [])
  const second = await connectDevice(t, server, other, { subscribe: true })
  t.same(texts(await barrier(server, second)), ['for one'])
})
