// Is a VAPID token taken only where it is signed with the key beside it, for this server, and for a day at most?
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { parseVapidKey } from '../../auth/index.ts'
import { createVapid } from '../../auth/vapid.ts'
import { t } from '../support/tap.ts'

const NOW = 1_800_000_000
const AUD = 'https://push.example.com'
const check = createVapid(() => NOW * 1000)

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const keyPair = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve })
function raw(key: KeyObject): string {
  const { x = '', y = '' } = key.export({ format: 'jwk' })
  return Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]).toString('base64url')
}

const pair = keyPair('prime256v1')
const k = raw(pair.publicKey)
const CLAIMS = { aud: AUD, exp: NOW + 3_600, sub: 'mailto:push@example.com' }

function jwt(claims: object, header: object = { typ: 'JWT', alg: 'ES256' }, key: KeyObject = pair.privateKey): string {
  const text = `${encode(header)}.${encode(claims)}`
  return `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

const good = jwt(CLAIMS)

t.test('taken', async (t) => {
  const key = parseVapidKey(k)
  t.equal(key?.length, 33)
  const taken: Record<string, string> = {
    'as libraries write it': `vapid t=${good}, k=${k}`,
    'without a space, as others do': `vapid t=${good},k=${k}`,
    'the other way round': `vapid k=${k}, t=${good}`,
    'in other letters, quoted, with more': `VAPID T="${good}" , x=1, K="${k}"`,
    'for several': `vapid t=${jwt({ ...CLAIMS, aud: ['https://other.example.com', AUD] })}, k=${k}`,
    'for a day': `vapid t=${jwt({ ...CLAIMS, exp: NOW + 86_400 })}, k=${k}`,
    'without a subject': `vapid t=${jwt({ aud: AUD, exp: NOW + 1 })}, k=${k}`,
  }
  for (const [name, authorization] of Object.entries(taken)) t.same(check(authorization, AUD), key, name)
})

t.test('refused', async (t) => {
  const other = keyPair('prime256v1')
  const otherCurve = keyPair('secp256k1')
  const text = `${encode({ typ: 'JWT', alg: 'HS256' })}.${encode(CLAIMS)}`
  const hmac = (key: string | Buffer) => `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`
  const pem = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const [head = '', claims = '', signature = ''] = good.split('.')
  const refused: Record<string, string> = {
    'no parameters': 'vapid',
    'no key': `vapid t=${good}`,
    'no token': `vapid k=${k}`,
    'a token twice': `vapid t=${good}, t=${good}, k=${k}`,
    'two keys': `vapid t=${good}, k=${k}, k=${raw(other.publicKey)}`,
    'no list': `vapid ${good} ${k}`,
    'an end that never comes': `vapid t="${good}, k=${k}`,
    'the key of somebody else': `vapid t=${good}, k=${raw(other.publicKey)}`,
    'signed by somebody else': `vapid t=${jwt(CLAIMS, undefined, other.privateKey)}, k=${k}`,
    'a key on another curve': `vapid t=${jwt(CLAIMS, undefined, otherCurve.privateKey)}, k=${raw(otherCurve.publicKey)}`,
    'a key that is no point': `vapid t=${good}, k=${Buffer.concat([Buffer.of(4), Buffer.alloc(64, 1)]).toString('base64url')}`,
    'a compressed key': `vapid t=${good}, k=${parseVapidKey(k)?.toString('base64url')}`,
    'a padded key': `vapid t=${good}, k=${k}=`,
    'no signature': `vapid t=${encode({ typ: 'JWT', alg: 'none' })}.${encode(CLAIMS)}., k=${k}`,
    'an empty one': `vapid t=${head}.${claims}., k=${k}`,
    'the public key as a secret': `vapid t=${hmac(pem)}, k=${k}`,
    'its bytes as a secret': `vapid t=${hmac(Buffer.from(k, 'base64url'))}, k=${k}`,
    'another algorithm': `vapid t=${jwt(CLAIMS, { typ: 'JWT', alg: 'ES384' })}, k=${k}`,
    'a key in the header': `vapid t=${jwt(CLAIMS, { alg: 'ES256', jwk: other.publicKey.export({ format: 'jwk' }) }, other.privateKey)}, k=${k}`,
    'other claims': `vapid t=${head}.${encode({ ...CLAIMS, exp: NOW + 1 })}.${signature}, k=${k}`,
    'for another server': `vapid t=${jwt({ ...CLAIMS, aud: 'https://other.example.com' })}, k=${k}`,
    'for another port': `vapid t=${jwt({ ...CLAIMS, aud: `${AUD}:8443` })}, k=${k}`,
    'for a path': `vapid t=${jwt({ ...CLAIMS, aud: `${AUD}/` })}, k=${k}`,
    'for nobody': `vapid t=${jwt({ exp: CLAIMS.exp })}, k=${k}`,
    expired: `vapid t=${jwt({ ...CLAIMS, exp: NOW })}, k=${k}`,
    'for more than a day': `vapid t=${jwt({ ...CLAIMS, exp: NOW + 86_401 })}, k=${k}`,
    'for ever': `vapid t=${jwt({ aud: AUD })}, k=${k}`,
    'an end that is a text': `vapid t=${jwt({ ...CLAIMS, exp: String(CLAIMS.exp) })}, k=${k}`,
    'a list of claims': `vapid t=${jwt([CLAIMS])}, k=${k}`,
    'too long': `vapid t=${jwt({ ...CLAIMS, sub: `mailto:${'a'.repeat(2_048)}@example.com` })}, k=${k}`,
  }
  for (const [name, authorization] of Object.entries(refused))
    t.throws(() => check(authorization, AUD), { code: 'VAPID_INVALID' }, name)
})
