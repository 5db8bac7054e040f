// Is text taken exactly when it is well-formed UTF-8 without U+0000, and names when they have no control characters either?
import { Buffer, isUtf8 } from 'node:buffer'
import fc from 'fast-check'
import { t } from '../support/tap.ts'
import { Text, textKind } from '../../broker/codec/utf8.ts'

const isWellFormed = (bytes: Buffer, strict: boolean) => textKind(bytes, 0, bytes.length, strict) !== Text.invalid

t.test('every code point', async (t) => {
  const wrong: string[] = []
  for (let point = 0; point <= 0x10ffff; point++) {
    const surrogate = point >= 0xd800 && point <= 0xdfff
    const bytes = surrogate
      ? Buffer.from([0xe0 | (point >> 12), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f)])
      : Buffer.from(String.fromCodePoint(point))
    const control = point < 0x20 || (point >= 0x7f && point < 0xa0)
    const nonCharacter = (point >= 0xfdd0 && point <= 0xfdef) || (point & 0xfffe) === 0xfffe
    if (isWellFormed(bytes, false) !== (!surrogate && point !== 0)) wrong.push(`text ${point.toString(16)}`)
    if (isWellFormed(bytes, true) !== !(surrogate || control || nonCharacter)) wrong.push(`name ${point.toString(16)}`)
  }
  t.same(wrong, [])
})

t.test('ill-formed sequences', async (t) => {
  const sequences = ['80', 'bf', 'c080', 'c1bf', 'c3', 'c328', 'e08080', 'e09fbf', 'e282', 'e28228', 'eda080', 'edbfbf']
  const longer = [
    'f0808080',
    'f08fbfbf',
    'f0288cbc',
    'f48fbf',
    'f4908080',
    'f5808080',
    'f888808080',
    'fe',
    'ff',
    '6161c3',
  ]
  for (const sequence of [...sequences, ...longer]) {
    for (const strict of [false, true]) t.notOk(isWellFormed(Buffer.from(sequence, 'hex'), strict), sequence)
  }
})

t.test('any bytes, as Node judges them', async (t) => {
  const likely = fc.constantFrom(
    0x00,
    0x2f,
    0x61,
    0x7f,
    0x80,
    0x9f,
    0xa0,
    0xbf,
    0xc2,
    0xdf,
    0xe0,
    0xed,
    0xef,
    0xf0,
    0xf4,
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(likely, fc.nat(255)), { maxLength: 12 }), (values) => {
      const bytes = Buffer.from(values)
      return isWellFormed(bytes, false) === (isUtf8(bytes) && !bytes.includes(0))
    }),
    { numRuns: 20_000 },
  )
  t.pass('20_000 cases')
})

t.test('the kind says how to decode it', async (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 20 }), fc.nat(3), (text, before) => {
      const bytes = Buffer.concat([Buffer.alloc(before, 0xff), Buffer.from(text), Buffer.from([0xff])])
      const kind = textKind(bytes, before, bytes.length - 1, false)
      if (text.includes('\0')) return kind === Text.invalid
      return kind === (Buffer.byteLength(text) === text.length ? Text.ascii : Text.multibyte)
    }),
  )
  t.pass('100 cases')
})
