// Are Retain Handling 0, 1 and 2 and Retain As Published of MQTT 5 subscriptions obeyed, on both kinds of topics?
import { t } from '../support/tap.ts'
import { type SubscribeOptions, barrier, connectDevice, issueToken, send, startServer } from '../support/index.ts'
import { texts, untilNothingIsPending } from './support/messages.ts'

const server = await startServer(t)
const app = 'shop'

for (const kind of ['private', 'broadcast'] as const) {
  const version = `1.0.0-${kind}`
  const token = (device: string) => issueToken(server, { app, device: `${kind} ${device}`, version })
  const to = (issued: Awaited<ReturnType<typeof token>>) =>
    kind === 'private' ? { token: issued.tokenId } : { app, version }

  await t.test(`Retain Handling, ${kind}`, async (t) => {
    const issued = await token('handling')
    const topic = issued.topics[kind]!
    const first = await connectDevice(t, server, issued)
    await send(server, to(issued), 'state', { retain: true })
    await first.subscribe(topic)
    t.match(await first.next(), { text: 'state', retain: true })
    await untilNothingIsPending(server, issued)
    await first.end()

    const device = await connectDevice(t, server, issued, {
      clean: true,
      properties: { sessionExpiryInterval: 3600 },
    })
    const got = async (how: SubscribeOptions) => {
      t.same(await device.subscribe(topic, how), [1])
      return texts(await barrier(server, device, to(issued)))
    }
    t.same(await got({ retainHandling: 2 }), [], '2: never')
    t.same(await got({ retainHandling: 1 }), [], '1: not for a subscription that exists')
    t.same(await got({ retainHandling: 0 }), ['state'], '0: at every SUBSCRIBE')
    t.same(await got({ retainHandling: 0 }), ['state'])
    await device.client.unsubscribeAsync(topic)
    t.same(await got({ retainHandling: 1 }), ['state'], '1: for a new subscription')
    t.same(await got({ retainHandling: 1 }), [])
    await untilNothingIsPending(server, issued)
    await device.end()

    const resumed = await connectDevice(t, server, issued, { clean: false, properties: { sessionExpiryInterval: 0 } })
    t.equal(resumed.connack.sessionPresent, true)
    t.same(await barrier(server, resumed, to(issued)), [], 'resuming a session subscribes to nothing')
    await resumed.subscribe(topic, { retainHandling: 1 })
    t.same(await barrier(server, resumed, to(issued)), [], '1: nor does repeating what the session holds')
    await untilNothingIsPending(server, issued)
    await resumed.end()

    const fresh = await connectDevice(t, server, issued, { clean: false })
    t.equal(fresh.connack.sessionPresent, false)
    await fresh.subscribe(topic, { retainHandling: 1 })
    t.match(await fresh.next(), { text: 'state', retain: true }, '1: new with a new session')
  })

  await t.test(`what is pending comes with any Retain Handling, ${kind}`, async (t) => {
    const issued = await token('pending')
    await send(server, to(issued), 'pending', { retain: true })
    const device = await connectDevice(t, server, issued)
    await device.subscribe(issued.topics[kind]!, { retainHandling: 2 })
    t.match(await device.next(), { text: 'pending', retain: false }, 'as a message like others')
    t.same(await barrier(server, device, to(issued)), [])
    await untilNothingIsPending(server, issued)
  })

  await t.test(`Retain As Published, ${kind}`, async (t) => {
    const issued = await token('as published')
    const device = await connectDevice(t, server, issued)
    for (const retainAsPublished of [true, false]) {
      await device.subscribe(issued.topics[kind]!, { retainAsPublished, retainHandling: 2 })
      await send(server, to(issued), 'retained', { retain: true })
      t.match(await device.next(), { text: 'retained', retain: retainAsPublished })
      await send(server, to(issued), 'plain')
      t.match(await device.next(), { text: 'plain', retain: false })
    }
    await untilNothingIsPending(server, issued)
    await device.end()
    await send(server, to(issued), 'pending retained', { retain: true })
    await send(server, to(issued), 'pending plain')
    const later = await connectDevice(t, server, issued)
    await later.subscribe(issued.topics[kind]!, { retainAsPublished: true, retainHandling: 2 })
    t.match(await later.next(), { text: 'pending retained', retain: true })
    t.match(await later.next(), { text: 'pending plain', retain: false })
  })
}
