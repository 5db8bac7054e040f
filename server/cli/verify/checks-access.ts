/** Nobody gets further than their own token or key, and no further than it does now. */
import type { Check } from './check.ts'
import { lookup, openStreamPeer } from './http-peer.ts'
import { type MqttPeer, REFUSED } from './mqtt-peer.ts'
import { NO_KEYS, type Person, type World } from './world.ts'
import { Refusal } from '../ask.ts'

export const subscriptions: Check = {
  name: 'subscriptions: topics of others, and wildcards',
  async run(world) {
    const { app, apps } = world
    const kim = await world.issue('Kim', { device: 'a-1', account: 'kim' })
    const lea = await world.issue('Lea', { device: 'a-2', account: 'lea' })
    const others =
      apps[1] === undefined
        ? []
        : [await world.issue('Kim in another app', { app: apps[1], device: 'a-1', account: 'kim' })]
    const owner = await world.join(kim)
    const filters = [
      kim.privateTopic,
      ...others.flatMap(({ privateTopic, broadcastTopic }) => [privateTopic, broadcastTopic]),
      ...['#', '+/#', '+/+', '+/t/+', `${app}/#`, `${app}/+`, `${app}/t/#`, `${app}/t/+`, `+/t/${kim.tokenId}`],
      ...[`${app}/u/#`, `${app}/u/${kim.tokenId}/x`, '$SYS/#', 'a/general/topic'],
      ...[`$share/g/${kim.privateTopic}`, `$share/g/${app}/#`, `$share/g/${lea.privateTopic}`],
    ]
    let curious = await world.join(lea)
    for (const filter of filters) {
      world.ledger.count += 1
      if (!curious.isOpen) curious = await world.join(lea)
      if ((await curious.subscribe(filter)) < REFUSED)
        world.ledger.leak(`Lea was granted a subscription to ${shown(filter, world)}`)
    }
    if (!curious.isOpen) curious = await world.join(lea)
    await world.send('a message to Kim', { token: kim.tokenId }, [kim])
    for (const other of others) await world.send('a message to another app', { token: other.tokenId }, [other])
    await world.settle([
      [kim, owner],
      [lea, curious],
    ])
    return undefined
  },
}

/** Names of this check are random: the report says what they stand for. */
function shown(filter: string, { app, apps }: World): string {
  return filter.replace(app, '<app>').replace(apps[1] ?? app, '<another app>')
}

export const publishing: Check = {
  name: 'publishing: what a device sends, and what is upstream',
  async run(world) {
    const { app } = world
    const max = await world.issue('Max', { device: 'p-1', account: 'max' })
    const ned = await world.issue('Ned', { device: 'p-2', account: 'ned' })
    const owner = await world.join(max)
    const topics: [topic: string, what: string][] = [
      [max.privateTopic, 'the private topic of Max'],
      [max.broadcastTopic, 'a broadcast topic'],
      [`${app}/*`, 'every broadcast topic'],
      [`${app}/u/${max.tokenId}/x`, 'upstream as Max'],
      [`${app}/u/x`, 'upstream as nobody'],
      ['a/general/topic', 'a topic of users'],
    ]
    for (const [topic, what] of topics) {
      const forger = await world.join(ned)
      world.ledger.count += 1
      const text = world.ledger.payload(`what Ned published on ${what}`, [])
      // Refused before MQTT 5 could say so is refused as well.
      if ((await forger.publish(topic, text)) < REFUSED) world.ledger.leak(`Ned was allowed to publish on ${what}`)
      await forger.close()
    }
    const sender = await world.join(ned)
    const own = `${app}/u/${ned.tokenId}/x`
    await sender.publish(own, world.ledger.payload('what Ned sent upstream', []))
    await world.settle([
      [max, owner],
      [ned, sender],
    ])
    return undefined
  },
}

