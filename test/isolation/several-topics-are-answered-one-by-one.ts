// When one SUBSCRIBE names allowed and forbidden topics, is each answered for itself, and does only the allowed part work?
import { t } from '../support/tap.ts'
import { barrier, connectDevice, issueToken, send, startServer } from '../support/index.ts'
import { ANN, getsItsOwn, join, NEIGHBOURS } from './support/people.ts'

const server = await startServer(t)
const ann = await join(t, server, ANN)

for (const protocolVersion of [3, 4, 5] as const) {
  await t.test(`protocol ${protocolVersion}`, async (t) => {
    const no = protocolVersion === 5 ? 0x87 : 0x80
    const issued = await issueToken(server, NEIGHBOURS['another device'])
    const device = await connectDevice(t, server, issued, { protocolVersion })
    const codes = await device.subscribe(
      [ann.issued.topics.private, issued.topics.private, '#', 'chat/1.0', 'chat/+', 'chat/2.0', 'mail/1.0'],
      { qos: 1 },
    )
    t.same(codes, [no, 1, no, 1, no, 1, no])

    await send(server, { token: ann.issued.tokenId }, 'for Ann alone')
    await send(server, { app: 'mail', version: '1.0' }, 'news of mail')
    await send(server, { app: 'chat', version: '2.0' }, 'news of chat 2.0')
    t.equal((await ann.device.next()).text, 'for Ann alone')
    const got = [
      ...(await barrier(server, device)),
      ...(await barrier(server, device, { app: 'chat', version: '1.0' })),
    ]
    t.same(
      got.map(({ text }) => text),
      ['news of chat 2.0'],
    )
    await device.end()
    // The marker of chat 1.0 was for Ann too.
    await ann.device.next()
    await getsItsOwn(t, server, ann)
  })
}
