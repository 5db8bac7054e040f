// When a key is removed or changed on one node, does no other node take anything from it, over connections that were open?
import { t } from '../support/tap.ts'
import {
  changeKey,
  connect,
  deleteKey,
  type Device,
  eventually,
  faultProxy,
  type Key,
  makeKey,
  request,
  rotateKey,
  type Scope,
  send,
  type Server,
  startRedis,
} from '../support/index.ts'
import { join, startNode, twoNodes } from './support/nodes.ts'

const BOTH = ['messages:send', 'messages:read', 'tokens:issue']
const ANN = { app: 'chat', device: 'phone', account: 'ann', version: '1.0.0' }

const byKey = (t: Scope, server: Server, { key }: Key, protocolVersion: 4 | 5 = 5): Promise<Device> =>
  connect(t, server, { username: 'provider', password: key }, { protocolVersion })

const issueBy = async (server: Server, { key }: Key) =>
  (await request(server, 'POST', '/v1/tokens', { bearer: key, body: { app: 'chat', device: 'tablet' } })).status

await t.test('two nodes', async (t) => {
  const { a, b } = await twoNodes(t)
  const ann = await join(t, a, a, ANN)
  const changes: Record<string, (key: Key) => Promise<unknown>> = {
    removed: (key) => deleteKey(a, key),
    replaced: (key) => rotateKey(a, key, 0),
    'left without its scopes': (key) => changeKey(a, key, { scopes: ['keys:admin'] }),
  }
  for (const [what, change] of Object.entries(changes)) {
    const key = await makeKey(a, { apps: ['chat'], scopes: BOTH })
    await eventually('the key on the other node', async () => (await issueBy(b, key)) === 201)
    const open = await Promise.all([byKey(t, b, key, 4), byKey(t, b, key, 5)])
    for (const each of open) {
      await each.subscribe('chat/u/#')
      await each.publish(ann.issued.topics.private, `before it was ${what}`)
      t.equal((await ann.device.next()).text, `before it was ${what}`)
    }
    await change(key)
    await Promise.all(open.map(({ closed }) => closed))
    t.match(open[1]?.disconnectPacket, { reasonCode: 0x87 }, `${what}: closed`)
    await t.rejects(byKey(t, b, key), { code: what.startsWith('re') ? 0x86 : 0x87 }, `${what}: MQTT is refused`)
    t.equal(await issueBy(b, key), what.startsWith('re') ? 401 : 403, `${what}: and so is HTTP`)
  }
  await send(b, { token: ann.issued.tokenId }, 'the last')
  t.equal((await ann.device.next()).text, 'the last', 'nothing else came')
})

await t.test('a node that cannot know takes nothing by keys of the store', async (t) => {
  const redis = await startRedis(t)
  const proxy = await faultProxy(t, redis.port)
  const [a, b] = await Promise.all([startNode(t, `redis://127.0.0.1:${proxy.port}`), startNode(t, redis.url)])
  const ann = await join(t, b, b, ANN)
  const [gone, kept] = [
    await makeKey(b, { apps: ['chat'], scopes: BOTH }),
    await makeKey(b, { apps: ['chat'], scopes: BOTH }),
  ]
  await eventually('the keys on the other node', async () => (await issueBy(a, kept)) === 201)
  const [lost, found] = [await byKey(t, a, gone), await byKey(t, a, kept)]
  for (const each of [lost, found]) {
    await each.subscribe('chat/u/#')
    // What a subscription brings has been read when this is answered.
    await each.publish('chat/0.1', 'to nobody')
  }

  proxy.freeze('both')
  await deleteKey(b, gone)
  await eventually('a node that does not know', async () => (await issueBy(a, kept)) === 503)
  for (const key of [gone, kept]) {
    t.match(await request(a, 'POST', '/v1/messages', { bearer: key.key, body: { to: { token: 'x' }, payload: 'x' } }), {
      status: 503,
      body: { code: 'STORE_UNAVAILABLE' },
      headers: { 'retry-after': /\d/ },
    })
    await t.rejects(byKey(t, a, key), { code: 0x88 })
  }
  for (const each of [lost, found])
    await t.rejects(each.publish(ann.issued.topics.private, 'evil'), { code: 0x83 }, 'nor over MQTT')
  t.ok(lost.client.connected && found.client.connected, 'what may hold is not ended')

  proxy.heal()
  await lost.closed
  t.match(lost.disconnectPacket, { reasonCode: 0x87 }, 'it finds out by itself')
  await eventually('the other one again', async () => (await issueBy(a, kept)) === 201)
  await found.publish(ann.issued.topics.private, 'good')
  t.equal((await ann.device.next()).text, 'good')
  await ann.device.publish(`chat/u/${ann.issued.tokenId}/x`, 'hello')
  t.equal((await found.next()).text, 'hello')
})
