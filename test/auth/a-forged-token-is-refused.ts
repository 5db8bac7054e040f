// Can anyone without a key of the ring make a token that is accepted?
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { t } from '../support/tap.ts'
import { ALGORITHMS } from '../../auth/index.ts'
import { decode, encode, forge, GRANT, hmac, type Json, memorySecrets } from './support/auth.ts'
import { onlyKey, refuses, secretOf, testAuth, withKey } from './support/auth.ts'

for (const algorithm of ALGORITHMS) {
  await t.test(`${algorithm}: attacks that need no key`, async (t) => {
    const secrets = memorySecrets()
    const auth = await testAuth({ secrets, algorithm })
    const { token } = auth.issue(GRANT)
    const { header, claims, signature } = decode(token)
    const bare = token.slice(0, token.lastIndexOf('.'))
    const none = (alg: unknown, kid: unknown = header['kid']) =>
      `${encode({ alg, typ: 'JWT', kid })}.${encode(claims)}.`
    const attacks: Record<string, string> = {
      'alg none': none('none'),
      'alg None': none('None'),
      'alg none with the signature of a good token': `${none('none')}${signature}`,
      'alg none without kid': `${encode({ alg: 'none' })}.${encode(claims)}.`,
      'no alg': none(undefined),
      'alg is a list': none([algorithm]),
      'no signature': `${bare}.`,
      'no signature and no dot': bare,
      'empty key': forge({ ...header, alg: 'HS256' }, claims, hmac('')),
      'empty key, no kid': forge({ alg: 'HS256', typ: 'JWT' }, claims, hmac('')),
      'the kid as the key': forge({ ...header, alg: 'HS256' }, claims, hmac(String(header['kid']))),
      'unknown kid': forge({ ...header, kid: 'unknown' }, claims, hmac('unknown')),
      'missing kid': forge({ alg: algorithm, typ: 'JWT' }, claims, () => signature),
      'kid __proto__': forge({ ...header, kid: '__proto__' }, claims, () => signature),
      'kid constructor': forge({ ...header, kid: 'constructor' }, claims, () => signature),
      'kid is a path': forge({ ...header, kid: '../../dev/null' }, claims, hmac('')),
      'kid is a list': forge({ ...header, kid: [header['kid']] }, claims, () => signature),
      'kid is null': forge({ ...header, kid: null }, claims, () => signature),
      'signature of another length': `${bare}.${signature}AAAA`,
      'signature of zeros': `${bare}.${'A'.repeat(signature.length)}`,
      'signature cut': `${bare}.${signature.slice(0, -4)}`,
      'signature with padding': `${token}=`,
      'line end after it': `${token}\n`,
      'four parts': `${token}.x`,
      'no header': token.slice(token.indexOf('.')),
      'header is a list': `${encode([header])}.${token.slice(token.indexOf('.') + 1)}`,
      'header is null': `${encode(null)}.${token.slice(token.indexOf('.') + 1)}`,
      'header is no JSON': `eyJhbGciO.${token.slice(token.indexOf('.') + 1)}`,
      empty: '',
      dots: '..',
    }
    for (const [what, attack] of Object.entries(attacks)) refuses(t, auth, attack, 'TOKEN_INVALID', what)
    t.equal(auth.verify(token).device, 'phone', 'and the good one is still good')
  })
}

for (const algorithm of ['RS256', 'ES256', 'EdDSA'] as const) {
  await t.test(`${algorithm}: the public key as an HMAC secret, in every form`, async (t) => {
    const secrets = memorySecrets()
    const auth = await testAuth({ secrets, algorithm })
    const { header, claims } = decode(auth.issue(GRANT).token)
    const publicKey = createPublicKey(String(onlyKey(secrets, algorithm)['privateKey']))
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const forms: Record<string, string | Buffer> = {
      pem,
      'trimmed pem': pem.trim(),
      der: publicKey.export({ type: 'spki', format: 'der' }),
      jwk: JSON.stringify(publicKey.export({ format: 'jwk' })),
    }
    for (const [form, secret] of Object.entries(forms)) {
      for (const alg of ['HS256', 'HS384', algorithm]) {
        refuses(t, auth, forge({ ...header, alg }, claims, hmac(secret)), 'TOKEN_INVALID', `${alg} by ${form}`)
      }
    }
  })
}

