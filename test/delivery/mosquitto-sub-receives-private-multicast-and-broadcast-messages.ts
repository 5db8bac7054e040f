// Does mosquitto_sub, in each version it speaks, receive private, multicast and broadcast messages?
import { t } from '../support/tap.ts'
import { issueToken, mosquittoSub, send, startServer } from '../support/index.ts'

const server = await startServer(t)

for (const version of ['mqttv31', 'mqttv311', 'mqttv5']) {
  await t.test(version, async (t) => {
    const app = `shop-${version}`
    const other = await issueToken(server, { app, device: 'phone', account: 'bob' })
    const issued = await issueToken(server, { app, device: 'phone', account: 'ada', version: '2.1.0' })
    const credentials = ['-V', version, '-u', 'device', '-P', issued.token, '-q', '1']
    const topics = ['-t', issued.topics.private, '-t', issued.topics.broadcast!]
    const sub = await mosquittoSub(t, server, ...credentials, ...topics)
    t.same(sub.granted, [1, 1])

    await send(server, { token: issued.token }, 'private "quoted"\nand more')
    t.match(await sub.next(), {
      topic: issued.topics.private,
      payload: 'private "quoted"\nand more',
      qos: 1,
      retain: 0,
    })
    await send(server, { tokens: [other.tokenId, issued.tokenId] }, 'multicast')
    t.match(await sub.next(), { topic: issued.topics.private, payload: 'multicast', qos: 1 })
    await send(server, { app, version: '2.1.1' }, 'for another version')
    await send(server, { app, version: '2.1.0' }, 'exactly 2.1.0')
    await send(server, { app, versions: '^2.0.0' }, 'a range')
    await send(server, { app, versions: '*' }, 'all')
    const broadcasts = await sub.nextN(3)
    t.match(
      broadcasts,
      ['exactly 2.1.0', 'a range', 'all'].map((payload) => ({ topic: `${app}/2.1.0`, payload, qos: 1 })),
    )
    t.equal(sub.messages.received.length, 5)
    await sub.stop()
  })

  await t.test(`${version} is told when all it subscribes to is refused`, async (t) => {
    const issued = await issueToken(server, { app: 'refused', device: version, account: 'ada' })
    const args = ['-V', version, '-u', 'device', '-P', issued.token, '-q', '1', '-t', 'refused/#']
    await t.rejects(mosquittoSub(t, server, ...args), /denied|ended/)
  })
}
