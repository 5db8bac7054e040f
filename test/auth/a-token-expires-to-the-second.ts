// Does a token hold until the second at which it expires and no longer, also when it was verified a moment before?
import { t } from '../support/tap.ts'
import { decode, forge, GRANT, hmac, memorySecrets, NOW, refuses, secretOf, testAuth } from './support/auth.ts'

await t.test('exp is the first moment at which it no longer holds', async (t) => {
  for (const rememberIt of [false, true]) {
    let now = NOW
    const auth = await testAuth({ now: () => now })
    const { token, expiresAt } = auth.issue({ ...GRANT, ttl: 10 })
    t.equal(expiresAt, NOW + 10_000)
    if (rememberIt) auth.verify(token)
    now = NOW + 9_999
    t.equal(auth.verify(token).expiresAt, expiresAt)
    now = NOW + 10_000
    refuses(t, auth, token, 'TOKEN_EXPIRED', 'at exp')
    now = NOW + 1e12
    refuses(t, auth, token, 'TOKEN_EXPIRED', 'long after')
    now = NOW
    t.equal(auth.verify(token).expiresAt, expiresAt, 'the clock was set back')
  }
})

await t.test('iat counts whole seconds, so a token never lives longer than its ttl', async (t) => {
  const auth = await testAuth({ now: () => NOW + 999 })
  t.equal(auth.issue({ ...GRANT, ttl: 1 }).expiresAt, NOW + 1_000)
})

await t.test('a token from the future is to be tried again, and clocks may differ by a minute', async (t) => {
  for (const rememberIt of [false, true]) {
    let now = NOW
    const auth = await testAuth({ now: () => now })
    const { token } = auth.issue(GRANT)
    if (rememberIt) auth.verify(token)
    now = NOW - 60_000
    t.equal(auth.verify(token).account, 'alice')
    now = NOW - 60_001
    refuses(t, auth, token, 'TOKEN_NOT_YET_VALID', 'more than a minute ahead')
    now = NOW - 60_000
    t.equal(auth.verify(token).account, 'alice', 'the clock was mended')
  }
})

await t.test('nbf, which we do not issue, is honoured', async (t) => {
  const secrets = memorySecrets()
  const auth = await testAuth({ secrets })
  const { header, claims } = decode(auth.issue(GRANT).token)
  const sign = (nbf: unknown) => forge(header, { ...claims, nbf }, hmac(secretOf(secrets)))
  t.equal(auth.verify(sign(NOW / 1_000)).account, 'alice')
  refuses(t, auth, sign(NOW / 1_000 + 61), 'TOKEN_NOT_YET_VALID', 'not yet')
  refuses(t, auth, sign('tomorrow'), 'TOKEN_INVALID', 'no time')
})

await t.test('a token that is expired and forged is called forged', async (t) => {
  const auth = await testAuth()
  const old = await testAuth({ now: () => NOW - 1e9 })
  refuses(t, auth, old.issue(GRANT).token, 'TOKEN_INVALID', 'other keys')
})

await t.test('tokens are remembered within a bound, and the forgotten are verified again', async (t) => {
  const auth = await testAuth()
  const tokens = Array.from({ length: 5_000 }, (_, n) => auth.issue({ ...GRANT, device: `phone${n}` }).token)
  for (const round of [1, 2]) {
    const wrong = tokens.filter((token, n) => auth.verify(token).device !== `phone${n}`)
    t.equal(wrong.length, 0, `round ${round}`)
  }
  const [first = ''] = tokens
  t.equal(auth.verify(first), auth.verify(first), 'the second time it is the same device')
})
