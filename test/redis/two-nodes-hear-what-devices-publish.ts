// Does a node hear what devices publish at another one, with the message where it is stored nowhere, until it stops?
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { eventually } from '../support/index.ts'
import { onServerAndCluster, redisStore } from './support/engine.ts'
import { APP } from './support/people.ts'
import { publisher, textOf, UpstreamEar } from './support/upstream.ts'

const LARGE = Buffer.alloc(200_000, 'x')

async function heard(t: Test, url: string): Promise<void> {
  const near = await redisStore(t, { url })
  const far = await redisStore(t, { url })
  const deaf = await redisStore(t, { url })
  const ears = [near, far, deaf].map((store) => {
    const ear = new UpstreamEar()
    store.watch(ear)
    return ear
  })
  const [nearEar, farEar, deafEar] = ears as [UpstreamEar, UpstreamEar, UpstreamEar]
  const stops = [await near.listenUpstream(APP), await far.listenUpstream(APP)]
  await far.listenUpstream('another')
  const phone = await publisher(near, 'phone')
  const part = near.upstreamPart(phone.tokenId)

  t.match(await phone.publish('nobody reads'), { offset: 0, read: false })
  t.match(await phone.publish('told', { as: 'told', subject: 'a/b' }), { offset: 0, read: true })
  await phone.publish(LARGE, { as: 'told' })
  await far.openReader({ app: APP, reader: 'reader', expiresAt: Infinity })
  const small = await phone.publish('stored')
  const large = await phone.publish(LARGE)
  const wanted = [
    { app: APP, part, offset: 0, entry: { tokenId: phone.tokenId, subject: 'a/b', offset: 0, retain: false } },
    { app: APP, part, offset: 0, entry: { payload: LARGE } },
    { app: APP, part, offset: small.offset, entry: { offset: small.offset, subject: 'state' } },
    { app: APP, part, offset: large.offset },
  ]
  for (const ear of [nearEar, farEar]) {
    await eventually('all that was published', () => ear.heard.length >= wanted.length)
    t.match(ear.heard, wanted)
    t.equal(textOf(ear.heard[0]!.entry!), 'told')
  }
  t.equal(farEar.heard[3]?.entry, undefined, 'what is large and stored is read')

  await far.claimUpstream({
    ...{ app: APP, reader: 'reader', part, member: 'ann', until: Date.now() + 60_000 },
    limit: { entries: 9, bytes: Infinity },
  })
  await far.releaseClaims({ app: APP, reader: 'reader', part, member: 'ann' })
  await eventually('news that they are free', () => nearEar.heard.length > 4 && farEar.heard.length > 4)
  t.match(nearEar.heard[4], { app: APP, part, offset: large.offset, entry: undefined })

  for (const stop of stops) stop()
  // Goes the same way as the end of listening, after it.
  await far.openReader({ app: APP, reader: 'reader', expiresAt: Infinity })
  await phone.publish('nobody listens', { as: 'told' })
  t.equal(nearEar.heard.length, 5)
  t.same(deafEar.heard, [])
}

await onServerAndCluster(t, heard)
