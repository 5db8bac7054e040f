// Is a token of each algorithm verified, and does the device come out exactly as it was granted?
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { t } from '../support/tap.ts'
import { ALGORITHMS } from '../../auth/index.ts'
import { isTokenId, type Epochs } from '../../topics/index.ts'
import { account, appName, name, version } from '../topics/support/arbitraries.ts'
import { decode, GRANT, NOW, testAuth } from './support/auth.ts'

const grants = fc.record({
  app: appName,
  device: name,
  account,
  version: fc.option(version, { nil: undefined }),
  ttl: fc.integer({ min: 1, max: 3_155_760_000 }),
  renewUntil: fc.oneof(
    fc.constant(0),
    fc.nat().map((seconds) => seconds * 1_000),
  ),
  epochs: fc.constantFrom([0, 0], [1_790_000_000_000, 0], [3, Number.MAX_SAFE_INTEGER]) as fc.Arbitrary<Epochs>,
  generation: fc.oneof(fc.nat(), fc.constantFrom(0, 35, 36, Number.MAX_SAFE_INTEGER)),
})

for (const algorithm of ALGORITHMS) {
  await t.test(`${algorithm}: every grant comes back`, async (t) => {
    const auth = await testAuth({ algorithm })
    const property = fc.property(grants, (grant) => {
      const { token, tokenId, expiresAt } = auth.issue(grant)
      const { ttl, version: itsVersion, ...rest } = grant
      const versioned = itsVersion === undefined ? {} : { version: itsVersion }
      assert.equal(expiresAt, NOW + ttl * 1_000)
      const accountMark = auth.accountMarkOf(grant.app, grant.account)
      assert.deepEqual(auth.verify(token), {
        kind: 'device',
        ...rest,
        ...versioned,
        tokenId,
        kid: decode(token).header['kid'],
        accountMark,
        issuedAt: NOW,
        expiresAt,
      })
      assert.equal(accountMark === '', grant.account === '')
      assert.equal(tokenId, auth.tokenIdOf(grant))
    })
    fc.assert(property, { numRuns: algorithm === 'RS256' ? 50 : 200 })
    t.pass('for every grant')
  })

  await t.test(`${algorithm}: the header and the claims are the documented ones`, async (t) => {
    const auth = await testAuth({ algorithm })
    const { token, tokenId } = auth.issue({ ...GRANT, version: '1.0+b7', generation: 71 })
    const { header, claims } = decode(token)
    t.match(header, { alg: algorithm, typ: 'JWT', kid: /^[\w-]{12}$/ })
    t.same(Object.keys(header).toSorted(), ['alg', 'kid', 'typ'])
    const { jti, ...others } = claims
    t.match(jti, /^1z\.[\w-]{16}$/)
    const iat = NOW / 1_000
    const { app, device, account: its } = GRANT
    const expected = {
      app,
      device,
      account: its,
      version: '1.0+b7',
      sub: tokenId,
      iss: 'aedes-push',
      aud: 'aedes-push',
    }
    t.strictSame(others, { ...expected, iat, exp: iat + 3_600 })
  })
}

await t.test('the longest names fit into a token that is accepted', async (t) => {
  const auth = await testAuth({ algorithm: 'RS256' })
  const grant = {
    ...GRANT,
    app: '"'.repeat(128),
    device: '\\'.repeat(128),
    account: '"'.repeat(128),
    version: '\\'.repeat(128),
  }
  const { token } = auth.issue(grant)
  t.ok(token.length < 4_096)
  t.equal(auth.verify(token).account, grant.account)
})

await t.test('the same triple keeps its token id, another has another, and each token is one of its own', async (t) => {
  const auth = await testAuth()
  const [first, second] = [auth.issue(GRANT), auth.issue({ ...GRANT, version: '2', generation: 2 })]
  t.ok(isTokenId(first.tokenId))
  t.equal(second.tokenId, first.tokenId)
  t.not(auth.issue(GRANT).token, first.token, 'the random part of jti')
  t.not(auth.issue({ ...GRANT, account: 'bob' }).tokenId, first.tokenId)
  t.not((await testAuth()).tokenIdOf(GRANT), first.tokenId, 'another installation, other token ids')
})

await t.test('what verify gives cannot be changed by whoever gets it', async (t) => {
  const auth = await testAuth()
  const { token } = auth.issue(GRANT)
  t.throws(() => Object.assign(auth.verify(token), { account: 'bob' }))
  t.equal(auth.verify(token).account, 'alice')
})

await t.test('a grant that could not be verified is not issued', async (t) => {
  const auth = await testAuth()
  const bad = [
    [{ app: 'a/b' }, 'NAME_INVALID'],
    [{ app: 'a%b' }, 'NAME_INVALID'],
    [{ app: '' }, 'NAME_INVALID'],
    [{ device: '' }, 'NAME_INVALID'],
    [{ device: '$x' }, 'NAME_INVALID'],
    [{ device: '\ud800' }, 'NAME_INVALID'],
    [{ account: '+' }, 'NAME_INVALID'],
    [{ account: 'a\u0000' }, 'NAME_INVALID'],
    [{ version: '' }, 'VERSION_INVALID'],
    [{ version: '$1' }, 'VERSION_INVALID'],
    [{ ttl: 0 }, 'TTL_INVALID'],
    [{ ttl: -1 }, 'TTL_INVALID'],
    [{ ttl: 1.5 }, 'TTL_INVALID'],
    [{ ttl: Number.NaN }, 'TTL_INVALID'],
    [{ ttl: Infinity }, 'TTL_INVALID'],
    [{ ttl: 3_155_760_001 }, 'TTL_INVALID'],
  ] as const
  for (const [wrong, code] of bad) t.throws(() => auth.issue({ ...GRANT, ...wrong }), { code }, JSON.stringify(wrong))
  for (const generation of [-1, 0.5, Number.NaN]) t.throws(() => auth.issue({ ...GRANT, generation }), TypeError)
  t.throws(() => auth.tokenIdOf({ app: 'a', device: '\ud800', account: '' }), { code: 'NAME_INVALID' })
})
