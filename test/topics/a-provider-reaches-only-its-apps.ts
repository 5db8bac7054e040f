// What may a provider subscribe to and publish, and does that ever take in an app that is not its own?
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { t } from '../support/tap.ts'
import { ALL_SCOPES, broadcastTopic, mayActFor, mayProviderSubscribe, privateTopic } from '../../topics/index.ts'
import { providerDestination, tokenId, upstreamPrefix, type Provider } from '../../topics/index.ts'
import { KEY, levelsOf, provider, triple, version } from './support/arbitraries.ts'
import { matches } from './support/mqtt.ts'

const some: Provider = { kind: 'provider', name: 'some', apps: new Set(['app']), scopes: ALL_SCOPES }
const every: Provider = { kind: 'provider', name: 'every', apps: 'all', scopes: ALL_SCOPES }

await t.test('whatever it may subscribe to matches only upstream topics of its apps', async (t) => {
  const property = fc.property(provider, triple, version, levelsOf, (one, theirs, itsVersion, levels) => {
    const id = tokenId(KEY, theirs)
    const apps = one.apps === 'all' ? [] : [...one.apps]
    const filter = levels([...apps, theirs.app, id, itsVersion])
    if (!mayProviderSubscribe(one, filter)) return
    const upstream = `${upstreamPrefix(theirs.app, id)}x`
    if (!mayActFor(one, theirs.app)) assert.ok(!matches(filter, upstream), `${filter} ${upstream}`)
    assert.ok(!matches(filter, privateTopic(theirs.app, id)), filter)
    // `<app>/u/#` takes in `<app>/u` too (section 4.7.1.2), which is the broadcast of a version `u` of an app of its own.
    const broadcast = broadcastTopic(theirs.app, itsVersion)
    if (itsVersion !== 'u' || !mayActFor(one, theirs.app))
      assert.ok(!matches(filter, broadcast), `${filter} ${broadcast}`)
  })
  fc.assert(property, { numRuns: 3_000 })
  t.pass('for every case')
})

await t.test('whatever it may publish to is a private or broadcast topic of its apps', async (t) => {
  const property = fc.property(provider, triple, version, levelsOf, (one, theirs, itsVersion, levels) => {
    const id = tokenId(KEY, theirs)
    const topics = [privateTopic(theirs.app, id), broadcastTopic(theirs.app, itsVersion)]
    for (const topic of topics)
      assert.equal(providerDestination(one, topic) !== undefined, mayActFor(one, theirs.app), topic)
    const topic = levels([theirs.app, id, itsVersion])
    const destination = providerDestination(one, topic)
    if (destination === undefined) return
    assert.ok(mayActFor(one, destination.app))
    const built =
      destination.kind === 'private'
        ? privateTopic(destination.app, destination.tokenId)
        : broadcastTopic(destination.app, destination.version)
    assert.equal(built, topic)
  })
  fc.assert(property, { numRuns: 1_000 })
  t.pass('for every case')
})

await t.test('a provider of every app may act for each, one of some apps for those', async (t) => {
  t.ok(mayActFor(every, 'anything'))
  t.ok(mayActFor(some, 'app'))
  for (const app of ['App', 'app ', '', 'all', '__proto__', 'has']) t.notOk(mayActFor(some, app), app)
})

await t.test('what a provider may and may not subscribe to', async (t) => {
  const id = tokenId(KEY, { app: 'app', device: 'phone', account: '' })
  for (const filter of ['app/u/#', 'app/u/+/location', `app/u/${id}/#`, `app/u/${id}/x`]) {
    t.ok(mayProviderSubscribe(some, filter), filter)
    t.ok(mayProviderSubscribe(every, filter), filter)
  }
  const refused = [
    '#',
    '+/u/#',
    '+/+/#',
    'app/#',
    'app/+/#',
    'app/+',
    'app/u',
    'app/u#',
    'app/t/#',
    `app/t/${id}`,
    'app/1.0',
    '/u/#',
    '',
    '/',
    '$SYS/u/#',
    '$share/u/#',
    '$share/group/app/u/#',
    'app/U/#',
    'a#/u/x',
    'a+/u/x',
  ]
  for (const filter of refused) {
    t.notOk(mayProviderSubscribe(some, filter), filter)
    t.notOk(mayProviderSubscribe(every, filter), filter)
  }
  t.notOk(mayProviderSubscribe(some, 'other/u/#'))
})

await t.test('what a provider may not publish to', async (t) => {
  const id = tokenId(KEY, { app: 'app', device: 'phone', account: '' })
  const refused = [
    `app/u/${id}/x`,
    'app/#',
    'app/+',
    `+/t/${id}`,
    `app/t/${id}/`,
    'app',
    '',
    '$SYS/x',
    `$share/g/app/t/${id}`,
  ]
  for (const topic of refused) t.equal(providerDestination(every, topic), undefined, topic)
  t.equal(providerDestination(some, 'other/1.0'), undefined)
})
