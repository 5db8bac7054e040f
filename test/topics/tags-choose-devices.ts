// Does a choice of tags take exactly the devices that it says, and is nothing else taken for one?
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { t } from '../support/tap.ts'
import {
  isTag,
  parseTags,
  parseTagSelector,
  parseTagSelectorJson,
  Selections,
  type TagSelector,
} from '../../topics/index.ts'
import { anyText, tag, tagSelector } from './support/arbitraries.ts'

/** The words of the documentation, one device at a time. */
function takes({ any, all, none }: TagSelector, device: ReadonlySet<string>): boolean {
  if (any !== undefined && any.filter((each) => device.has(each)).length === 0) return false
  for (const each of all ?? []) if (!device.has(each)) return false
  for (const each of none ?? []) if (device.has(each)) return false
  return true
}

const selectorOf = (wanted: TagSelector) => ({ kind: 'all', tags: parseTagSelector(wanted)! }) as const

await t.test('as it says, whatever is remembered', async (t) => {
  const selections = new Selections()
  let taken = 0
  const device = fc.array(tag, { maxLength: 16 })
  const property = fc.property(tagSelector, device, (wanted, its) => {
    const expected = takes(wanted, new Set(its))
    taken += expected ? 1 : 0
    const selector = selectorOf(wanted)
    const tags = parseTags(its)!
    assert.equal(selections.selects(selector, 'nightly', tags), expected, JSON.stringify([wanted, its]))
    assert.equal(selections.selects(selector, 'nightly', its), expected, 'in any order, and more than once')
    assert.equal(selections.tagTest(selector)!(tags), expected)
  })
  fc.assert(property, { numRuns: 3_000 })
  t.ok(taken > 100, `${taken} were taken`)
})

await t.test('where the tags are not known, nothing that asks for tags is for the device', async (t) => {
  const selections = new Selections()
  for (const wanted of [{ any: ['a'] }, { all: ['a'] }, { none: ['a'] }])
    t.notOk(selections.selects(selectorOf(wanted), '1.0', undefined), JSON.stringify(wanted))
  t.ok(selections.selects({ kind: 'all' }, '1.0', undefined))
  t.equal(selections.tagTest({ kind: 'all' }), undefined)
})

await t.test('both the version and the tags have to fit', async (t) => {
  const selections = new Selections()
  const selector = { kind: 'range', range: '>=2', tags: '{"any":["beta"]}' } as const
  t.ok(selections.selects(selector, '2.1.0', ['beta']))
  t.notOk(selections.selects(selector, '1.9.0', ['beta']))
  t.notOk(selections.selects(selector, '2.1.0', ['alpha']))
})

await t.test('one text for what means the same', async (t) => {
  const shuffled = (list: readonly string[] | undefined) =>
    list && [...list, ...list.slice(0, 16 - list.length)].reverse()
  const property = fc.property(tagSelector, ({ any, all, none }) => {
    const text = parseTagSelector({ any, all, none })!
    assert.equal(parseTagSelector({ none: shuffled(none), all: shuffled(all), any: shuffled(any) }), text)
    assert.equal(parseTagSelectorJson(text), text, 'read again')
    const sorted = (list: readonly string[] | undefined) => list && [...new Set(list)].sort()
    assert.deepEqual(
      JSON.parse(text),
      JSON.parse(JSON.stringify({ any: sorted(any), all: sorted(all), none: sorted(none) })),
    )
  })
  fc.assert(property, { numRuns: 1_000 })
  t.pass('for every case')
})

await t.test('what is a tag', async (t) => {
  const printable = (value: string) =>
    /^[^\u0000-\u001f\u007f-\u009f]*$/.test(value) && Buffer.from(value).toString() === value
  const property = fc.property(anyText, (value) => {
    const bytes = Buffer.byteLength(value)
    assert.equal(isTag(value), bytes >= 1 && bytes <= 64 && printable(value), JSON.stringify(value))
  })
  fc.assert(property, { numRuns: 2_000 })
  t.ok(isTag('ß'.repeat(32)))
  t.notOk(isTag('ß'.repeat(33)))
  t.ok(isTag('a'.repeat(64)))
  t.notOk(isTag('a'.repeat(65)))
  for (const value of [undefined, null, 1, ['a'], {}]) t.notOk(isTag(value), JSON.stringify(value))
})

await t.test('the tags of a token', async (t) => {
  t.strictSame(parseTags(['b', 'a', 'b', 'B']), ['B', 'a', 'b'])
  t.strictSame(parseTags([]), [])
  const many = (count: number) => Array.from({ length: count }, (_, at) => `tag ${at}`)
  t.equal(parseTags(many(16))?.length, 16)
  for (const list of [many(17), [''], ['a\n'], ['a', 1], 'a', undefined, null, { 0: 'a', length: 1 }])
    t.equal(parseTags(list), undefined, JSON.stringify(list)?.slice(0, 40))
})

await t.test('what is no choice of tags', async (t) => {
  const many = Array.from({ length: 17 }, (_, at) => `${at}`)
  const values = [
    undefined,
    null,
    'a',
    1,
    [],
    [{ any: ['a'] }],
    {},
    { any: undefined },
    { any: [] },
    { any: 'a' },
    { any: [''] },
    { any: ['a\u0000'] },
    { any: ['\ud800'] },
    { any: [1] },
    { any: many },
    { any: null },
    { all: ['a'], any: [] },
    { any: ['a'], some: ['b'] },
    { Any: ['a'] },
    JSON.parse('{"any":["a"],"__proto__":{"none":["b"]}}'),
  ]
  for (const value of values) t.equal(parseTagSelector(value), undefined, JSON.stringify(value))
  for (const json of ['', '{', 'any', '"any"', '[]', '{"any":["a"]', `${'['.repeat(50_000)}`])
    t.equal(parseTagSelectorJson(json), undefined, json.slice(0, 20))
  t.equal(parseTagSelectorJson(' {"none": ["b", "a"]} '), '{"none":["a","b"]}')
})
