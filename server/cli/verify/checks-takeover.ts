/** Whoever names the client id of another gets nothing of theirs, and ends nothing of theirs. */
import type { Check } from './check.ts'
import type { MqttPeer } from './mqtt-peer.ts'
import { NO_KEYS, type World } from './world.ts'

export const takeover: Check = {
  name: 'client ids: the connection and the session of another device',
  async run(world) {
    const wes = await world.issue('Wes', { device: 't-1', account: 'wes' })
    const xia = await world.issue('Xia', { device: 't-2', account: 'xia' })
    const clientId = world.named('client')
    const owner = await world.join(wes, { clientId, kept: true })
    const thief = await world.connect(xia, { clientId, kept: true })
    world.ledger.count += 1
    if (thief?.sessionPresent === true) world.ledger.leak('Xia resumed the session of Wes by its client id')
    if (thief === undefined) throw new Error('Xia is refused with a client id that somebody else uses')
    await thief.subscribe(xia.privateTopic)
    await thief.subscribe(xia.broadcastTopic)
    await world.send('a message to Wes', { token: wes.tokenId }, [wes])
    world.ledger.count += 1
    if (!owner.isOpen) {
      world.ledger.leak('Xia ended the connection of Wes by its client id')
      return undefined
    }
    await world.settle([
      [wes, owner],
      [xia, thief],
    ])
    await owner.close()
    await thief.close()
    await world.send('a message to Wes while he is away', { token: wes.tokenId }, [wes])
    const back = await world.join(xia, { clientId, kept: true })
    await world.settle([[xia, back]])
    await back.close()
    await world.settle([[wes, await world.join(wes, { clientId })]])
    return undefined
  },
}

export const providerTakeover: Check = {
  name: 'client ids: the connection and the session of another provider',
  async run(world) {
    const { app } = world
    const key = await world.key(app, 'verify-one')
    const other = await world.key(app, 'verify-other')
    if (key === undefined || other === undefined) return NO_KEYS
    const abe = await world.issue('Abe', { device: 't-3', account: 'abe' })
    const sender = await world.join(abe)
    const clientId = world.named('provider')
    const who = 'a provider'
    const first = await connected(world, who, key, clientId)
    if (first.sessionPresent) world.ledger.leak('a provider that has just been made has a session')
    await first.subscribe(`${app}/u/${abe.tokenId}/#`)
    const thief = await connected(world, 'another provider', other, clientId)
    await takes(world, thief, first, 'another provider', who)
    const zac = await world.issue('Zac', { device: 't-4', account: 'zac' })
    const device = await world.connect(zac, { clientId, kept: true })
    await takes(world, device, first, zac.who, who)
    await device?.close()
    if (!first.isOpen) return undefined
    const upstream = async (what: string) => {
      const text = world.ledger.payload(what, [who])
      await sender.publish(`${app}/u/${abe.tokenId}/x`, text)
      return text
    }
    await first.until(await upstream('what Abe sent to a provider'))
    await first.close()
    await thief.close()
    const waiting = await upstream('what Abe sent to a provider that is away')
    // What is there for it comes with its subscription: its own answer to it comes after.
    const again = await connected(world, 'another provider', other, clientId)
    await again.subscribe(`${app}/u/${abe.tokenId}/of-nobody`)
    await (await connected(world, who, key, clientId)).until(waiting)
    world.ledger.check()
    return undefined
  },
}

async function connected(world: World, who: string, password: string, clientId: string): Promise<MqttPeer> {
  const peer = await world.connectAs({ who, username: 'provider', password, clientId, kept: true })
  if (peer === undefined) throw new Error(`${who} is refused with its own key`)
  return peer
}

/** The answer to a SUBSCRIBE tells that an owner is still there. */
export async function takes(
  { ledger }: World,
  thief: MqttPeer | undefined,
  owner: MqttPeer,
  who: string,
  whose: string,
): Promise<void> {
  ledger.count += 2
  if (thief?.sessionPresent === true) ledger.leak(`${who} resumed the session of ${whose} by its client id`)
  await owner.alive()
  if (!owner.isOpen) ledger.leak(`${who} ended the connection of ${whose} by its client id`)
}
