// Do two installations that share one Redis under different prefixes keep tokens, keys, messages and sessions apart?
import { t } from '../support/tap.ts'
import { barrier, connectDevice, connectProvider, issueToken, request, send, startRedis } from '../support/index.ts'
import { join, KEPT, startNode } from './support/nodes.ts'

await t.test('two prefixes', async (t) => {
  const redis = await startRedis(t)
  const blue = await startNode(t, redis.url, { PUSH_REDIS_PREFIX: 'blue' })
  const green = await startNode(t, redis.url, { PUSH_REDIS_PREFIX: 'green' })
  const names = { app: 'shop', device: 'phone', account: 'ann', version: '1.0.0' }
  const ours = await join(t, blue, blue, names)
  const theirs = await join(t, green, green, names)

  t.not(blue.providerKey, green.providerKey)
  t.not(ours.issued.tokenId, theirs.issued.tokenId, 'the same names give another token id')
  await t.rejects(connectDevice(t, green, ours.issued), { code: 0x86 }, 'a token of one is none of the other')
  t.equal((await request(green, 'POST', '/v1/tokens', { bearer: blue.providerKey, body: names })).status, 401)
  const unknown = { to: { token: ours.issued.tokenId }, payload: 'x' }
  t.match((await request(green, 'POST', '/v1/messages', { body: unknown })).body.rejected, [{ code: 'TOKEN_UNKNOWN' }])

  const listeners = await Promise.all(
    [blue, green].map((node) => connectProvider(t, node, { ...KEPT, clientId: 'backend' })),
  )
  for (const provider of listeners) await provider.subscribe('shop/u/#')
  for (const [node, { issued, device }] of [
    [blue, ours],
    [green, theirs],
  ] as const) {
    const name = node === blue ? 'blue' : 'green'
    await send(node, { token: issued.tokenId }, `private ${name}`)
    await send(node, { app: 'shop', versions: '*' }, `broadcast ${name}`)
    await device.publish(`shop/u/${issued.tokenId}/x`, `upstream ${name}`)
  }
  for (const [name, node, { device }, provider] of [
    ['blue', blue, ours, listeners[0]!],
    ['green', green, theirs, listeners[1]!],
  ] as const) {
    const got = [...(await barrier(node, device)), ...(await barrier(node, device, { app: 'shop', versions: '*' }))]
    const texts = got.map(({ text }) => text).filter((text) => !text.startsWith('barrier-'))
    t.same(texts.sort(), [`broadcast ${name}`, `private ${name}`])
    t.equal((await provider.next()).text, `upstream ${name}`)
    t.equal(provider.received.length, 1)
  }
  const keys = (await redis.cli('--scan')).split('\n')
  t.same(
    keys.filter((key) => !/^\{?(blue|green)[:}]/.test(key)),
    [],
    'every key begins with its prefix',
  )

  await issueToken(green, { ...names, account: 'bob' })
  await theirs.device.closed
  await send(blue, { token: ours.issued.tokenId }, 'still here')
  t.equal((await ours.device.next()).text, 'still here', 'an account switch there ends nothing here')
})
