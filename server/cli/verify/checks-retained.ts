/** What is retained goes to new subscriptions of whom it is for. */
import type { Check } from './check.ts'
import { openLookupPeer, openStreamPeer } from './http-peer.ts'
import type { Person, World } from './world.ts'

export const retained: Check = {
  name: 'retained messages: of another token, account, version, tag and app',
  async run(world) {
    const [version, later] = world.versions
    const [app = '', otherApp] = world.apps
    const fay = await world.issue('Fay', { device: 'r-1', account: 'fay' })
    const lee = await world.issue('Lee with another version', { device: 'r-3', account: 'lee', version: later })
    await keep(world, 'the retained message of Fay', { token: fay.tokenId }, [fay])
    const ofLater = world.sharers(app, later)
    await keep(world, 'the retained broadcast of another version', { app, version: later }, ofLater)
    const tags = { any: ['verify-retained'] }
    await keep(world, 'the retained broadcast of a tag', { app, version, tags }, [])
    if (otherApp !== undefined)
      for (const of of [version, later]) {
        const theirs = world.sharers(otherApp, of)
        await keep(world, 'the retained broadcast of another app', { app: otherApp, version: of }, theirs)
      }
    await world.settle([
      [fay, await world.join(fay)],
      [lee, await world.join(lee)],
    ])
    for (const [who, device] of [
      ['Gus, who comes later', 'r-2'],
      ['who logged in on the device of Fay', 'r-1'],
    ] as const)
      await arrives(world, await world.issue(who, { device, account: 'gus', version }))
    return undefined
  },
}

/** It is removed at the end: it would stay longer than the tokens. */
async function keep(world: World, what: string, to: object, allowed: Iterable<Person | string>): Promise<void> {
  world.onCleanUp(() => world.options.ask('POST', '/v1/messages', { to, payload: '', retain: true, ttl: 60 }))
  await world.send(what, to, allowed, { retain: true })
}

/** By each way that there is. */
async function arrives(world: World, person: Person): Promise<void> {
  const { url } = world.options
  // A lookup acknowledges nothing: it is first.
  await world.settle([[person, world.listens(openLookupPeer(url, person.who, person.token))]])
  await world.settle([[person, world.listens(await openStreamPeer(url, person.who, person.token))]])
  const connection = await world.join(person)
  await world.settle([[person, connection]])
  await connection.close()
  // Of what is retained, a log that was read up to there is asked no more.
  await world.settle([[person, await world.join(person)]])
}
