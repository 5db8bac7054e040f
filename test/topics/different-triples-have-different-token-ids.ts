// Can two different (app, device, account) triples ever share a token id, and so a private topic?
import fc from 'fast-check'
import { t } from '../support/tap.ts'
import { isTokenId, privateTopic, tokenId, type Triple } from '../../topics/index.ts'
import { KEY, sameTriple, triple } from './support/arbitraries.ts'

const id = (app: string, device: string, account: string) => tokenId(KEY, { app, device, account })

await t.test('two triples share a token id exactly when they are equal', async (t) => {
  const property = fc.property(triple, triple, (one, other) => {
    const equal = tokenId(KEY, one) === tokenId(KEY, other)
    return equal === sameTriple(one, other)
  })
  fc.assert(property, { numRuns: 2_000 })
  t.pass('for every pair')
})

await t.test('the parts cannot flow into each other: every cut of one text is another token id', async (t) => {
  for (const text of ['abcabc', 'aaaaaa', 'com.example.app', '漢漢漢漢', '11213141']) {
    const ids = new Map<string, Triple>()
    for (let first = 1; first < text.length; first++) {
      for (let second = first + 1; second <= text.length; second++) {
        const cut = { app: text.slice(0, first), device: text.slice(first, second), account: text.slice(second) }
        t.notOk(ids.has(tokenId(KEY, cut)), `${cut.app}|${cut.device}|${cut.account}`)
        ids.set(tokenId(KEY, cut), cut)
      }
    }
  }
})

await t.test('neighbours that look alike are different', async (t) => {
  const alike = [
    id('a', 'bc', ''),
    id('ab', 'c', ''),
    id('a', 'b', 'c'),
    id('a', 'b', ''),
    id('b', 'a', ''),
    id('A', 'b', ''),
    id('a', 'b ', ''),
    id('é', 'b', ''),
    id('e\u0301', 'b', ''),
    id('\ufeffa', 'b', ''),
    id('a', 'b', '0'),
    id('a', 'b', '\u0660'),
  ]
  t.equal(new Set(alike).size, alike.length)
})

await t.test('parts whose bytes look like the length of a part are different', async (t) => {
  // The lengths go into the hash as four bytes; names cannot hold NUL, but the hash must not depend on that.
  t.not(id('a', 'b\u0000\u0000\u0000\u0001c', ''), id('a', 'b', 'c'))
  t.not(id('a', 'b', '\u0000\u0000\u0000\u0000'), id('a', 'b', ''))
})

await t.test('a hundred thousand triples have as many token ids', async (t) => {
  const ids = new Set<string>()
  for (let n = 0; n < 100_000; n++) ids.add(id(`app${n % 7}`, `device${n % 1_000}`, n % 3 === 0 ? '' : `${n}`))
  const expected = new Set<string>()
  for (let n = 0; n < 100_000; n++) expected.add(`app${n % 7}|device${n % 1_000}|${n % 3 === 0 ? '' : n}`)
  t.equal(ids.size, expected.size)
})

await t.test(
  'a token id is 22 characters that are safe in a topic, and so is the private topic one per triple',
  async (t) => {
    const property = fc.property(triple, triple, (one, other) => {
      const topics = [one, other].map((each) => privateTopic(each.app, tokenId(KEY, each)))
      return isTokenId(tokenId(KEY, one)) && (topics[0] === topics[1]) === sameTriple(one, other)
    })
    fc.assert(property, { numRuns: 500 })
    t.pass('for every pair')
  },
)

await t.test('another key gives other token ids', async (t) => {
  fc.assert(fc.property(triple, (one) => tokenId(KEY, one) !== tokenId(Buffer.alloc(32, 1), one)))
  t.pass('for every triple')
})

await t.test('token ids stay the same from release to release, or every device would lose its messages', async (t) => {
  t.equal(id('app', 'device', 'account'), 'R8qNLA4_zFQynXkhtCr31w')
  t.equal(id('app', 'device', ''), 'R8oV4TvS6AB_dFa_F0VkQg')
})

await t.test('what is not a token id is not taken for one', async (t) => {
  const good = id('app', 'device', '')
  t.ok(isTokenId(good))
  const last = good.at(-1) === 'A' ? 'B' : 'h'
  for (const bad of ['', good.slice(1), `${good}A`, `${good.slice(0, -1)}${last}`, `${good}\n`, `+${good.slice(1)}`]) {
    t.notOk(isTokenId(bad), JSON.stringify(bad))
  }
})