await t.test('with keys of several algorithms in the ring, a kid takes no other algorithm', async (t) => {
  const secrets = memorySecrets()
  const rsa = await testAuth({ secrets, algorithm: 'RS256' })
  const auth = await testAuth({ secrets, algorithm: 'HS256' })
  const [ofRsa, ofHmac] = [decode(rsa.issue(GRANT).token), decode(auth.issue(GRANT).token)]
  const pem = createPublicKey(String(onlyKey(secrets, 'RS256')['privateKey'])).export({ type: 'spki', format: 'pem' })
  const attacks: Record<string, string> = {
    'HS256 under the kid of RS256, by the public key': forge(
      { ...ofRsa.header, alg: 'HS256' },
      ofRsa.claims,
      hmac(pem),
    ),
    'HS256 under its own kid, by the public key': forge(ofHmac.header, ofHmac.claims, hmac(pem)),
    'HS256 by the right secret under the kid of RS256': forge(
      { ...ofRsa.header, alg: 'HS256' },
      ofRsa.claims,
      hmac(secretOf(secrets)),
    ),
  }
  for (const [what, attack] of Object.entries(attacks)) refuses(t, auth, attack, 'TOKEN_INVALID', what)
})

await t.test('keys that the token brings along are not looked at', async (t) => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const secrets = memorySecrets()
  const auth = await testAuth({ secrets, algorithm: 'EdDSA' })
  const { header, claims } = decode(auth.issue(GRANT).token)
  const jwk = publicKey.export({ format: 'jwk' })
  const brought: Json[] = [
    { jwk },
    { jku: 'http://127.0.0.1:1/keys' },
    { x5u: 'http://127.0.0.1:1/chain' },
    { x5c: [publicKey.export({ type: 'spki', format: 'der' }).toString('base64')] },
    { kid: 'mine', jwk: { ...jwk, kid: 'mine' } },
  ]
  for (const extra of brought) {
    const attack = forge({ ...header, ...extra }, claims, withKey(privateKey, null))
    refuses(t, auth, attack, 'TOKEN_INVALID', Object.keys(extra).join())
  }
  const ours = withKey(String(onlyKey(secrets, 'EdDSA')['privateKey']), null)
  t.equal(
    auth.verify(forge({ ...header, jwk }, claims, ours)).device,
    'phone',
    'ours verifies with our key, not with jwk',
  )
  refuses(t, auth, forge({ ...header, crit: ['x'], x: 1 }, claims, ours), 'TOKEN_INVALID', 'an unknown critical header')
  refuses(t, auth, forge({ ...header, typ: 'at+jwt' }, claims, ours), 'TOKEN_INVALID', 'another type of token')
})

await t.test('a token of another issuer, with other keys', async (t) => {
  for (const algorithm of ALGORITHMS) {
    const [auth, other] = [await testAuth({ algorithm }), await testAuth({ algorithm })]
    const { token } = other.issue(GRANT)
    refuses(t, auth, token, 'TOKEN_INVALID', algorithm)
    const { header } = decode(auth.issue(GRANT).token)
    const [, claims, signature] = token.split('.')
    refuses(t, auth, `${encode(header)}.${claims}.${signature}`, 'TOKEN_INVALID', `${algorithm} under our kid`)
  }
})

await t.test('a token longer than 4 KiB is refused before it is read', async (t) => {
  const secrets = memorySecrets()
  const auth = await testAuth({ secrets })
  const { header, claims } = decode(auth.issue(GRANT).token)
  const padded = (size: number) => forge({ ...header, pad: 'x'.repeat(size) }, claims, hmac(secretOf(secrets)))
  const fits = padded(2_500)
  t.ok(fits.length < 4_096)
  t.equal(auth.verify(fits).device, 'phone')
  refuses(t, auth, padded(3_000), 'TOKEN_INVALID', 'a little over')
  refuses(t, auth, padded(1_000_000), 'TOKEN_INVALID', 'far over')
  refuses(t, auth, '.'.repeat(5_000), 'TOKEN_INVALID', 'only dots')
})