export const deviceCalls: Check = {
  name: 'HTTP: what providers do, with the token of a device',
  async run(world) {
    const ola = await world.issue('Ola', { device: 'h-1', account: 'ola' })
    const pia = await world.issue('Pia', { device: 'h-2', account: 'pia' })
    const ask = world.as(pia.token)
    const query = new URLSearchParams({ app: world.app, consumer: world.named('nobody') }).toString()
    const calls: [what: string, method: string, path: string, body?: object][] = [
      ['sent a message to Ola', 'POST', '/v1/messages', { to: { token: ola.tokenId }, payload: 'x', ttl: 60 }],
      [
        'sent a broadcast',
        'POST',
        '/v1/messages',
        { to: { app: ola.app, version: ola.version }, payload: 'x', ttl: 60 },
      ],
      ['looked at the token of Ola', 'GET', `/v1/tokens/${ola.tokenId}`],
      ['looked at the messages of Ola', 'GET', `/v1/tokens/${ola.tokenId}/messages`],
      ['listed tokens', 'GET', `/v1/tokens?${new URLSearchParams({ app: world.app }).toString()}`],
      ['revoked the token of Ola', 'DELETE', `/v1/tokens/${ola.tokenId}`],
      ['issued a token for Ola', 'POST', '/v1/tokens', { app: ola.app, device: ola.device, account: ola.account }],
      ['read events', 'GET', `/v1/events?${query}`],
      ['listed keys', 'GET', '/v1/keys'],
    ]
    for (const [what, method, path, body] of calls) await world.refuses(`Pia ${what}`, () => ask(method, path, body))
    return undefined
  },
}

export const forgedTokens: Check = {
  name: 'forged tokens: names of another under a signature that is not theirs',
  async run(world) {
    const quin = await world.issue('Quin', { device: 'f-1', account: 'quin' })
    const rob = await world.issue('Rob', { device: 'f-2', account: 'rob' })
    const [head = '', , signature = ''] = rob.token.split('.')
    const [, claims = ''] = quin.token.split('.')
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'JWT' })).toString('base64url')
    const forged = [
      ['the claims of Quin under the signature of Rob', `${head}.${claims}.${signature}`],
      ['the claims of Quin without a signature', `${head}.${claims}.`],
      ['the claims of Quin with the algorithm none', `${none}.${claims}.`],
    ] as const
    for (const [what, token] of forged) await refusedEverywhere(world, { ...quin, who: 'Rob', token }, what)
    await world.send('a message to Quin', { token: quin.tokenId }, [quin])
    await world.settle([[quin, await world.join(quin)]])
    return undefined
  },
}

/** Over MQTT and HTTP. */
async function refusedEverywhere(world: World, person: Person, what: string): Promise<void> {
  world.ledger.count += 1
  if ((await world.connect(person)) !== undefined) world.ledger.leak(`${what}: MQTT took it`)
  await world.refuses(`${what}: HTTP took it`, () => lookup(world.as(person.token)))
}

export const accountSwitch: Check = {
  name: 'account switch: who was logged in before, and who is now',
  async run(world) {
    const sam = await world.issue('Sam, who was logged in before', { device: 'x-1', account: 'sam' })
    const before = await world.join(sam)
    const tim = await world.issue('Tim, who logged in on the device of Sam', { device: 'x-1', account: 'tim' })
    if (tim.tokenId === sam.tokenId) world.ledger.leak('two accounts of a device have the same token id')
    await goes(world, before, 'the connection of Sam went on after Tim had logged in')
    await refusedEverywhere(world, sam, 'the token of Sam after Tim had logged in')
    await world.send('a message to Sam while Tim is logged in', { token: sam.tokenId }, [])
    await world.settle([[tim, await world.join(tim)]])
    return undefined
  },
}

async function goes(world: World, peer: MqttPeer, leak: string): Promise<void> {
  world.ledger.count += 1
  await peer.gone().catch(() => world.ledger.leak(leak))
}

