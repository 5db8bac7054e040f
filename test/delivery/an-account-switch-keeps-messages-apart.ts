// When another account logs in to an app on a device, does each account get its own messages, and only when it is back?
import { t } from '../support/tap.ts'
import { barrier, connectDevice, issueToken, metric, send, startServer } from '../support/index.ts'
import { texts, untilNothingIsPending } from './support/messages.ts'

const server = await startServer(t)
const app = 'chat'
const login = (account: string) => issueToken(server, { app, device: 'shared phone', account, version: '1.0.0' })
const kept = { clean: false, clientId: 'shared-phone', properties: { sessionExpiryInterval: 3600 } }

for (const protocolVersion of [4, 5] as const) {
  await t.test(`protocol ${protocolVersion}`, async (t) => {
    const options = protocolVersion === 4 ? { protocolVersion, clean: false, clientId: kept.clientId } : kept
    const ada = await login(`ada ${protocolVersion}`)
    const adaOnline = await connectDevice(t, server, ada, { ...options, subscribe: true })
    await send(server, { token: ada.tokenId }, 'to ada, online')
    t.equal((await adaOnline.next()).text, 'to ada, online')
    await untilNothingIsPending(server, ada)

    const bob = await login(`bob ${protocolVersion}`)
    t.not(bob.tokenId, ada.tokenId)
    await adaOnline.closed
    if (protocolVersion === 5) t.equal(adaOnline.disconnectPacket?.reasonCode, 0x87)
    await t.rejects(connectDevice(t, server, ada, options), { code: protocolVersion === 5 ? 0x87 : 5 })

    await send(server, { token: ada.tokenId }, 'to ada 1')
    await send(server, { tokens: [ada.tokenId, bob.tokenId] }, 'to both')
    await send(server, { token: bob.tokenId }, 'to bob')
    const bobOnline = await connectDevice(t, server, bob, { ...options, subscribe: true })
    t.equal(bobOnline.connack.sessionPresent, false, 'the session of one account is not that of another')
    t.same(texts(await barrier(server, bobOnline)), ['to both', 'to bob'])
    const [refused] = await bobOnline.subscribe(ada.topics.private)
    t.ok(refused! >= 0x80)
    await send(server, { token: ada.tokenId }, 'to ada 2')
    t.same(await barrier(server, bobOnline), [])
    await untilNothingIsPending(server, bob)

    const adaAgain = await login(`ada ${protocolVersion}`)
    t.equal(adaAgain.tokenId, ada.tokenId)
    await bobOnline.closed
    await send(server, { token: bob.tokenId }, 'to bob, away')
    const back = await connectDevice(t, server, adaAgain, options)
    t.equal(back.connack.sessionPresent, true)
    t.same(texts(await barrier(server, back)), ['to ada 1', 'to both', 'to ada 2'], 'on her resumed session')
    t.same(
      bobOnline.received.filter(({ text }) => text.startsWith('to ada')),
      [],
    )
    await back.end()
  })
}

await t.test('nobody logged in is an account of its own', async (t) => {
  const someone = await issueToken(server, { app, device: 'kiosk', account: 'eve' })
  await send(server, { token: someone.tokenId }, 'to eve')
  const nobody = await issueToken(server, { app, device: 'kiosk' })
  const device = await connectDevice(t, server, nobody, { subscribe: true })
  t.same(await barrier(server, device), [])
})

await t.test('another app and another device are not switched', async (t) => {
  const first = await issueToken(server, { app: 'mail', device: 'phone', account: 'ada' })
  const online = await connectDevice(t, server, first, { subscribe: true })
  const ended = await metric(server, 'push_disconnects_total', 'code="TOKEN_SUPERSEDED"')
  await issueToken(server, { app: 'mail', device: 'tablet', account: 'bob' })
  await issueToken(server, { app: 'news', device: 'phone', account: 'bob' })
  await issueToken(server, { app: 'mail', device: 'phone', account: 'ada' })
  await send(server, { token: first.tokenId }, 'still here')
  t.equal((await online.next()).text, 'still here')
  t.equal(await metric(server, 'push_disconnects_total', 'code="TOKEN_SUPERSEDED"'), ended)
})
