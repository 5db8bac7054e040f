// Can a provider read along what is sent to devices, or what other clients do?
import { t } from '../support/tap.ts'
import { connectProvider, send, startServer } from '../support/index.ts'
import { ANN, getsItsOwn, join } from './support/people.ts'

const server = await startServer(t)
const ann = await join(t, server, ANN)

for (const protocolVersion of [3, 4, 5] as const) {
  await t.test(`protocol ${protocolVersion}`, async (t) => {
    const no = protocolVersion === 5 ? 0x87 : 0x80
    const provider = await connectProvider(t, server, { protocolVersion })
    for (const filter of [
      '#',
      '+/#',
      'chat/#',
      'chat/+',
      'chat/1.0',
      'chat/+/+',
      'chat/t/#',
      'chat/t/+',
      ann.issued.topics.private,
      '+/u/#',
      '$SYS/#',
      '$SYS/+/new/clients',
      'news',
    ]) {
      t.same(await provider.subscribe(filter), [no], `${filter} is refused`)
    }
    for (const filter of [ann.issued.topics.private, '#', 'chat/#', '+/u/#', 'chat/1.0'])
      t.same(await provider.subscribe(`$share/group/${filter}`), [no], `${filter} is refused when it is shared`)
    t.same(await provider.subscribe(['chat/u/#', `chat/u/${ann.issued.tokenId}/#`]), [1, 1])
    await send(server, { token: ann.issued.tokenId }, 'for Ann alone', { retain: true })
    await send(server, { app: 'chat', version: '1.0' }, 'news', { retain: true })
    t.same((await ann.device.nextN(2)).map(({ text }) => text).sort(), ['for Ann alone', 'news'])
    await ann.device.publish(`chat/u/${ann.issued.tokenId}/x`, 'from Ann')
    const first = await provider.next()
    t.equal(first.text, 'from Ann', 'the first thing it hears is from a device')
    await provider.end()
    await getsItsOwn(t, server, ann)
  })
}
