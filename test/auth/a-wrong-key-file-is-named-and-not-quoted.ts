// Does a mistake in a key file stop the start with the file and field, and without the key in the message?
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { createKeyFile, loadKeysFromFile, type Algorithm } from '../../auth/index.ts'
import { memorySecrets, testAuth, type Json } from './support/auth.ts'

const directory = await mkdtemp(join(tmpdir(), 'auth-'))
t.teardown(() => rm(directory, { recursive: true }))
const path = join(directory, 'keys.json')
const secret = Buffer.alloc(32, 0xab).toString('base64url')
const key = (algorithm: Algorithm) =>
  (JSON.parse(createKeyFile(algorithm, randomBytes)) as { keys: [{ privateKey: string }] }).keys[0]
const pem = (pair: ReturnType<typeof generateKeyPairSync>) =>
  pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

const hs256 = { kid: 'a', alg: 'HS256', secret }
const edPem = key('EdDSA').privateKey
const file = (...keys: unknown[]) => JSON.stringify({ version: 1, keys })
const weakRsa = pem(generateKeyPairSync('rsa', { modulusLength: 1_024 }) as never)
const p384 = pem(generateKeyPairSync('ec', { namedCurve: 'P-384' }) as never)
const ed448 = pem(generateKeyPairSync('ed448') as never)
const locked = generateKeyPairSync('ed25519').privateKey
const lockedPem = locked.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }).toString()
const publicPem = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString()

const cases: [string, string, RegExp][] = [
  ['no JSON', `{"version":1,"keys":[{"secret":"${secret}"`, /not a JSON object/],
  ['a bare secret', secret, /not a JSON object/],
  ['a list', `["${secret}"]`, /not a JSON object/],
  ['empty', '', /not a JSON object/],
  ['no version', JSON.stringify({ keys: [hs256] }), /version must be 1/],
  ['a version of the future', JSON.stringify({ version: 2, keys: [hs256] }), /version must be 1/],
  ['no keys', '{"version":1}', /keys must be a list/],
  ['a misspelt field', JSON.stringify({ version: 1, keys: [hs256], tokenIDKey: secret }), /"tokenIDKey" is not known/],
  ['a misspelt field of a key', file({ ...hs256, alg2: 'RS256' }), /keys\[0\]: "alg2" is not known/],
  ['a field of another algorithm', file({ ...hs256, privateKey: 'x' }), /keys\[0\]: "privateKey" is not known/],
  ['an empty list', file(), /at least one key/],
  ['a key that is text', file(secret), /keys\[0\] must be an object/],
  ['no kid', file({ ...hs256, kid: undefined }), /keys\[0\]\.kid/],
  ['an empty kid', file({ ...hs256, kid: '' }), /keys\[0\]\.kid/],
  ['a kid of strange characters', file({ ...hs256, kid: 'a b' }), /keys\[0\]\.kid/],
  ['a kid twice', file(hs256, { ...hs256, secret: 'b'.repeat(43) }), /two keys have the same kid/],
  ['alg none', file({ ...hs256, alg: 'none' }), /keys\[0\]\.alg must be one of HS256, EdDSA, ES256, RS256/],
  ['alg HS512', file({ ...hs256, alg: 'HS512' }), /keys\[0\]\.alg/],
  [
    'a short secret',
    file({ ...hs256, secret: secret.slice(0, 40) }),
    /keys\[0\]\.secret must be base64url of at least 32 bytes/,
  ],
  ['an empty secret', file({ ...hs256, secret: '' }), /keys\[0\]\.secret/],
  ['a secret that is no base64url', file({ ...hs256, secret: `${secret}=+/` }), /keys\[0\]\.secret/],
  ['the second key is wrong', file(hs256, { kid: 'b', alg: 'HS256' }), /keys\[1\]\.secret/],
  ['no private key', file({ kid: 'a', alg: 'EdDSA' }), /keys\[0\]\.privateKey must be a private key/],
  ['a secret for a private key', file({ kid: 'a', alg: 'EdDSA', privateKey: secret }), /keys\[0\]\.privateKey/],
  ['a broken private key', file({ kid: 'a', alg: 'EdDSA', privateKey: edPem.replace('MC4', 'MC5') }), /privateKey/],
  ['a public key', file({ kid: 'a', alg: 'EdDSA', privateKey: publicPem }), /privateKey must be a private key/],
  ['a locked private key', file({ kid: 'a', alg: 'EdDSA', privateKey: lockedPem }), /without a password/],
  ['an EdDSA key for RS256', file({ kid: 'a', alg: 'RS256', privateKey: edPem }), /an RSA key of at least 2048 bits/],
  ['an EdDSA key for ES256', file({ kid: 'a', alg: 'ES256', privateKey: edPem }), /curve P-256 for ES256/],
  ['a weak RSA key', file({ kid: 'a', alg: 'RS256', privateKey: weakRsa }), /at least 2048 bits/],
  ['another curve', file({ kid: 'a', alg: 'ES256', privateKey: p384 }), /curve P-256/],
  ['Ed448', file({ kid: 'a', alg: 'EdDSA', privateKey: ed448 }), /an Ed25519 key/],
  ['a short token id key', JSON.stringify({ version: 1, keys: [hs256], tokenIdKey: 'abcd' }), /tokenIdKey/],
]

await t.test('mistakes', async (t) => {
  for (const [what, text, expected] of cases) {
    await writeFile(path, text)
    const error: unknown = await loadKeysFromFile(path).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    if (!(error instanceof Error)) {
      t.fail(`${what}: accepted`)
      continue
    }
    t.match(error.message, expected, what)
    t.ok(error.message.startsWith(path), `${what}: names the file`)
    t.equal(error.cause, undefined, what)
    t.ok(!error.message.includes(secret.slice(0, 8)), `${what}: no secret in it`)
    t.ok(!error.message.includes('BEGIN'), `${what}: no private key in it`)
    t.ok(!error.message.includes(edPem.slice(40, 60)), `${what}: no part of a private key in it`)
  }
})

await t.test('a start with a wrong or absent file fails, and one with a good file works', async (t) => {
  await t.rejects(testAuth({ keysFile: join(directory, 'absent.json') }), { code: 'ENOENT' })
  await writeFile(path, '{}')
  await t.rejects(testAuth({ keysFile: path }), /version must be 1/)
  const keys: Json[] = [hs256, ...(['EdDSA', 'ES256', 'RS256'] as const).map((algorithm) => ({ ...key(algorithm) }))]
  await writeFile(path, JSON.stringify({ version: 1, keys }))
  t.equal((await loadKeysFromFile(path)).keys.length, 4)
  await t.resolves(testAuth({ keysFile: path }))
})

await t.test('a generated secret that was damaged is named, and no new one is made in its place', async (t) => {
  const secrets = memorySecrets(
    new Map([['signing-key-HS256.json', `{"version":1,"keys":[{"kid":"a","secret":"${secret}"`]]),
  )
  await t.rejects(testAuth({ secrets }), { message: 'signing-key-HS256.json: not a JSON object' })
  await t.rejects(testAuth({ secrets, algorithm: 'EdDSA' }), { message: 'signing-key-HS256.json: not a JSON object' })
  await t.rejects(testAuth({ secrets: memorySecrets(new Map([['token-id.key', 'short']])) }), /token-id\.key must be/)
})

await t.test('an empty issuer or audience is refused', async (t) => {
  await t.rejects(testAuth({ issuer: '' }), /issuer/)
  await t.rejects(testAuth({ audience: '' }), /audience/)
})
