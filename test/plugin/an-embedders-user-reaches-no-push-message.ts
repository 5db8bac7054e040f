// Does a user of the embedder's who subscribes to everything see push or upstream messages, or get one to a device?
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { barrier, connect, connectDevice, connectProvider, issueToken, send } from '../support/index.ts'
import { embed, JOE } from './support/embed.ts'

const embedded = await embed(t)
const issued = await issueToken(embedded, { app: 'chat', device: 'phone-1', version: '1.0' })
const device = await connectDevice(t, embedded, issued, { subscribe: true })
await device.subscribe('chat/1.0')
const provider = await connectProvider(t, embedded)
await provider.subscribe('chat/u/#')
const upstream = `chat/u/${issued.tokenId}/x`

const EVERYTHING = ['#', '+/+', '+/+/+', 'chat/#', '+/u/#', 'chat/t/+', issued.topics.private, 'chat/1.0', upstream]

/** Every road on which a push message can travel. */
async function everything(t: Test, retain: boolean): Promise<void> {
  await send(embedded, { token: issued.tokenId }, 'private over HTTP', { retain })
  await send(embedded, { app: 'chat', version: '1.0' }, 'broadcast over HTTP', { retain })
  for (const qos of [0, 1, 2] as const) {
    await provider.publish(issued.topics.private, `private with QoS ${qos}`, { qos, retain })
    await provider.publish('chat/1.0', `broadcast with QoS ${qos}`, { qos, retain })
    await device.publish(upstream, `upstream with QoS ${qos}`, { qos, retain })
  }
  for (const [topic, text] of [
    [issued.topics.private, 'private by will'],
    ['chat/1.0', 'broadcast by will'],
  ] as const) {
    const mortal = await connectProvider(t, embedded, {
      protocolVersion: 4,
      will: { topic, payload: Buffer.from(text), qos: 1, retain },
    })
    await mortal.reset()
  }
  const texts = (await device.nextN(10)).map(({ text }) => text).sort()
  t.same(
    texts,
    [
      ...['broadcast by will', 'broadcast over HTTP', 'private by will', 'private over HTTP'],
      ...[0, 1, 2].flatMap((qos) => [`broadcast with QoS ${qos}`, `private with QoS ${qos}`]),
    ].sort(),
    'the device gets all of it',
  )
  t.same(
    (await provider.nextN(3)).map(({ text }) => text).sort(),
    [0, 1, 2].map((qos) => `upstream with QoS ${qos}`),
    'and the provider what is for him',
  )
}

for (const retain of [false, true]) {
  for (const protocolVersion of [4, 5] as const) {
    await t.test(`a live user, protocol ${protocolVersion}${retain ? ', retained messages' : ''}`, async (t) => {
      const user = await connect(t, embedded, JOE, { protocolVersion })
      await user.subscribe(EVERYTHING)
      await everything(t, retain)
      await user.publish('own/topic', 'marker')
      t.equal((await user.next()).text, 'marker', 'he sees his own message and nothing before it')
      await user.end()
    })

    await t.test(
      `a user who was away, protocol ${protocolVersion}${retain ? ', retained messages' : ''}`,
      async (t) => {
        const how = {
          protocolVersion,
          clientId: `away-${protocolVersion}-${retain}`,
          clean: false,
          ...(protocolVersion === 5 ? { properties: { sessionExpiryInterval: 3600 } } : {}),
        }
        const user = await connect(t, embedded, JOE, how)
        await user.subscribe(EVERYTHING)
        await user.reset()
        await everything(t, retain)
        const writer = await connect(t, embedded, JOE)
        await writer.publish('own/topic', 'marker')
        const back = await connect(t, embedded, JOE, how)
        t.equal(back.connack.sessionPresent, true)
        t.equal((await back.next()).text, 'marker', 'his session kept his own message and nothing else')
        await back.end()
      },
    )
  }
}

await t.test('a user who comes later finds nothing retained', async (t) => {
  const user = await connect(t, embedded, JOE)
  await user.subscribe(EVERYTHING)
  await user.publish('own/topic', 'marker')
  t.equal((await user.next()).text, 'marker')
})

await t.test('what a user publishes on what looks like a private or an upstream topic', async (t) => {
  const topics = [issued.topics.private, upstream, `chat/t/${'A'.repeat(22)}`, `other/u/${issued.tokenId}/x`]
  for (const topic of topics) {
    for (const retain of [false, true]) {
      for (const protocolVersion of [4, 5] as const) {
        const user = await connect(t, embedded, JOE, {
          protocolVersion,
          will: { topic, payload: Buffer.from('evil'), qos: 1, retain },
        })
        for (const qos of [0, 1, 2] as const) await user.publish(topic, 'evil', { qos, retain })
        await user.reset()
      }
    }
  }
  t.same(await barrier(embedded, device), [], 'nothing of it reached the device')
  await device.publish(upstream, 'true')
  t.equal((await provider.next()).text, 'true', 'nor the provider')
})

await t.test('a user and a device who use one name of a broadcast do not meet', async (t) => {
  const user = await connect(t, embedded, JOE)
  await user.subscribe('chat/1.0')
  await user.publish('chat/1.0', "the embedder's own topic of two levels")
  t.equal((await user.next()).text, "the embedder's own topic of two levels")
  t.same(await barrier(embedded, device, { app: 'chat', version: '1.0' }), [])
  await send(embedded, { app: 'chat', version: '1.0' }, 'for devices')
  t.equal((await device.next()).text, 'for devices')
  await user.publish('chat/1.0', 'marker')
  t.equal((await user.next()).text, 'marker', 'the user did not see what was for devices')
})
