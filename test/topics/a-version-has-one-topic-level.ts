// Is a version written as a topic level in exactly one way, and read back as it was?
import fc from 'fast-check'
import { t } from '../support/tap.ts'
import { decodeVersion, encodeVersion } from '../../topics/index.ts'
import { anyText, version } from './support/arbitraries.ts'

await t.test('what is encoded is decoded to the same version', async (t) => {
  fc.assert(
    fc.property(version, (one) => decodeVersion(encodeVersion(one)) === one),
    { numRuns: 2_000 },
  )
  t.pass('for every version')
})

await t.test('different versions have different levels', async (t) => {
  const property = fc.property(version, version, (one, other) => {
    return (encodeVersion(one) === encodeVersion(other)) === (one === other)
  })
  fc.assert(property, { numRuns: 2_000 })
  t.pass('for every pair')
})

await t.test('a level that decodes is the one that its version encodes to', async (t) => {
  const property = fc.property(fc.oneof(anyText, version), (level) => {
    const decoded = decodeVersion(level)
    return decoded === undefined || encodeVersion(decoded) === level
  })
  fc.assert(property, { numRuns: 2_000 })
  t.pass('for every level')
})

await t.test('examples', async (t) => {
  t.equal(encodeVersion('1.0+b7'), '1.0%2Bb7')
  t.equal(encodeVersion('a/b#c%d+'), 'a%2Fb%23c%25d%2B')
  t.equal(encodeVersion('%2B'), '%252B')
  t.equal(decodeVersion('%252B'), '%2B')
  const other = [
    '',
    '+',
    '#',
    'a/b',
    '%',
    '%2',
    '%2b',
    '%2f',
    '%41',
    '%24x',
    '$x',
    '1.0 \u0000',
    '\ud800',
    '%00',
    'a'.repeat(129),
  ]
  for (const level of other) t.equal(decodeVersion(level), undefined, JSON.stringify(level))
})
