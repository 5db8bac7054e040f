/** Topics of users are a world of their own: what they publish no device and no provider gets, nor the other way round. */
import type { Check } from './check.ts'
import { takes } from './checks-takeover.ts'
import { type MqttPeer, REFUSED } from './mqtt-peer.ts'
import type { Person, User, World } from './world.ts'

const USER = 'the user'
const PROVIDER = 'a provider of the app'

export const users: Check = {
  name: 'users: topics of users and push topics never meet',
  async run(world) {
    const { user } = world.options
    if (user === undefined) return 'no user is given: --user'
    const connection = await connected(world, user, world.named('user'))
    const jim = await world.issue('Jim', { device: 'u-1', account: 'jim' })
    const clientId = world.named('jim')
    const peer = await world.join(jim, { clientId })
    const provider = await providerOf(world)
    await listens(connection, jim)
    const topics = [jim.privateTopic, jim.broadcastTopic, `${jim.app}/u/${jim.tokenId}/x`]
    await publishes(world, connection, topics)
    for (const topic of ['verify-isolation/general/topic', '#']) {
      world.ledger.count += 1
      if ((await peer.subscribe(topic)) < REFUSED) world.ledger.leak(`a device was granted ${topic} of users`)
      if (!peer.isOpen) break
    }
    const to = { token: jim.tokenId }
    world.onCleanUp(() => world.options.ask('POST', '/v1/messages', { to, payload: '', retain: true, ttl: 60 }))
    await world.send('a message to Jim', to, [jim])
    await world.send('the retained message of Jim', to, [jim], { retain: true })
    const device = peer.isOpen ? peer : await world.join(jim, { clientId })
    const upstream = world.ledger.payload('what Jim sent upstream', [PROVIDER])
    await device.publish(`${jim.app}/u/${jim.tokenId}/x`, upstream)
    await provider?.until(upstream)
    const thief = await connected(world, user, clientId)
    await takes(world, thief, device, USER, jim.who)
    // What was retained goes to new subscriptions.
    await listens(thief, jim)
    await settled(world, connection)
    await settled(world, thief)
    await world.settle([[jim, await world.join(jim)]])
    for (const topic of topics) await connection.publish(topic, '', true)
    return undefined
  },
}

async function connected(world: World, { name, password }: User, clientId: string): Promise<MqttPeer> {
  const peer = await world.connectAs({ who: USER, username: name, password, clientId })
  if (peer === undefined) throw new Error('the user is refused: see --user and its password')
  return peer
}

/** Undefined: the key that is used may not make one. */
async function providerOf(world: World): Promise<MqttPeer | undefined> {
  const key = await world.key(world.app, 'verify-users')
  if (key === undefined) return undefined
  const provider = await world.connectAs({ who: PROVIDER, username: 'provider', password: key })
  await provider?.subscribe(`${world.app}/u/#`)
  return provider
}

/** Any topic may be a user's, whatever it looks like: that it is granted says nothing. */
async function listens(connection: MqttPeer, { app, privateTopic, broadcastTopic }: Person): Promise<void> {
  for (const filter of ['#', `${app}/#`, '+/t/+', '+/+', privateTopic, broadcastTopic])
    await connection.subscribe(filter)
}

async function publishes(world: World, connection: MqttPeer, topics: readonly string[]): Promise<void> {
  for (const topic of topics)
    for (const retain of [false, true]) {
      world.ledger.count += 1
      await connection.publish(topic, world.ledger.payload(`what a user published on ${topic}`, [USER]), retain)
    }
}

/** What a user publishes comes to it after whatever came before; one that may not subscribe to it hears nothing. */
async function settled(world: World, connection: MqttPeer): Promise<void> {
  const topic = world.named('verify-isolation/user')
  if ((await connection.subscribe(topic)) >= REFUSED) return
  const text = world.ledger.payload('what a user published for itself', [USER])
  if ((await connection.publish(topic, text)) < REFUSED) await connection.until(text)
}
