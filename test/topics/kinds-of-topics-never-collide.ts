// Can a broadcast topic be taken for a private or upstream one, or the other way round?
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { t } from '../support/tap.ts'
import { broadcastTopic, parseTopic, privateTopic, tokenId, upstreamPrefix } from '../../topics/index.ts'
import { anyText, KEY, levelsOf, triple, version } from './support/arbitraries.ts'
import { matches } from './support/mqtt.ts'

await t.test('every topic is read as what it was built as', async (t) => {
  const property = fc.property(
    triple,
    version,
    fc.constantFrom('x', 'x/y', ' ', '$x', 'x/'),
    (one, itsVersion, rest) => {
      const { app } = one
      const id = tokenId(KEY, one)
      assert.deepEqual(parseTopic(privateTopic(app, id)), { kind: 'private', app, tokenId: id })
      assert.deepEqual(parseTopic(broadcastTopic(app, itsVersion)), { kind: 'broadcast', app, version: itsVersion })
      assert.deepEqual(parseTopic(upstreamPrefix(app, id) + rest), { kind: 'upstream', app, tokenId: id })
    },
  )
  fc.assert(property, { numRuns: 300 })
  t.pass('for every case')
})

await t.test('what is read as a push topic is built to the same text', async (t) => {
  const id = tokenId(KEY, { app: 'a', device: 'b', account: '' })
  const property = fc.property(
    fc.oneof(
      levelsOf.map((levels) => levels(['a', id, '1.0', '%2B'])),
      anyText,
    ),
    (topic) => {
      const parsed = parseTopic(topic)
      if (parsed === undefined) return true
      if (parsed.kind === 'broadcast') return broadcastTopic(parsed.app, parsed.version) === topic
      if (parsed.kind === 'private') return privateTopic(parsed.app, parsed.tokenId) === topic
      return topic.startsWith(upstreamPrefix(parsed.app, parsed.tokenId))
    },
  )
  fc.assert(property, { numRuns: 3_000 })
  t.pass('for every topic')
})

await t.test('no broadcast topic matches what may be subscribed to of private topics, nor lies upstream', async (t) => {
  const property = fc.property(triple, version, (one, itsVersion) => {
    const id = tokenId(KEY, one)
    const broadcast = broadcastTopic(one.app, itsVersion)
    assert.ok(!matches(privateTopic(one.app, id), broadcast))
    assert.ok(!broadcast.startsWith(`${one.app}/t/`))
    assert.ok(!broadcast.startsWith(`${one.app}/u/`))
  })
  fc.assert(property, { numRuns: 500 })
  t.pass('for every case')
})

await t.test('versions called t and u are broadcasts like any other', async (t) => {
  t.strictSame(parseTopic('app/t'), { kind: 'broadcast', app: 'app', version: 't' })
  t.strictSame(parseTopic('app/u'), { kind: 'broadcast', app: 'app', version: 'u' })
})

await t.test('what is no push topic', async (t) => {
  const id = tokenId(KEY, { app: 'a', device: 'b', account: '' })
  const others = [
    '',
    '/',
    'app',
    'app/',
    '/1.0',
    '//',
    'app//',
    'app/t/',
    `app/t/${id}/`,
    `app/t/${id}/x`,
    `app//${id}`,
    'app/t/short',
    `app/T/${id}`,
    `app/x/${id}`,
    'app/u/',
    `app/u/${id}`,
    `app/u/${id}/`,
    'app/u/short/x',
    `+/t/${id}`,
    'app/+',
    'app/#',
    '#',
    '+/+',
    `$share/group/app/t/${id}`,
    '$share/app',
    '$SYS/broker',
    `$app/t/${id}`,
    `a%70p/t/${id}`,
    'app/1.0/',
    '/app/1.0',
    'app/%2b',
    'app/$x',
  ]
  for (const topic of others) t.equal(parseTopic(topic), undefined, JSON.stringify(topic))
})
