// Can anyone but the issuer that a token names make one that is accepted?
import { createHmac, generateKeyPairSync } from 'node:crypto'
import { t } from '../support/tap.ts'
import { encode, forge, hmac, NOW, type Json } from './support/auth.ts'
import { AUDIENCE, authOf, authWith, entryOf, ISSUER, issuerFiles, issuerKey } from './support/issuer.ts'
import { keySet, refusesIdentity, signedBy, type IssuerTestKey } from './support/issuer.ts'

const keys = await Promise.all(['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'].map((alg) => issuerKey(alg)))
const [rsa, pss, es256, es384, ed] = keys as [IssuerTestKey, IssuerTestKey, IssuerTestKey, IssuerTestKey, IssuerTestKey]
const claims = { iss: ISSUER, aud: AUDIENCE, sub: 'ann', azp: 'chat', exp: NOW / 1000 + 300 }

for (const key of keys) {
  await t.test(`${key.alg}: attacks that need no private key`, async (t) => {
    const auth = await authWith(t, keys)
    const header = { alg: key.alg, typ: 'JWT', kid: key.kid }
    const token = await signedBy(key)
    const bare = token.slice(0, token.lastIndexOf('.'))
    const signature = token.slice(token.lastIndexOf('.') + 1)
    const none = (alg: unknown) => `${encode({ ...header, alg })}.${encode(claims)}.`
    const attacks: Record<string, string> = {
      'alg none': none('none'),
      'alg NONE': none('NONE'),
      'alg none with a good signature': `${none('none')}${signature}`,
      'no alg': none(undefined),
      'alg is a list': none([key.alg]),
      'no signature': `${bare}.`,
      'signature of zeros': `${bare}.${'A'.repeat(signature.length)}`,
      'signature with padding': `${token}=`,
      'signature cut': `${bare}.${signature.slice(0, -4)}`,
      'the last bits of the signature': `${bare}.${respelled(signature)}`,
      'claims of another': `${encode(header)}.${encode({ ...claims, sub: 'bob' })}.${signature}`,
      'four parts': `${token}.x`,
      'line end after it': `${token}\n`,
      'longer than 16 KiB': forge({ ...header, pad: 'x'.repeat(16_384) }, claims, () => signature),
    }
    const jwk = JSON.stringify(key.jwk)
    for (const [form, secret] of Object.entries({ pem: key.pem, 'trimmed pem': key.pem.trim(), jwk, empty: '' })) {
      for (const [alg, hash] of [
        ['HS256', 'sha256'],
        ['HS384', 'sha384'],
        ['HS512', 'sha512'],
        [key.alg, 'sha256'],
      ] as const) {
        const sign = (input: string) => createHmac(hash, secret).update(input).digest('base64url')
        attacks[`${alg} with the public key as ${form}`] = forge({ ...header, alg }, claims, sign)
      }
    }
    for (const [what, attack] of Object.entries(attacks)) await refusesIdentity(t, auth, attack, 'TOKEN_INVALID', what)
    t.equal((await auth.identity(token)).account, 'ann', 'and the good one is still good')
  })
}

/** Bits that mean nothing are changed; where there are none, another letter. */
function respelled(signature: string): string {
  const last = signature.charCodeAt(signature.length - 1)
  return signature.slice(0, -1) + String.fromCharCode(last === 0x51 ? 0x52 : 0x51)
}

await t.test('a key signs with its own algorithm only', async (t) => {
  const auth = await authWith(t, keys)
  // jose refuses to sign with a key of another algorithm: the header is changed and signed by hand.
  for (const [key, alg] of [
    [rsa, 'PS256'],
    [rsa, 'RS512'],
    [pss, 'RS256'],
    [es256, 'ES384'],
    [es384, 'ES256'],
    [ed, 'ES256'],
  ] as const) {
    const [, body, signature] = (await signedBy(key)).split('.')
    await refusesIdentity(
      t,
      auth,
      `${encode({ alg, kid: key.kid })}.${body}.${signature}`,
      'TOKEN_INVALID',
      `${key.alg} as ${alg}`,
    )
  }
  const narrow = await authWith(t, keys, { algorithms: ['ES256'] })
  await refusesIdentity(t, narrow, await signedBy(rsa), 'TOKEN_INVALID', 'an algorithm that its entry does not have')
  t.ok(await narrow.identity(await signedBy(es256)))
})

