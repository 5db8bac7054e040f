// What may a device subscribe to and publish, and does that ever take in anything of somebody else?
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { t } from '../support/tap.ts'
import { broadcastTopic, deviceSubscription, mayDevicePublish, parseTopic } from '../../topics/index.ts'
import { privateTopic, tokenId, upstreamPrefix } from '../../topics/index.ts'
import { anyText, deviceOf, KEY, levelsOf, sameTriple, triple, version } from './support/arbitraries.ts'
import { matches } from './support/mqtt.ts'

await t.test(
  'a device may subscribe to its private topic and the broadcasts of its app, and publish upstream',
  async (t) => {
    const property = fc.property(triple, version, (one, itsVersion) => {
      const device = deviceOf(one)
      const own = { kind: 'private', app: one.app, tokenId: device.tokenId }
      assert.deepEqual(deviceSubscription(device, privateTopic(one.app, device.tokenId)), own)
      const broadcast = { kind: 'broadcast', app: one.app, version: itsVersion }
      assert.deepEqual(deviceSubscription(device, broadcastTopic(one.app, itsVersion)), broadcast)
      assert.ok(mayDevicePublish(device, `${upstreamPrefix(one.app, device.tokenId)}location`))
    })
    fc.assert(property, { numRuns: 300 })
    t.pass('for every case')
  },
)

await t.test(
  'whatever it may subscribe to matches no private or upstream topic of another triple, nor another app',
  async (t) => {
    const property = fc.property(triple, triple, version, levelsOf, (one, other, itsVersion, levels) => {
      const device = deviceOf(one)
      const stranger = deviceOf(other)
      const words = [one.app, other.app, device.tokenId, stranger.tokenId, itsVersion]
      const theirs = [privateTopic(other.app, stranger.tokenId), `${upstreamPrefix(other.app, stranger.tokenId)}x`]
      const filters = [...theirs, broadcastTopic(other.app, itsVersion), levels(words)]
      for (const filter of filters.filter((each) => deviceSubscription(device, each) !== undefined)) {
        assert.doesNotMatch(filter, /[+#]/)
        if (!sameTriple(one, other))
          for (const topic of theirs) assert.ok(!matches(filter, topic), `${filter} ${topic}`)
        if (one.app !== other.app) assert.ok(!matches(filter, broadcastTopic(other.app, itsVersion)), filter)
      }
    })
    fc.assert(property, { numRuns: 2_000 })
    t.pass('for every case')
  },
)

await t.test('whatever it may publish is below its own upstream topic, for any text', async (t) => {
  const property = fc.property(triple, triple, anyText, levelsOf, (one, other, text, levels) => {
    const device = deviceOf(one)
    const stranger = deviceOf(other)
    const prefix = upstreamPrefix(one.app, device.tokenId)
    const words = [one.app, other.app, device.tokenId, stranger.tokenId]
    const topics = [text, prefix + text, upstreamPrefix(other.app, stranger.tokenId) + text, levels(words)]
    for (const topic of topics.filter((each) => mayDevicePublish(device, each))) {
      assert.ok(topic.startsWith(prefix), topic)
      assert.deepEqual(parseTopic(topic), { kind: 'upstream', app: one.app, tokenId: device.tokenId })
    }
  })
  fc.assert(property, { numRuns: 2_000 })
  t.pass('for every case')
})

await t.test('what a device may not subscribe to', async (t) => {
  const device = deviceOf({ app: 'app', device: 'phone', account: 'alice' })
  const bob = tokenId(KEY, { app: 'app', device: 'phone', account: 'bob' })
  const own = privateTopic('app', device.tokenId)
  const refused = [
    '#',
    '+',
    '+/#',
    'app/#',
    'app/+',
    'app/t/#',
    'app/t/+',
    'app/+/+',
    `+/t/${device.tokenId}`,
    `app/+/${device.tokenId}`,
    `${own}/#`,
    `${own}/+`,
    `${own}/`,
    `/${own}`,
    `$share/group/${own}`,
    '$share/group/app/1.0',
    '$SYS/#',
    '$SYS/broker/version',
    `app/t/${bob}`,
    `other/t/${device.tokenId}`,
    'other/1.0',
    'App/1.0',
    'app/',
    'app',
    '',
    '/',
    'app/1.0/x',
    'app/a%2b',
    `app/u/${device.tokenId}/x`,
    `app/u/${device.tokenId}/#`,
    'app/u/#',
    `app/u/${bob}/#`,
  ]
  for (const filter of refused) t.equal(deviceSubscription(device, filter), undefined, JSON.stringify(filter))
})

await t.test('what a device may not publish', async (t) => {
  const device = deviceOf({ app: 'app', device: 'phone', account: 'alice' })
  const prefix = upstreamPrefix('app', device.tokenId)
  const bob = tokenId(KEY, { app: 'app', device: 'phone', account: 'bob' })
  const refused = [
    '',
    prefix,
    prefix.slice(0, -1),
    privateTopic('app', device.tokenId),
    `app/t/${bob}`,
    'app/1.0',
    `app/u/${bob}/x`,
    `other/u/${device.tokenId}/x`,
    `${prefix}+`,
    `${prefix}#`,
    `${prefix}a/#`,
    `${prefix}a\u0000`,
    `/${prefix}x`,
    `$SYS/${prefix}x`,
  ]
  for (const topic of refused) t.notOk(mayDevicePublish(device, topic), JSON.stringify(topic))
})
