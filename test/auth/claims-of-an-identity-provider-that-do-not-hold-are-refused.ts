// Does each claim that counts have to be there, to be of its type, and to be for us, for the app and for now?
import { t } from '../support/tap.ts'
import type { ErrorCode } from '../../errors.ts'
import { NOW, type Json } from './support/auth.ts'
import { authWith, issuerKey, refusesIdentity, signedBy } from './support/issuer.ts'

const key = await issuerKey('ES256')
const auth = await authWith(t, [key], { accountPrefix: 'id:', claims: { account: 'sub', app: 'azp', tags: 'groups' } })
const seconds = NOW / 1000
await t.test('each claim', async (t) => {
  const refused = async (code: ErrorCode, cases: readonly Json[]) => {
    for (const claims of cases)
      await refusesIdentity(t, auth, await signedBy(key, claims), code, JSON.stringify(claims).slice(0, 80))
  }

  await refused('TOKEN_INVALID', [
    { aud: undefined },
    { aud: 'https://elsewhere.example.com' },
    { aud: [] },
    { aud: ['https://elsewhere.example.com'] },
    { aud: 'https://push.example.com/' },
    { aud: { 'https://push.example.com': 1 } },
    { aud: [['https://push.example.com']] },
  ])
  await refused('TOKEN_INVALID', [
    { exp: undefined },
    { exp: '9999999999' },
    { exp: null },
    { exp: -1 },
    { exp: 1e300 },
  ])
  await refused('TOKEN_INVALID', [{ iat: 'now' }, { nbf: true }, { iat: null }])
  await refused('TOKEN_EXPIRED', [{ exp: seconds }, { exp: seconds - 1 }, { exp: 0 }])
  await refused('TOKEN_NOT_YET_VALID', [{ nbf: seconds + 61 }, { iat: seconds + 61 }])
  await refused(
    'TOKEN_INVALID',
    ['', 7, 0, null, undefined, true, ['ann'], { name: 'ann' }, 'a/b', 'a+b', '#', 'a\nb', 'x'.repeat(126)].map(
      (sub) => ({
        sub,
      }),
    ),
  )
  await refused(
    'TOKEN_INVALID',
    ['bank', '', 'CHAT', 'chat ', undefined, null, 1, ['chat'], { chat: 1 }, '__proto__'].map((azp) => ({ azp })),
  )
  await refused(
    'TOKEN_INVALID',
    [
      'beta',
      1,
      null,
      { beta: 1 },
      [1],
      [''],
      ['a\u0000b'],
      ['x'.repeat(65)],
      ['\ud800'],
      Array.from({ length: 17 }, (_, n) => `t${n}`),
    ].map((groups) => ({ groups })),
  )
})

await t.test('a claim by the name of what every object has', async (t) => {
  for (const account of ['constructor', 'toString', '__proto__']) {
    const odd = await authWith(t, [key], { claims: { account, app: 'azp' } })
    await refusesIdentity(t, odd, await signedBy(key), 'TOKEN_INVALID', account)
  }
})
