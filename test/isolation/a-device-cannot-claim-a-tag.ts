// Does a device that says of itself that it has a tag, wherever it can say something, get what is for that tag?
import { t } from '../support/tap.ts'
import { connectDevice, issueToken, lookup, request } from '../support/index.ts'
import { embed } from '../plugin/support/embed.ts'
import { broadcast, broadcastsSoFar, connectTagged, issueTagged } from './support/tagged.ts'

const CHOICE = '{"any":["beta"]}'

await t.test('a device without a tag', async (t) => {
  const server = await embed(t)
  const honest = await connectTagged(t, server, await issueTagged(server, 'honest', ['beta']))
  const liar = await issueToken(server, { app: 'chat', device: 'beta', account: 'beta', version: 'beta' })
  const claims = { userProperties: { tags: CHOICE, tag: 'beta' } }
  const device = await connectTagged(t, server, liar, {
    clientId: 'beta',
    username: 'beta',
    properties: { ...claims, sessionExpiryInterval: 60 },
    will: { topic: `chat/u/${liar.tokenId}/gone`, payload: Buffer.from(CHOICE), properties: claims },
  })
  await device.subscribe(['chat/beta', 'chat/*', 'chat/1.0'], { properties: claims })
  const refused = ['chat/#', 'chat/+', `chat/${CHOICE}`, 'chat/1.0?tags=beta', 'chat/1.0/beta', '$share/beta/chat/1.0']
  const granted = await device.subscribe(refused, { properties: claims })
  t.same(granted, [0x87, 0x87, 1, 1, 0x87, 0x87], 'what is granted is another version')
  await t.rejects(device.publish('chat/1.0', 'to myself', { properties: claims }), { code: 0x87 })

  const body = { app: 'chat', device: 'beta', account: 'beta', version: '1.0', tags: ['beta'] }
  t.match(await request(server, 'POST', '/v1/tokens', { body, bearer: liar.token }), { status: /^40[013]$/ })
  const send = { to: { app: 'chat', versions: '*', tags: { any: ['beta'] } }, payload: 'from the liar' }
  t.match(await request(server, 'POST', '/v1/messages', { body: send, bearer: liar.token }), { status: 403 })

  for (const options of [{}, { versions: '1.0' }, { retain: true }])
    await broadcast(server, 'for beta', { any: ['beta'] }, options)
  await broadcast(server, 'for beta', { all: ['beta'] })
  t.same(await broadcastsSoFar(server, honest), ['for beta', 'for beta', 'for beta', 'for beta'])
  t.same(await broadcastsSoFar(server, device), [])
  const late = await connectDevice(t, server, liar, { clientId: 'beta', properties: claims, subscribe: true })
  await late.subscribe(['chat/1.0', 'chat/beta', 'chat/2.0'], { properties: claims })
  t.same(await broadcastsSoFar(server, late), [], 'retained neither')
  const answer = await request(server, 'GET', '/v1/messages?tags=beta', { bearer: liar.token })
  t.match(answer, { status: 400, body: { code: 'REQUEST_INVALID' } })
  const headers = { tags: CHOICE, 'x-tags': 'beta' }
  const { body: found } = await request(server, 'GET', '/v1/messages', { bearer: liar.token, headers })
  t.notMatch(JSON.stringify(found), /for beta/)
  t.notMatch(JSON.stringify(await lookup(server, liar.token)), /for beta/)
})

await t.test('another account on the device, and another device of the account', async (t) => {
  const server = await embed(t)
  const names = { app: 'chat', device: 'phone', account: 'ann', version: '1.0' }
  await issueToken(server, { ...names, tags: ['beta'] })
  const tablet = await issueToken(server, { ...names, device: 'tablet' })
  const others = [tablet, await issueToken(server, { ...names, account: 'bob' })]
  await broadcast(server, 'for beta', { any: ['beta'] }, { retain: true })
  for (const other of others) {
    const device = await connectTagged(t, server, other)
    t.same(await broadcastsSoFar(server, device), [])
    t.notMatch(JSON.stringify(await lookup(server, other.token)), /for beta/)
  }
  const back = await issueToken(server, names)
  const device = await connectTagged(t, server, back)
  t.same(await broadcastsSoFar(server, device), ['for beta'], 'the account that comes back has its tags')
})
