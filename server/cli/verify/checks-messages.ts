/** What is sent reaches whom it is for, whichever way they listen, and nobody else. */
import { Refusal } from '../ask.ts'
import { type Check, swapped } from './check.ts'
import { lookup, openLookupPeer, openStreamPeer } from './http-peer.ts'
import type { MqttPeer } from './mqtt-peer.ts'
import type { Person, World } from './world.ts'

export const privateTopics: Check = {
  name: 'private topics: a message to one token, and to one account',
  async run(world) {
    const people = await peopleOf(world)
    const { ann, tablet } = people
    const connected: (readonly [Person, MqttPeer])[] = []
    for (const person of Object.values(people)) connected.push([person, await world.join(person)])
    const ids = new Set(connected.map(([{ tokenId }]) => tokenId))
    if (ids.size < connected.length) world.ledger.leak('two people have the same token id')
    for (const [person] of connected) {
      await world.send(`a message to the token id of ${person.who}`, { token: person.tokenId }, [person])
      await world.send(`a message to the token of ${person.who}`, { token: person.token }, [person])
    }
    const account = { app: world.app, account: ann.account }
    await world.send('a message to the account of Ann', account, [ann, tablet])
    await world.settle(connected)
    return undefined
  },
}

/** Ann, and who differs from her in one respect each. */
async function peopleOf(world: World): Promise<Record<'ann' | 'tablet', Person> & Record<string, Person>> {
  const ann = await world.issue('Ann', { device: 'phone', account: 'ann' })
  const tablet = await world.issue('Ann on another device', { device: 'tablet', account: 'ann' })
  const bob = await world.issue('Bob', { device: 'phone-2', account: 'bob' })
  const nobody = await world.issue('a device without an account', { device: 'phone-3', account: '' })
  const [, app] = world.apps
  if (app === undefined) return { ann, tablet, bob, nobody }
  const other = await world.issue('Ann in another app', { app, device: 'phone', account: 'ann' })
  return { ann, tablet, bob, nobody, other }
}

export const broadcasts: Check = {
  name: 'broadcasts: by version, by range, by tags, by app',
  async run(world) {
    const [app, otherApp] = world.apps
    const [version, later] = world.versions
    const ada = await world.issue('Ada', { device: 'b-1', account: 'ada' })
    const ben = await world.issue('Ben with a tag', { device: 'b-2', account: 'ben', tags: ['verify'] })
    const eve = await world.issue('Eve with another version', { device: 'b-3', account: 'eve', version: later })
    // Who is connected acknowledges at once: these two look up.
    const zoe = await world.issue('Zoe', { device: 'b-4', account: 'zoe' })
    const zed = await world.issue('Zed with another version', { device: 'b-5', account: 'zed', version: later })
    const others =
      otherApp === undefined
        ? []
        : [await world.issue('Ada in another app', { app: otherApp, device: 'b-1', account: 'ada' })]
    const connected: (readonly [Person, MqttPeer])[] = []
    for (const person of [ada, ben, eve, ...others]) connected.push([person, await world.join(person)])
    const theirs = world.sharers(app ?? '', version)
    await world.send('a broadcast to one version', { app, version }, theirs)
    await world.send('a broadcast to a range', { app, versions: `>=${version} <${later}` }, theirs)
    await world.send('a broadcast to the other version', { app, version: later }, world.sharers(app ?? '', later))
    await world.send('a broadcast to a tag', { app, version, tags: { any: ['verify'] } }, [ben])
    if (otherApp !== undefined)
      await world.send('a broadcast of another app', { app: otherApp, version }, world.sharers(otherApp, version))
    await world.settle(connected)
    for (const person of [zoe, zed])
      await world.settle([[person, world.listens(openLookupPeer(world.options.url, person.who, person.token))]])
    return undefined
  },
}

export const streamsAndLookups: Check = {
  name: 'streams and lookups: messages, cursors and tickets of others',
  async run(world) {
    const { url } = world.options
    const cleo = await world.issue('Cleo', { device: 's-1', account: 'cleo' })
    const dan = await world.issue('Dan', { device: 's-2', account: 'dan' })
    const listeners = [
      [cleo, world.listens(await openStreamPeer(url, cleo.who, cleo.token))],
      [dan, world.listens(await openStreamPeer(url, dan.who, dan.token))],
      [dan, world.listens(openLookupPeer(url, dan.who, dan.token))],
    ] as const
    await world.send('a message to Cleo', { token: cleo.tokenId }, [cleo])
    await world.settle(listeners)
    const { cursor } = await lookup(world.as(cleo.token))
    await world.refuses('Dan acknowledged with the cursor of Cleo', () =>
      world.as(dan.token)('POST', '/v1/messages/ack', { cursor }),
    )
    await world.refuses('Dan streamed from the cursor of Cleo', async () => {
      const peer = await openStreamPeer(url, dan.who, dan.token, { lastEventId: cursor })
      await peer.close()
      await world.as(dan.token)('POST', '/v1/messages/ack', { cursor })
    })
    const issued = (await world.as(cleo.token)('POST', '/v1/messages/stream')) as { readonly ticket: string }
    const ticket = await openStreamPeer(url, cleo.who, '', { ticket: issued.ticket }).catch(() => undefined)
    if (ticket !== undefined) await world.settle([[cleo, world.listens(ticket)]])
    await world.refuses('a ticket with one other letter opened a stream', () => anyTicket(url, swapped(issued.ticket)))
    return undefined
  },
}

async function anyTicket(url: string, ticket: string): Promise<void> {
  const answer = await fetch(`${url}/v1/messages/stream?${new URLSearchParams({ ticket }).toString()}`)
  await answer.body?.cancel()
  if (!answer.ok) throw new Refusal(1, answer.status, undefined, 'the ticket is refused')
}
