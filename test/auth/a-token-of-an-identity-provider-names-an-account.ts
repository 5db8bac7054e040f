// What does a token of an identity provider say, in each of its forms, and with keys from each place?
import { t } from '../support/tap.ts'
import { PushError } from '../../errors.ts'
import { ASYMMETRIC_ALGORITHMS } from '../../auth/key-types.ts'
import { GRANT, NOW } from './support/auth.ts'
import { AUDIENCE, authOf, authWith, entryOf, ISSUER, issuerFiles, issuerKey } from './support/issuer.ts'
import { keyServer, keySet, serving, signedBy } from './support/issuer.ts'

const keys = await Promise.all(ASYMMETRIC_ALGORITHMS.map((algorithm) => issuerKey(algorithm)))
const [rsa, es256] = [keys[0]!, keys.find(({ alg }) => alg === 'ES256')!]

await t.test('each algorithm, from a file and from an address', async (t) => {
  const server = await keyServer(t, serving(keySet(...keys)))
  const places = [await authWith(t, keys), await authWith(t, [], { keysFile: undefined, jwksUri: server.uri })]
  for (const [place, auth] of places.entries()) {
    for (const key of keys) {
      const identity = await auth.identity(await signedBy(key))
      t.same(
        { ...identity, apps: [...identity.apps] },
        { kind: 'identity', issuer: ISSUER, account: 'ann', apps: ['chat'], expiresAt: NOW + 300_000 },
        `${key.alg} ${place}`,
      )
    }
  }
  t.equal(server.asked(), 1)
})

await t.test('keys as PEM, without kid', async (t) => {
  const files = await issuerFiles(t)
  await files.write('keys.pem', `of ${ISSUER}\n${rsa.pem}\n${es256.pem}`)
  await files.entries(entryOf({ keysFile: 'keys.pem' }))
  const auth = await authOf(t, files)
  for (const key of [rsa, es256]) {
    t.equal((await auth.identity(await signedBy(key))).account, 'ann', key.alg)
    t.equal((await auth.identity(await signedBy(key, {}, { kid: undefined }))).account, 'ann', `${key.alg}, no kid`)
  }
})

await t.test('what a claim may be', async (t) => {
  const auth = await authWith(t, [rsa], {
    accountPrefix: 'id:',
    claims: { account: 'sub', app: 'azp', tags: 'groups' },
  })
  const identityOf = async (claims: Record<string, unknown>, header = {}) =>
    await auth.identity(await signedBy(rsa, claims, header))
  t.equal((await identityOf({})).account, 'id:ann', 'the prefix of its issuer')
  t.equal((await identityOf({ sub: 'auth0|5f7c' })).account, 'id:auth0|5f7c')
  t.same([...(await identityOf({ azp: 'mail' })).apps], ['mail'])
  t.ok(await identityOf({ aud: ['another', AUDIENCE] }), 'one of several audiences')
  t.equal((await identityOf({ exp: NOW / 1000 + 0.5 })).expiresAt, NOW + 500, 'a date with a fraction')
  t.ok(await identityOf({ iat: NOW / 1000 + 60, nbf: NOW / 1000 + 60 }), 'a clock that is a minute ahead')
  t.ok(await identityOf({ iat: undefined }), 'iat may be absent')
  t.ok(await identityOf({}, { typ: 'at+jwt' }), 'an access token by its type')
  t.ok(await identityOf({}, { typ: undefined }), 'no type')
  t.same((await identityOf({})).tags, [], 'no tags where its issuer may have some')
  t.same((await identityOf({ groups: ['beta', 'staff', 'beta'] })).tags, ['beta', 'staff'])
  t.same((await identityOf({ groups: Array.from({ length: 16 }, (_, n) => `é${n}`) })).tags?.length, 16)
})

await t.test('an issuer of one app needs no claim for it, and nothing is said of tags', async (t) => {
  const auth = await authWith(t, [rsa], { claims: { account: 'user_id' }, apps: ['chat'] })
  const identity = await auth.identity(await signedBy(rsa, { sub: undefined, azp: undefined, user_id: 'bob' }))
  t.equal(identity.account, 'bob')
  t.same([...identity.apps], ['chat'])
  t.equal(identity.tags, undefined)
})

await t.test('whose a token says that it is', async (t) => {
  const auth = await authWith(t, [rsa])
  const { token } = auth.issue(GRANT)
  t.equal(auth.issuerOf(token), 'own')
  t.equal(auth.issuerOf(await signedBy(rsa)), 'known')
  t.equal(auth.issuerOf(await signedBy(rsa, { iss: 'https://elsewhere.example.com' })), undefined)
  for (const text of ['', 'x', 'a.b.c', 'eyJh.eyJh.x', `${token}${'A'.repeat(20_000)}`])
    t.equal(auth.issuerOf(text), undefined)
  await t.rejects(auth.identity(token), { code: 'TOKEN_INVALID' }, 'a message token is nobody`s identity')
  const ofIssuer = await signedBy(rsa)
  t.throws(() => auth.verify(ofIssuer), { code: 'TOKEN_INVALID' }, 'and the other way round')
})

await t.test('without a file there are none', async (t) => {
  const auth = await authWith(t, [rsa], {}, { issuersFile: undefined })
  t.equal(auth.issuerOf(await signedBy(rsa)), undefined)
  t.equal(auth.issuerOf(auth.issue(GRANT).token), 'own')
  await t.rejects(auth.identity(await signedBy(rsa)), new PushError('TOKEN_INVALID', 'iss'))
})
