// When Redis has reached its maxmemory, are publishers told, can devices still take what waits, and does all resume?
import t from 'tap'
import { connectDevice, connectProvider, eventually, issueToken, request, send, startRedis } from '../support/index.ts'
import { connectAll, join, KEPT, startNode } from './support/nodes.ts'
import { acceptsNothing, goesOn, pubackIsNoSuccess } from './support/refusing.ts'

await t.test('redis is out of memory', async (t) => {
  const redis = await startRedis(t)
  const node = await startNode(t, redis.url)
  const names = { app: 'shop', device: 'phone', account: 'ann', version: '1.0.0' }
  const member = await join(t, node, node, names, { manualAck: true })
  const provider = await connectProvider(t, node)
  const waiting = Array.from({ length: 30 }, (_, index) => `waiting ${index + 1}`)
  for (const text of waiting) await send(node, { token: member.issued.tokenId }, text)

  const away = await issueToken(node, { ...names, device: 'tablet' })
  await send(node, { token: away.tokenId }, 'waiting for who is away')

  await redis.cli('config', 'set', 'maxmemory', '1mb')
  await eventually('503 of /readyz', async () => (await request(node, 'GET', '/readyz')).status === 503)
  await acceptsNothing(t, node, member, 'out of memory')
  await pubackIsNoSuccess(t, provider, member.issued.topics.private, 'out of memory')

  const arrived: string[] = []
  for (const _ of waiting) {
    const arrival = await member.device.next()
    arrived.push(arrival.text)
    member.device.ack(arrival)
  }
  t.same(arrived, waiting, 'acknowledging and reading go on, beyond one window')

  const back = await connectAll(t, node, away, KEPT)
  t.equal((await back.next()).text, 'waiting for who is away', 'who was away connects, subscribes and gets it')
  await back.reset()
  t.equal((await connectDevice(t, node, away, KEPT)).connack.sessionPresent, true, 'and its session is kept')
  const looked = await request(node, 'GET', '/v1/messages?wait=1', { bearer: away.token })
  t.equal(looked.status, 200, 'a lookup may wait')

  await redis.cli('config', 'set', 'maxmemory', '0')
  await goesOn(t, node, member, [], 'out of memory')
  t.same(
    member.device.received.filter(({ text }) => text.startsWith('refused')),
    [],
    'and nothing that was refused',
  )
})
