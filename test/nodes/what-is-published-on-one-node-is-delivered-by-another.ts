// Does what is published on one node reach the devices that are connected to another, in every way of addressing them?
import { t } from '../support/tap.ts'
import { barrier, connectProvider, type Destination, send } from '../support/index.ts'
import { join, twoNodes } from './support/nodes.ts'

await t.test('published on one node, delivered by another', async (t) => {
  const { a, b } = await twoNodes(t)
  const app = 'shop'
  const old = await join(t, a, b, { app, device: 'old', account: 'ann', version: '1.9.0' })
  const recent = await join(t, a, b, { app, device: 'recent', account: 'bob', version: '2.3.0' })
  const local = await join(t, b, a, { app, device: 'local', account: 'cyd', version: '2.3.0' })
  const foreign = await join(t, a, b, { app: 'mail', device: 'old', account: 'ann', version: '2.3.0' })
  const members = { old, recent, local, foreign }
  type Name = keyof typeof members

  const publications: [string, Destination, Name[]][] = [
    ['private by token', { token: old.issued.token }, ['old']],
    ['private by token id', { token: recent.issued.tokenId }, ['recent']],
    ['multicast', { tokens: [old, recent, local].map(({ issued }) => issued.tokenId) }, ['old', 'recent', 'local']],
    ['broadcast by version', { app, version: '2.3.0' }, ['recent', 'local']],
    ['broadcast by range', { app, versions: '>=1.5 <2.3' }, ['old']],
    ['broadcast to all', { app, versions: '*' }, ['old', 'recent', 'local']],
  ]
  for (const [text, to] of publications) await send(a, to, text)
  const provider = await connectProvider(t, a)
  await provider.publish(old.issued.topics.private, 'private over MQTT')
  await provider.publish(`${app}/2.3.0`, 'broadcast over MQTT')

  for (const [name, { issued, device }] of Object.entries(members)) {
    const { app } = name === 'foreign' ? { app: 'mail' } : { app: 'shop' }
    const got = [...(await barrier(b, device)), ...(await barrier(b, device, { app, versions: '*' }))]
    const mine = publications.filter(([, , receivers]) => receivers.includes(name as Name)).map(([text]) => text)
    if (name === 'old') mine.push('private over MQTT')
    if (['recent', 'local'].includes(name)) mine.push('broadcast over MQTT')
    const texts = got.map(({ text }) => text).filter((text) => !text.startsWith('barrier-'))
    t.same(texts.sort(), mine.sort(), `${name} (${issued.tokenId}) gets its own, and nothing else`)
  }
})
