// Is everything that is meant as a message token seen as one, so that a bad one is not tried as another password?
import fc from 'fast-check'
import { t } from '../support/tap.ts'
import { ALGORITHMS, looksLikeToken } from '../../auth/index.ts'
import { account, appName, name } from '../topics/support/arbitraries.ts'
import { decode, encode, GRANT, testAuth } from './support/auth.ts'

const both = (password: string) => [looksLikeToken(password), looksLikeToken(Buffer.from(password))]

await t.test('every token that is issued', async (t) => {
  for (const algorithm of ALGORITHMS) {
    const auth = await testAuth({ algorithm })
    const property = fc.property(appName, name, account, (app, device, its) => {
      return !both(auth.issue({ ...GRANT, app, device, account: its }).token).includes(false)
    })
    fc.assert(property, { numRuns: 20 })
    t.pass(algorithm)
  }
})

await t.test('tokens that will be refused', async (t) => {
  const { header, claims, signature } = decode((await testAuth()).issue(GRANT).token)
  const none = `${encode({ alg: 'none' })}.${encode(claims)}.`
  t.same(both(none), [true, true], 'alg none')
  t.same(both(`${encode(header)}.${encode(claims)}.`), [true, true], 'no signature')
  t.same(both(`${encode({ ...header, kid: 'x' })}.${encode(claims)}.${signature}`), [true, true], 'unknown kid')
  t.same(both(`${encode({ pad: 'x'.repeat(60_000) })}.x.y`), [true, true], 'too long')
})

await t.test('other passwords', async (t) => {
  const passwords = [
    '',
    'secret',
    'a.b.c',
    '..',
    'eyJ',
    'eyJ..',
    'eyJh.',
    'eyJh.x',
    'eyJh..x',
    'eyJh.x.y.z',
    'eyJh.x y.z',
    'eyJh.x.y\n',
    ' eyJh.x.y',
    'eyJh.x.y=',
    'eYJh.x.y',
    '.eyJh.x',
    'passw0rd.with.dots',
    '1.2.3',
    'eyJh.é.y',
    'eyJh.x.\u0000',
  ]
  for (const password of passwords) t.same(both(password), [false, false], JSON.stringify(password))
  t.equal(looksLikeToken(Buffer.from([0x65, 0x79, 0x4a, 0x2e, 0xff, 0x2e, 0x78])), false, 'bytes that are no text')
})

await t.test('a password within a larger buffer is looked at alone', async (t) => {
  const packet = Buffer.from('xxeyJh.x.yxx')
  t.ok(looksLikeToken(packet.subarray(2, -2)))
  t.ok(looksLikeToken(new Uint8Array(packet.buffer, packet.byteOffset + 2, packet.length - 4)))
  t.notOk(looksLikeToken(packet.subarray(1)))
})
