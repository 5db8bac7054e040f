// Can a device subscribe to somebody else's private topic, to another app's broadcasts, or to what devices send upstream?
import { t } from '../support/tap.ts'
import { connectRaw, send, startServer } from '../support/index.ts'
import { ANN, getsItsOwn, gotNothing, join, NEIGHBOURS } from './support/people.ts'

const server = await startServer(t)
const ann = await join(t, server, ANN)
const annTopic = ann.issued.topics.private
const upstream = `chat/u/${ann.issued.tokenId}/x`

for (const [who, names] of Object.entries(NEIGHBOURS)) {
  const otherBroadcast = names.app === 'chat' ? 'mail/1.0' : 'chat/1.0'
  const topics = [
    annTopic,
    otherBroadcast,
    upstream,
    `chat/u/${ann.issued.tokenId}`,
    // An app's name in front of somebody else's token id does not make it one's own.
    `${names.app}/t/${ann.issued.tokenId}`,
    `${names.app}/t/${ann.issued.tokenId}/`,
    `/${annTopic}`,
  ]
  for (const protocolVersion of [3, 4, 5] as const) {
    await t.test(`${who}, protocol ${protocolVersion}`, async (t) => {
      const mallory = await join(t, server, names, { protocolVersion })
      const raw = await connectRaw(t, server.mqttPort, { protocolVersion })
      await raw.connect({ token: mallory.issued.token })
      // The token connected again: the raw connection is Mallory's now.
      await mallory.device.closed
      const refused = protocolVersion === 5 ? 0x87 : 0x80
      for (const topic of topics) {
        t.same((await raw.subscribe(topic)).granted, [refused], `${topic} is refused`)
      }
      await send(server, { token: ann.issued.tokenId }, 'for Ann alone')
      await send(
        server,
        names.app === 'chat' ? { app: 'mail', version: '1.0' } : { app: 'chat', version: '1.0' },
        'news',
      )
      const wanted = names.app === 'chat' ? ['for Ann alone'] : ['for Ann alone', 'news']
      t.same((await ann.device.nextN(wanted.length)).map(({ text }) => text).sort(), wanted)

      // It was not closed, and its own topic works; what comes there is only its own.
      t.same((await raw.subscribe(mallory.issued.topics.private)).granted, [1])
      await send(server, { token: mallory.issued.tokenId }, 'for Mallory')
      const first = await raw.next('publish')
      t.equal(String(first.payload), 'for Mallory', 'the first message is its own')
      raw.puback(first)
      await raw.end()
      await getsItsOwn(t, server, ann)
    })
  }
}

await t.test('a refusal leaves what was granted before', async (t) => {
  const mallory = await join(t, server, { ...ANN, device: 'phone-3', account: 'bob' })
  t.same(await mallory.device.subscribe(annTopic), [0x87])
  await send(server, { token: ann.issued.tokenId }, 'for Ann alone')
  t.equal((await ann.device.next()).text, 'for Ann alone')
  await gotNothing(t, server, mallory)
  await mallory.device.end()
})
