// Does any wildcard, or a shared subscription, reach more than the exact topics a device may have?
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { connectRaw, type RawClient, send, startServer } from '../support/index.ts'
import { ANN, getsItsOwn, join, NEIGHBOURS, type Person } from './support/people.ts'

const server = await startServer(t)
const ann = await join(t, server, ANN)

function filtersOf(own: string, tokenId: string): string[] {
  return [
    '#',
    '+',
    '+/+',
    '+/+/+',
    '+/#',
    '/#',
    'chat/#',
    'chat/+',
    'chat/+/+',
    'chat/t/+',
    'chat/t/#',
    'chat/u/#',
    'chat/u/+/x',
    `chat/u/${tokenId}/#`,
    `chat/u/${tokenId}/x`,
    `+/t/${tokenId}`,
    `${own}/#`,
    `${own}/+`,
    '$SYS/#',
    '$SYS/+/new/clients',
    '$push/#',
    `$share/group/${own}`,
    '$share/group/chat/1.0',
    '$share/group/#',
    `$queue/${own}`,
  ]
}

/** A device of its own, which has tried all of it. */
async function attempt(t: Test, person: Person, protocolVersion: 3 | 4 | 5): Promise<RawClient> {
  const raw = await connectRaw(t, server.mqttPort, { protocolVersion })
  await raw.connect({ token: person.issued.token })
  const refused = protocolVersion === 5 ? 0x87 : 0x80
  for (const filter of filtersOf(person.issued.topics.private, person.issued.tokenId)) {
    t.same((await raw.subscribe(filter)).granted, [refused], `${filter} is refused`)
  }
  return raw
}

for (const protocolVersion of [3, 4, 5] as const) {
  await t.test(`protocol ${protocolVersion}`, async (t) => {
    const mallory = await join(t, server, NEIGHBOURS['another device'])
    const raw = await attempt(t, mallory, protocolVersion)
    await mallory.device.closed

    await send(server, { token: ann.issued.tokenId }, 'for Ann alone')
    await send(server, { app: 'chat', version: '1.0' }, 'news of chat 1.0')
    await send(server, { app: 'chat', versions: '*' }, 'news of chat')
    await ann.device.publish(`chat/u/${ann.issued.tokenId}/x`, 'from Ann')
    const texts = (await ann.device.nextN(3)).map(({ text }) => text)
    t.same(texts.sort(), ['for Ann alone', 'news of chat', 'news of chat 1.0'])

    // Still connected, and without any subscription so far.
    await raw.subscribe(mallory.issued.topics.private)
    await send(server, { token: mallory.issued.tokenId }, 'for Mallory')
    const first = await raw.next('publish')
    t.equal(String(first.payload), 'for Mallory', 'the first message is the one of its private topic')
    raw.puback(first)
    await raw.ping()
    t.same(raw.packets.pending, [], 'and there is no other')
    await raw.end()
    await getsItsOwn(t, server, ann)
  })
}
