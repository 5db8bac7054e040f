// Does a mistake in the file of identity providers stop the start, with the file and the field, and without what it holds?
import { generateKeyPairSync } from 'node:crypto'
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { testAuth, type Json } from './support/auth.ts'
import { entryOf, ISSUER, issuerFiles, issuerKey, keySet } from './support/issuer.ts'

const key = await issuerKey('ES256')
const SECRET = 'hunter2hunter2'

async function startsWith(t: Test, content: string, keys = keySet(key)): Promise<string> {
  const files = await issuerFiles(t)
  await files.write('issuers.json', content)
  await files.write('keys.json', keys)
  try {
    const auth = await testAuth({ issuersFile: files.path })
    auth.close()
    return 'started'
  } catch (error) {
    const message = error instanceof Error ? error.message : ''
    t.ok(message.startsWith(files.path), `names the file: ${message}`)
    t.notOk(message.includes(SECRET), 'and quotes nothing')
    return message.slice(files.path.length)
  }
}

const wrongFields: readonly [Json, RegExp][] = [
  [{ isuer: ISSUER }, /^\[0\]: "isuer" is not known/],
  [{ issuer: undefined }, /^\[0\]\.issuer/],
  [{ issuer: '' }, /^\[0\]\.issuer/],
  [{ issuer: 'aedes-push' }, /^\[0\]\.issuer is the issuer of message tokens here/],
  [{ keysFile: undefined }, /^\[0\] must have one of jwksUri and keysFile/],
  [{ jwksUri: 'https://id.example.com/jwks' }, /^\[0\] must have one of/],
  ...[
    'http://id.example.com/jwks',
    'ftp://id.example.com/jwks',
    'file:///etc/passwd',
    `https://user:${SECRET}@id.example.com/jwks`,
    `http://127.0.0.1.example.com/${SECRET}`,
    'http://localhost.example.com/jwks',
    'http://169.254.169.254/latest',
    'http://[::2]/jwks',
    SECRET,
  ].map((jwksUri): [Json, RegExp] => [{ keysFile: undefined, jwksUri }, /^\[0\]\.jwksUri must be an https URL/]),
  [{ audience: undefined }, /^\[0\]\.audience/],
  [{ audience: ['a'] }, /^\[0\]\.audience/],
  [{ algorithms: undefined }, /^\[0\]\.algorithms/],
  [{ algorithms: [] }, /^\[0\]\.algorithms/],
  [{ algorithms: ['HS256'] }, /^\[0\]\.algorithms/],
  [{ algorithms: ['RS256', 'none'] }, /^\[0\]\.algorithms/],
  [{ algorithms: 'RS256' }, /^\[0\]\.algorithms/],
  [{ claims: undefined }, /^\[0\]\.claims/],
  [{ claims: { app: 'azp' } }, /^\[0\]\.claims\.account/],
  [{ claims: { account: 'sub', ap: 'azp' } }, /^\[0\]\.claims: "ap" is not known/],
  [{ claims: { account: 'sub' } }, /^\[0\]\.claims\.app is missing/],
  [{ claims: { account: 'sub', app: 'azp', tags: 1 } }, /^\[0\]\.claims\.tags/],
  [{ apps: undefined }, /^\[0\]\.apps/],
  [{ apps: [] }, /^\[0\]\.apps/],
  [{ apps: ['*', 'a/b'] }, /^\[0\]\.apps/],
  [{ accountPrefix: 'a/' }, /^\[0\]\.accountPrefix/],
  [{ accountPrefix: 1 }, /^\[0\]\.accountPrefix/],
  [{ accountPrefix: '\ud800' }, /^\[0\]\.accountPrefix/],
]
await t.test('each field', async (t) => {
  for (const [fields, error] of wrongFields)
    t.match(await startsWith(t, JSON.stringify([entryOf(fields)])), error, JSON.stringify(fields))
  t.match(await startsWith(t, `[{"issuer": "${SECRET}"`), /^: not JSON/)
  t.match(await startsWith(t, '{}'), /^ must be a list/)
  t.match(await startsWith(t, '[null]'), /^\[0\] must be an object/)
  t.equal(await startsWith(t, JSON.stringify([entryOf()])), 'started')
  for (const host of ['localhost', '127.0.0.1', '127.8.9.10', '[::1]'])
    t.equal(
      await startsWith(t, JSON.stringify([entryOf({ keysFile: undefined, jwksUri: `http://${host}:1/jwks` })])),
      'started',
      host,
    )
})

await t.test('two issuers that could name one account', async (t) => {
  const other = (fields: Json) => entryOf({ issuer: 'https://other.example.com', ...fields })
  const collisions: readonly [string | undefined, string | undefined][] = [
    [undefined, undefined],
    ['', 'b:'],
    ['a:', undefined],
    ['a:', 'a:'],
    ['a', 'a:'],
    ['a:', 'a'],
  ]
  for (const [one, two] of collisions) {
    const both = [entryOf({ accountPrefix: one }), other({ accountPrefix: two, apps: ['mail', 'game'] })]
    t.match(await startsWith(t, JSON.stringify(both)), /^\[1\]\.accountPrefix: it shares an app with/, `${one} ${two}`)
  }
  const apart = [entryOf({ accountPrefix: 'a:' }), other({ accountPrefix: 'b:' })]
  t.equal(await startsWith(t, JSON.stringify(apart)), 'started')
  t.equal(
    await startsWith(t, JSON.stringify([entryOf(), other({ apps: ['game', 'bank'] })])),
    'started',
    'no app shared',
  )
  const twice = [entryOf({ accountPrefix: 'a:' }), entryOf({ accountPrefix: 'b:', apps: ['game', 'bank'] })]
  t.match(await startsWith(t, JSON.stringify(twice)), /^\[1\]\.issuer is that of .*\[0\] already/)
})

await t.test('key files', async (t) => {
  const entries = JSON.stringify([entryOf()])
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const inFile = async (keys: string, error: RegExp) => t.match(await startsWith(t, entries, keys), error)
  await inFile('', /keysFile of https:\/\/id\.example\.com\/: .*keys\.json: it is not JSON/)
  await inFile('{}', /not a JWK Set/)
  await inFile('{"keys": []}', /no public key/)
  await inFile(pem, /holds a PRIVATE KEY; give public keys only/)
  await inFile(`${key.pem}${pem}`, /holds a PRIVATE KEY/)
  await inFile(JSON.stringify({ keys: [privateKey.export({ format: 'jwk' })] }), /no public key/)
  await inFile('-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----', /cannot verify a token/)
  await inFile(publicKey.export({ type: 'spki', format: 'pem' }).toString().repeat(5), /more than 4 keys without kid/)
  await inFile(JSON.stringify({ keys: Array.from({ length: 65 }, () => key.jwk) }), /more than 64 keys/)
  t.match(await startsWith(t, JSON.stringify([entryOf({ keysFile: 'absent.json' })])), /absent\.json.*ENOENT/)
})