await t.test('a kid is looked for among the keys of the issuer alone', async (t) => {
  const [ours, theirs] = [await issuerKey('ES256', 'one'), await issuerKey('ES256', 'two')]
  const OTHER = 'https://other.example.com'
  const files = await issuerFiles(t)
  await files.write('keys.json', keySet(ours))
  await files.write('theirs.json', keySet(theirs))
  await files.entries(
    entryOf({ accountPrefix: 'a:' }),
    entryOf({ issuer: OTHER, keysFile: 'theirs.json', accountPrefix: 'b:' }),
  )
  const auth = await authOf(t, files)
  t.equal((await auth.identity(await signedBy(ours))).account, 'a:ann')
  t.equal((await auth.identity(await signedBy(theirs, { iss: OTHER }))).account, 'b:ann')
  const attacks: Record<string, string> = {
    'their key, their kid, our name': await signedBy(theirs),
    'their key, our kid, our name': await signedBy(theirs, {}, { kid: 'one' }),
    'our key, their name': await signedBy(ours, { iss: OTHER }),
    'their key without kid, our name': await signedBy(theirs, {}, { kid: undefined }),
    'nobody`s name': await signedBy(ours, { iss: 'https://nobody.example.com' }),
    'no name': await signedBy(ours, { iss: undefined }),
    'two names': await signedBy(ours, { iss: [ISSUER, OTHER] }),
  }
  for (const kid of ['../keys.json', '/dev/null', 'two', '__proto__', 'constructor', '', "one' OR '1'='1", 'one\0'])
    attacks[`kid ${JSON.stringify(kid)}`] = await signedBy(ours, {}, { kid })
  for (const kid of [null, 1, ['one'], { one: 1 }])
    attacks[`kid ${JSON.stringify(kid)}`] = forge({ alg: 'ES256', kid }, claims, hmac('one'))
  for (const [what, attack] of Object.entries(attacks)) await refusesIdentity(t, auth, attack, 'TOKEN_INVALID', what)
})

await t.test('keys that the token brings along, other types and critical headers', async (t) => {
  const [ours, own] = [await issuerKey('ES256', 'one'), await issuerKey('ES256', 'mine')]
  const auth = await authWith(t, [ours])
  const brought: Json[] = [
    { jwk: own.jwk },
    { jku: 'http://127.0.0.1:1/keys' },
    { x5u: 'http://127.0.0.1:1/chain' },
    { kid: 'one', jwk: { ...own.jwk, kid: 'one' } },
  ]
  for (const extra of brought)
    await refusesIdentity(t, auth, await signedBy(own, {}, extra), 'TOKEN_INVALID', JSON.stringify(Object.keys(extra)))
  for (const typ of ['logout+jwt', 'secevent+jwt', 'dpop+jwt', 'JWE', ''])
    await refusesIdentity(t, auth, await signedBy(ours, {}, { typ }), 'TOKEN_INVALID', `typ ${typ}`)
  const critical = encode({ alg: 'ES256', kid: 'one', crit: ['x'], x: 1 })
  const [, body, signature] = (await signedBy(ours)).split('.')
  await refusesIdentity(t, auth, `${critical}.${body}.${signature}`, 'TOKEN_INVALID', 'crit')
})

await t.test('keys of a set that are not for signatures, or broken, are not used', async (t) => {
  const key = await issuerKey('RS256', 'one')
  const rest = { ...key.jwk }
  const sets: Record<string, Json> = {
    'use enc': { ...rest, use: 'enc' },
    'use of a wrong kind': { ...rest, use: ['sig'] },
    'key_ops without verify': { ...rest, key_ops: ['encrypt'] },
    'of another algorithm': { ...rest, alg: 'RS512' },
    'an algorithm of encryption': { ...rest, alg: 'RSA-OAEP' },
    'with a private member': { ...rest, d: 'AQAB' },
    'a secret': { kty: 'oct', k: Buffer.alloc(32).toString('base64url'), kid: 'one' },
    'a broken one': { ...rest, n: '!' },
    'without type': { ...rest, kty: undefined },
    'too small': { ...smallKey(), kid: 'one' },
  }
  const other = await issuerKey('EdDSA', 'other')
  for (const [what, jwk] of Object.entries(sets)) {
    const files = await issuerFiles(t)
    await files.write('keys.json', JSON.stringify({ keys: [jwk, other.jwk, null, 'x'] }))
    await files.entries(entryOf())
    const auth = await authOf(t, files)
    await refusesIdentity(t, auth, await signedBy(key), 'TOKEN_INVALID', what)
    t.ok(await auth.identity(await signedBy(other)), `${what}: the others are`)
  }
})

function smallKey(): Json {
  return generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' }) as Json
}

await t.test('curve secp256k1 is none of ES256', async (t) => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
  const files = await issuerFiles(t)
  await files.write('keys.json', JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one' }] }))
  await files.entries(entryOf())
  await t.rejects(authOf(t, files), /holds no public key/)
})
