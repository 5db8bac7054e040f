// When a token has a good signature, is every claim still looked at?
import { t } from '../support/tap.ts'
import { decode, forge, GRANT, hmac, memorySecrets, NOW, refuses, secretOf, testAuth } from './support/auth.ts'

const secrets = memorySecrets()
const auth = await testAuth({ secrets })
const good = decode(auth.issue(GRANT).token)
const iat = NOW / 1_000
const sign = (change: object) => forge(good.header, { ...good.claims, ...change }, hmac(secretOf(secrets)))

await t.test('the unchanged claims, signed by hand, are accepted: the signature is no reason to refuse', async (t) => {
  t.equal(auth.verify(sign({})).account, 'alice')
})

await t.test('sub is the token id of the claimed triple', async (t) => {
  const bob = auth.tokenIdOf({ ...GRANT, account: 'bob' })
  refuses(t, auth, sign({ sub: bob }), 'TOKEN_INVALID', 'the token id of another account')
  refuses(t, auth, sign({ account: 'bob' }), 'TOKEN_INVALID', 'the account of another token id')
  refuses(t, auth, sign({ app: 'com.example.ap', device: 'pphone' }), 'TOKEN_INVALID', 'the parts moved')
  refuses(t, auth, sign({ sub: `${String(good.claims['sub'])}A` }), 'TOKEN_INVALID', 'longer')
  for (const sub of ['', null, undefined, 7, {}, [good.claims['sub']], 'x'.repeat(22), 'é'.repeat(22)]) {
    refuses(t, auth, sign({ sub }), 'TOKEN_INVALID', `sub ${JSON.stringify(sub)}`)
  }
  t.equal(auth.verify(sign({ account: 'bob', sub: bob })).account, 'bob', 'both together are a token for bob')
})

await t.test('iss and aud are exactly ours', async (t) => {
  for (const claim of ['iss', 'aud']) {
    for (const value of [
      'other',
      '',
      'Aedes-push',
      'aedes-push ',
      undefined,
      null,
      0,
      true,
      ['aedes-push'],
      { a: 1 },
    ]) {
      refuses(t, auth, sign({ [claim]: value }), 'TOKEN_INVALID', `${claim} ${JSON.stringify(value)}`)
    }
  }
})

await t.test('another issuer or audience in front of the same keys is another world', async (t) => {
  const { token } = auth.issue(GRANT)
  refuses(t, await testAuth({ secrets, issuer: 'other' }), token, 'TOKEN_INVALID', 'issuer')
  refuses(t, await testAuth({ secrets, audience: 'other' }), token, 'TOKEN_INVALID', 'audience')
  t.equal((await testAuth({ secrets })).verify(token).account, 'alice')
})

await t.test('names must be names', async (t) => {
  for (const claim of ['app', 'device', 'account', 'version']) {
    const bad = [null, 7, {}, ['a'], true, '$a', 'a\u0000', '\ud800', 'a'.repeat(129)]
    for (const value of claim === 'version' ? [...bad, ''] : [...bad, 'a/b', '+', '#']) {
      refuses(t, auth, sign({ [claim]: value }), 'TOKEN_INVALID', `${claim} ${JSON.stringify(value)}`)
    }
  }
  for (const claim of ['app', 'device', 'account'])
    refuses(t, auth, sign({ [claim]: undefined }), 'TOKEN_INVALID', claim)
  for (const claim of ['app', 'device']) refuses(t, auth, sign({ [claim]: '' }), 'TOKEN_INVALID', `empty ${claim}`)
})

await t.test('times must be whole seconds', async (t) => {
  for (const claim of ['iat', 'exp']) {
    for (const value of [undefined, null, '1893456000', -1, 1.5, 1e300, [iat], {}, true]) {
      refuses(t, auth, sign({ [claim]: value }), 'TOKEN_INVALID', `${claim} ${JSON.stringify(value)}`)
    }
  }
})

await t.test('jti holds the generation', async (t) => {
  const random = 'aaaaaaaaaaaaaaaa'
  const bad = [
    undefined,
    null,
    7,
    {},
    '',
    random,
    `.${random}`,
    `-1.${random}`,
    `01.${random}`,
    `A.${random}`,
    `1.5.${random}`,
    `1.${random}a`,
    '1.',
    '1',
    `zzzzzzzzzzz.${random}`,
    `1e3.${random}\n`,
    ` 1.${random}`,
    [`1.${random}`],
  ]
  for (const jti of bad) refuses(t, auth, sign({ jti }), 'TOKEN_INVALID', `jti ${JSON.stringify(jti)}`)
  t.equal(auth.verify(sign({ jti: `0.${random}` })).generation, 0)
  t.equal(auth.verify(sign({ jti: `2gosa7pa2gv.${random}` })).generation, Number.MAX_SAFE_INTEGER)
})

await t.test('a claim that is not known is refused, and named', async (t) => {
  for (const claim of ['versions', 'Account', 'scope', '__proto__'])
    refuses(t, auth, sign(JSON.parse(`{"${claim}":"1"}`) as object), 'TOKEN_INVALID', claim)
  t.throws(() => auth.verify(sign({ versoin: '2.1' })), /"versoin" is not a claim here/)
})

await t.test('claims that are no object', async (t) => {
  for (const claims of [null, [], 'text', 7, true]) {
    const token = forge(good.header, claims, hmac(secretOf(secrets)))
    refuses(t, auth, token, 'TOKEN_INVALID', JSON.stringify(claims))
  }
})

await t.test('a claim named __proto__ gives nothing', async (t) => {
  const text = JSON.stringify({ ...good.claims, iss: undefined }).replace('{', '{"__proto__":{"iss":"aedes-push"},')
  const input = `${Buffer.from(JSON.stringify(good.header)).toString('base64url')}.${Buffer.from(text).toString('base64url')}`
  refuses(t, auth, `${input}.${hmac(secretOf(secrets))(input)}`, 'TOKEN_INVALID', 'iss from a prototype')
})
