// Can an allowed name add a level, act as a wildcard, or reach the topics that start with $?
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { t } from '../support/tap.ts'
import { broadcastTopic, isAppName, isMessageId, isName, isVersion } from '../../topics/index.ts'
import { privateTopic, tokenId, upstreamPrefix } from '../../topics/index.ts'
import { anyText, appName, KEY, triple, version } from './support/arbitraries.ts'

/** The rule as the documentation words it, written from there. */
function allowed(value: string, forbidden: string): boolean {
  const bytes = Buffer.from(value, 'utf8')
  const controls = Array.from(value).some((character) => {
    const point = character.codePointAt(0) ?? 0
    return point < 0x20 || (point >= 0x7f && point < 0xa0) || (point >= 0xd800 && point < 0xe000)
  })
  const clean = !forbidden.split('').some((character) => value.includes(character))
  return bytes.length >= 1 && bytes.length <= 128 && !controls && clean && value[0] !== '$'
}

await t.test('names follow the documented rule', async (t) => {
  const property = fc.property(anyText, (value) => {
    assert.equal(isName(value), allowed(value, '/+#'), JSON.stringify(value))
    assert.equal(isAppName(value), allowed(value, '/+#%'), JSON.stringify(value))
    assert.equal(isVersion(value), allowed(value, ''), JSON.stringify(value))
    assert.equal(isMessageId(value), allowed(value.replace(/^\$/, '_'), ''), JSON.stringify(value))
  })
  fc.assert(property, { numRuns: 1_000 })
  t.pass('for every case')
})

await t.test('the limit is 128 bytes, not characters', async (t) => {
  for (const [character, bytes] of [
    ['a', 1],
    ['é', 2],
    ['漢', 3],
    ['𝄞', 4],
  ] as const) {
    const most = character.repeat(Math.floor(128 / bytes))
    t.ok(isName(most), `${most.length} of ${character}`)
    t.notOk(isName(most + character), `one more ${character}`)
  }
  t.ok(isMessageId(`$${'a'.repeat(127)}`))
  t.notOk(isMessageId(`$${'a'.repeat(128)}`))
})

await t.test(
  'every topic has the levels it should have, no wildcard, no control character, and no $ at the start',
  async (t) => {
    const property = fc.property(triple, version, (one, itsVersion) => {
      const id = tokenId(KEY, one)
      const topics = [
        [privateTopic(one.app, id), 3],
        [broadcastTopic(one.app, itsVersion), 2],
        [`${upstreamPrefix(one.app, id)}x`, 4],
      ] as const
      for (const [topic, levels] of topics) {
        assert.equal(topic.split('/').length, levels, topic)
        assert.doesNotMatch(topic, /[+#\u0000-\u001f]|^\$/, JSON.stringify(topic))
        assert.equal(Buffer.from(topic, 'utf8').toString('utf8'), topic, 'it is well-formed UTF-8')
        assert.ok(Buffer.byteLength(topic, 'utf8') < 65_536)
      }
    })
    fc.assert(property, { numRuns: 500 })
    t.pass('for every case')
  },
)

await t.test('the level of an app is the app', async (t) => {
  fc.assert(fc.property(appName, version, (app, of) => broadcastTopic(app, of).split('/')[0] === app))
  t.pass('for every app')
})
