// Does a broadcast reach exactly the versions it is for, and does its selector survive being stored as text?
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { satisfies } from 'semver'
import { t } from '../support/tap.ts'
import {
  decodeSelector,
  encodeSelector,
  parseTagSelector,
  parseVersions,
  readSelector,
  Selections,
  type Selector,
  type VersionSelector,
} from '../../topics/index.ts'
import { tagSelector, version } from './support/arbitraries.ts'

const selects = (one: Selector, its: string) => new Selections().selects(one, its, [])

const range = fc.constantFrom(
  '>=2.1 <3',
  '^1.2.3',
  '~2',
  '1.x',
  '1.0.0 || 2.0.0',
  '>1.0.0-rc.1',
  'x',
  '=1.0.0',
  '1 - 2',
)
const versions: fc.Arbitrary<VersionSelector> = fc.oneof(
  version.map((one) => ({ kind: 'exact', version: one }) as const),
  range.map((one) => ({ kind: 'range', range: one }) as const),
  fc.constant({ kind: 'all' } as const),
)
const tags = tagSelector.map((wanted) => parseTagSelector(wanted)!)
const selector: fc.Arbitrary<Selector> = fc.oneof(
  versions,
  fc.tuple(versions, tags).map(([one, tags]) => ({ ...one, tags })),
)

await t.test('a selector is read back from its text as it was', async (t) => {
  const property = fc.property(selector, (one) => {
    assert.deepEqual(decodeSelector(encodeSelector(one)), one)
    assert.deepEqual(readSelector(encodeSelector(one)), one)
  })
  fc.assert(property, { numRuns: 500 })
  t.pass('for every case')
})

await t.test('whatever a range or a version says, it is not taken for tags', async (t) => {
  const hostile = fc.string({ unit: fc.constantFrom('#', '\n', '{', '}', '"', '=', '~', '*', 'any', '[', ']', '1') })
  const property = fc.property(hostile, fc.option(tags, { nil: undefined }), (range, tags) => {
    const one: Selector = { kind: 'range', range, ...(tags === undefined ? {} : { tags }) }
    assert.deepEqual(decodeSelector(encodeSelector(one)), one)
  })
  fc.assert(property, { numRuns: 500 })
  t.pass('for every case')
})

await t.test('two selectors share a text only when they are equal', async (t) => {
  const property = fc.property(selector, selector, (one, other) => {
    return (encodeSelector(one) === encodeSelector(other)) === (JSON.stringify(one) === JSON.stringify(other))
  })
  fc.assert(property, { numRuns: 1_000 })
  t.pass('for every pair')
})

await t.test(
  'exactly selects that version, all selects every one, and a choice does not depend on storage',
  async (t) => {
    const property = fc.property(selector, version, version, (one, its, other) => {
      assert.ok(selects({ kind: 'all' }, its))
      assert.equal(selects({ kind: 'exact', version: its }, other), its === other)
      assert.equal(selects(one, its), selects(decodeSelector(encodeSelector(one)), its))
    })
    fc.assert(property, { numRuns: 300 })
    t.pass('for every case')
  },
)

await t.test('ranges', async (t) => {
  const cases: [string, string, boolean][] = [
    ['>=2.1 <3', '2.1.0', true],
    ['>=2.1 <3', '2.1', true],
    ['>=2.1 <3', '2', false],
    ['>=2.1 <3', '2.2.0-beta.1', true],
    ['>=2.1 <3', '2.9.9+build.7', true],
    ['>=2.1 <3', '3.0.0', false],
    ['>=2.1 <3', '3.0.0-beta.1', false],
    ['>=2.1 <3', '2.0.9', false],
    ['>=7', '7', true],
    ['>=7', '12', true],
    ['>=7', '6', false],
    ['x', '1.2.3', true],
    ['x', 'nightly', false],
    ['*', 'nightly', true],
    ['1.0.0 || 3', '3.1', true],
    ['>=1', '01.0', false],
    ['>=1', '99999999999999999999', false],
    ['>=1', '1.2.3.4', false],
  ]
  for (const [text, itsVersion, expected] of cases) {
    const parsed = parseVersions(text)
    t.ok(parsed, text)
    t.equal(parsed !== undefined && selects(parsed, itsVersion), expected, `${text} of ${itsVersion}`)
  }
})

await t.test('as semver says, whatever is remembered', async (t) => {
  const selections = new Selections()
  const ranges = [
    '>=2.1 <3',
    '^1.2.3-beta',
    '~2',
    '1.x || >=3',
    '>1.0.0-rc.1 <=2',
    'x',
    '<0.0.0-0',
    '1 - 2',
    '=1.0.0 || *',
  ]
  const numbers = fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3)).map((each) => each.join('.'))
  const versions = fc.tuple(numbers, fc.constantFrom('', '-beta', '-rc.1', '+7')).map((each) => each.join(''))
  const property = fc.property(fc.constantFrom(...ranges), versions, (text, its) => {
    const expected = satisfies(its, text, { includePrerelease: true })
    assert.equal(selections.selects({ kind: 'range', range: text }, its, []), expected, `${text} of ${its}`)
  })
  fc.assert(property, { numRuns: 3_000 })
  t.pass('for every case')
})

await t.test('what a range may cost', async (t) => {
  const alternatives = (count: number) => Array.from({ length: count }, (_, at) => `${at}.x`).join(' || ')
  t.ok(parseVersions(alternatives(16)))
  t.equal(parseVersions(alternatives(17)), undefined)
})

await t.test('what is no range', async (t) => {
  for (const text of [
    '',
    '   ',
    'nightly',
    '>=',
    '1.2.3 and up',
    '^'.repeat(10),
    '1'.repeat(300),
    '>=1 <',
    '1.2.3.4',
  ]) {
    t.equal(parseVersions(text), undefined, text.slice(0, 20))
  }
  t.strictSame(parseVersions(' * '), { kind: 'all' })
  t.strictSame(parseVersions(' >=1 '), { kind: 'range', range: '>=1' })
})

await t.test('what is no text of a selector', async (t) => {
  const texts = ['', '1.0', '=', '=$x', '=\u0000', '**', '>=1']
  const tagged = ['#', '#\n*', '#{}\n*', '#{"any":["a"]}', '#{"any":["a"]}\n', '#{"any":["a"]}*', '#{"any":["a"]}\n1']
  const unordered = [
    '#{"any":["b","a"]}\n*',
    '#{"any":["a","a"]}\n*',
    '#{ "any":["a"]}\n*',
    '#{"none":["a"],"any":["b"]}\n*',
  ]
  for (const text of [...texts, '#', '#{"any":["a"]}', '#{"any":["a"]}\n1'])
    t.throws(() => decodeSelector(text), JSON.stringify(text))
  for (const text of [...texts, ...tagged, ...unordered]) t.throws(() => readSelector(text), JSON.stringify(text))
})

await t.test('a long range takes no long time to refuse', async (t) => {
  // Parsing that grew with the square of the length or worse would not come to an end within the timeout of the test.
  for (const text of [' '.repeat(1_000_000), `>=${'1.'.repeat(500_000)}`, `${'1 || '.repeat(200_000)}`]) {
    t.equal(parseVersions(text), undefined)
  }
})
