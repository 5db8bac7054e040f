// Is there any change to a token, however small, after which it is still accepted?
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { t } from '../support/tap.ts'
import { ALGORITHMS } from '../../auth/index.ts'
import { decode, encode, GRANT, refuses, testAuth } from './support/auth.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ '

for (const algorithm of ALGORITHMS) {
  await t.test(`${algorithm}: one character changed, left out, added or doubled`, async (t) => {
    const auth = await testAuth({ algorithm })
    const { token } = auth.issue(GRANT)
    const place = fc.nat({ max: token.length - 1 })
    const character = fc.constantFrom(...ALPHABET.split(''))
    const cut = fc.constantFrom(0, 1, 2)
    const property = fc.property(place, character, cut, fc.boolean(), (at, put, leaveOut, verifyFirst) => {
      if (verifyFirst) auth.verify(token)
      const changed = token.slice(0, at) + put + token.slice(at + leaveOut)
      if (changed !== token) assert.throws(() => auth.verify(changed), { code: 'TOKEN_INVALID' }, changed)
    })
    fc.assert(property, { numRuns: 400 })
    t.pass('for every change')
  })

  await t.test(`${algorithm}: every other spelling of the last character of the signature`, async (t) => {
    const auth = await testAuth({ algorithm })
    const { token } = auth.issue(GRANT)
    for (const last of ALPHABET.slice(0, 64)) {
      const respelled = token.slice(0, -1) + last
      if (respelled !== token) t.throws(() => auth.verify(respelled), { code: 'TOKEN_INVALID' }, last)
    }
  })
}

await t.test('claims exchanged under an old signature', async (t) => {
  const auth = await testAuth()
  const { token } = auth.issue(GRANT)
  const { header, claims, signature } = decode(token)
  const changes = [
    { account: 'bob' },
    { account: 'bob', sub: auth.tokenIdOf({ ...GRANT, account: 'bob' }) },
    { app: 'other' },
    { exp: Number(claims['exp']) + 1 },
    { jti: '2.aaaaaaaaaaaaaaaa' },
    { version: '9' },
  ]
  for (const change of changes) {
    const attack = `${encode(header)}.${encode({ ...claims, ...change })}.${signature}`
    refuses(t, auth, attack, 'TOKEN_INVALID', JSON.stringify(Object.keys(change)))
  }
})

await t.test('any text at all is refused, with an error of the catalogue', async (t) => {
  const auth = await testAuth()
  const part = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json().map((json) => Buffer.from(json).toString('base64url')),
    fc.constantFrom('', 'eyJ', 'e30', encode({ alg: 'HS256', kid: 'x' })),
  )
  const property = fc.property(fc.array(part, { maxLength: 4 }), (parts) => {
    assert.throws(() => auth.verify(parts.join('.')), { name: 'PushError', code: 'TOKEN_INVALID' })
  })
  fc.assert(property, { numRuns: 1_000 })
  t.pass('for every text')
})
