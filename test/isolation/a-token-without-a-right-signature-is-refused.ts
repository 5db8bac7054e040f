// Does `alg: none`, an empty key, a cut or foreign signature, or a changed claim get past the check?
import { randomBytes } from 'node:crypto'
import { t } from '../support/tap.ts'
import { issueToken, startServer } from '../support/index.ts'
import { open, seal, sign } from './support/forge.ts'
import { ANN, getsItsOwn, gotNothing, join, NEIGHBOURS } from './support/people.ts'
import { INVALID, tokenIsRefused } from './support/refused.ts'

const server = await startServer(t)
const ann = await join(t, server, ANN)
const mallory = await issueToken(server, NEIGHBOURS['another device'])
const { header, claims, signature } = open(mallory.token)
const asAnn = open(ann.issued.token).claims

await t.test('alg none, in every spelling', async (t) => {
  for (const alg of ['none', 'None', 'NONE', 'nOnE', '', null, undefined, ['none'], ['HS256'], { HS256: 1 }]) {
    for (const [what, kept] of [
      ['no signature', ''],
      ['a signature', signature],
    ] as const) {
      await tokenIsRefused(
        t,
        server,
        seal({ ...header, alg }, asAnn, kept),
        INVALID,
        `${JSON.stringify(alg)} with ${what}`,
      )
    }
  }
  await tokenIsRefused(t, server, seal({ alg: 'none', typ: 'JWT' }, asAnn, ''), INVALID, 'without a key id')
})

await t.test('an empty or guessed key', async (t) => {
  for (const key of [
    '',
    ' ',
    '\0',
    'secret',
    'aedes-push',
    'null',
    'undefined',
    String(header['kid']),
    Buffer.alloc(32),
  ]) {
    await tokenIsRefused(t, server, sign(header, asAnn, key), INVALID, `key ${JSON.stringify(key)}`)
  }
  await tokenIsRefused(t, server, sign(header, asAnn, randomBytes(32)), INVALID, 'a random key')
  for (const alg of ['HS384', 'HS512', 'RS256', 'ES256', 'EdDSA', 'hs256']) {
    await tokenIsRefused(t, server, sign({ ...header, alg }, asAnn, ''), INVALID, `${alg} with an empty key`)
  }
})

await t.test('another key id', async (t) => {
  for (const kid of [
    '',
    'other',
    '__proto__',
    'constructor',
    '../../etc/passwd',
    '/dev/null',
    null,
    1,
    {},
    undefined,
  ]) {
    await tokenIsRefused(t, server, sign({ ...header, kid }, asAnn, ''), INVALID, `kid ${JSON.stringify(kid)}`)
  }
  for (const extra of [
    { jwk: { kty: 'oct', k: '' } },
    { jku: 'http://127.0.0.1/' },
    { x5u: 'http://127.0.0.1/' },
    { crit: ['b64'], b64: false },
  ]) {
    await tokenIsRefused(t, server, sign({ ...header, ...extra }, asAnn, ''), INVALID, JSON.stringify(extra))
  }
})

await t.test('a changed claim under the old signature', async (t) => {
  for (const [what, changed] of Object.entries({
    "Ann's names": { app: ANN.app, device: ANN.device, account: ANN.account },
    "Ann's token id": { sub: ann.issued.tokenId },
    "all of Ann's claims": asAnn,
    'another app': { app: 'mail' },
    'another version': { version: '9.9' },
    'no version': { version: undefined },
    'a later end': { exp: Number(claims['exp']) + 1 },
    'another generation': { jti: `zz.${String(claims['jti']).split('.')[1]}` },
    'one claim more': { admin: true },
  })) {
    await tokenIsRefused(t, server, seal(header, { ...claims, ...changed }, signature), INVALID, what)
  }
})

await t.test('a cut, longer, differently spelled or foreign signature', async (t) => {
  const [head, body] = mallory.token.split('.')
  const flipped = Buffer.from(signature, 'base64url')
  flipped[0]! ^= 1
  const last = signature.at(-1)!
  const spelled =
    signature.slice(0, -1) + String.fromCharCode(last.charCodeAt(0) + (last === 'Z' || last === 'z' ? -1 : 1))
  for (const [what, changed] of Object.entries({
    none: '',
    cut: signature.slice(0, -1),
    half: signature.slice(0, 20),
    longer: `${signature}A`,
    'one bit flipped': flipped.toString('base64url'),
    'other last character': spelled,
    "Ann's": open(ann.issued.token).signature,
  })) {
    await tokenIsRefused(t, server, `${head}.${body}.${changed}`, INVALID, `signature ${what}`)
  }
})

await t.test('Ann never noticed', async (t) => {
  await getsItsOwn(t, server, ann)
  await gotNothing(t, server, ann)
})