export const revokedTokens: Check = {
  name: 'revoked tokens: connection, stream, lookups and messages',
  async run(world) {
    const uma = await world.issue('Uma, whose token is revoked', { device: 'v-1', account: 'uma' })
    const connection = await world.join(uma)
    const stream = world.listens(await openStreamPeer(world.options.url, uma.who, uma.token))
    await world.settle([[uma, connection]])
    await world.ask('DELETE', `/v1/tokens/${uma.tokenId}`)
    await goes(world, connection, 'the connection of a revoked token went on')
    await refusedEverywhere(world, uma, 'a revoked token')
    world.ledger.count += 1
    const text = world.ledger.payload('a message to a revoked token', [])
    const sent = (await world.ask('POST', '/v1/messages', { to: { token: uma.tokenId }, payload: text, ttl: 60 })) as {
      readonly rejected: readonly object[]
    }
    if (sent.rejected.length === 0) world.ledger.leak('a message to a revoked token was accepted')
    const vic = await world.issue('Vic', { device: 'v-2', account: 'vic' })
    await world.settle([[vic, await world.join(vic)]])
    await stream.close()
    return undefined
  },
}

export const providers: Check = {
  name: 'providers: a key of another app',
  async run(world) {
    const [app = '', other] = world.apps
    if (other === undefined) return 'one app is given: name two with --app'
    const key = await world.key(other, 'verify')
    if (key === undefined) return NO_KEYS
    const yan = await world.issue('Yan', { device: 'k-1', account: 'yan' })
    const owner = await world.join(yan)
    const ask = world.as(key)
    const text = world.ledger.payload('what a key of another app sent', [])
    await world.refuses('a key of another app sent a message to Yan', async () => {
      const to = { token: yan.tokenId }
      const sent = (await ask('POST', '/v1/messages', { to, payload: text, ttl: 60 })) as { readonly accepted: number }
      if (sent.accepted === 0) throw new Refusal(1, 403, undefined, 'it is rejected')
    })
    const consumer = world.named('spy')
    const calls: [what: string, method: string, path: string, body?: object][] = [
      ['sent a broadcast', 'POST', '/v1/messages', { to: { app, version: yan.version }, payload: text, ttl: 60 }],
      ['looked at the token of Yan', 'GET', `/v1/tokens/${yan.tokenId}`],
      ['looked at the messages of Yan', 'GET', `/v1/tokens/${yan.tokenId}/messages`],
      ['issued a token', 'POST', '/v1/tokens', { app, device: world.named('k-2'), ttl: 60 }],
      ['read events', 'GET', `/v1/events?${new URLSearchParams({ app, consumer }).toString()}`],
      ['revoked the token of Yan', 'DELETE', `/v1/tokens/${yan.tokenId}`],
    ]
    for (const [what, method, path, body] of calls)
      await world.refuses(`a key of another app ${what}`, () => ask(method, path, body))
    await overMqtt(world, key, yan)
    await world.settle([[yan, owner.isOpen ? owner : await world.join(yan)]])
    return undefined
  },
}

async function overMqtt(world: World, key: string, { app, tokenId, privateTopic }: Person): Promise<void> {
  const provider = await world.connectAs({ who: 'the provider of another app', username: 'provider', password: key })
  if (provider === undefined) throw new Error('a provider is refused with its own key')
  for (const filter of [`${app}/u/#`, `${app}/u/${tokenId}/#`, `$share/g/${app}/u/#`, privateTopic, '#']) {
    world.ledger.count += 1
    if ((await provider.subscribe(filter)) < REFUSED)
      world.ledger.leak('a key of another app was granted a subscription')
  }
  world.ledger.count += 1
  const text = world.ledger.payload('what a key of another app published', [])
  if ((await provider.publish(privateTopic, text)) < REFUSED)
    world.ledger.leak('a key of another app was allowed to publish to a device')
}
