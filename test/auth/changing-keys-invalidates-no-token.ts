// After keys change, do the tokens that devices hold still verify, and do new ones come from the new key?
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { ALGORITHMS, createKeyFile } from '../../auth/index.ts'
import { decode, GRANT, memorySecrets, NOW, refuses, testAuth, type Json } from './support/auth.ts'
import { randomBytes } from 'node:crypto'

const kidOf = (token: string) => decode(token).header['kid']
const newKey = (algorithm: (typeof ALGORITHMS)[number]) =>
  (JSON.parse(createKeyFile(algorithm, randomBytes)) as { keys: [Json] }).keys[0]

await t.test('a restart changes nothing', async (t) => {
  const secrets = memorySecrets()
  const { token, tokenId } = (await testAuth({ secrets })).issue(GRANT)
  const restarted = await testAuth({ secrets })
  t.equal(restarted.verify(token).tokenId, tokenId)
  t.equal(kidOf(restarted.issue(GRANT).token), kidOf(token))
  t.same([...secrets.contents.keys()].toSorted(), ['signing-key-HS256.json', 'token-id.key'])
})

await t.test('another algorithm makes another key, and every previous one goes on verifying', async (t) => {
  const secrets = memorySecrets()
  const tokens: string[] = []
  for (const algorithm of [...ALGORITHMS, 'HS256'] as const) {
    const auth = await testAuth({ secrets, algorithm })
    const { token, tokenId } = auth.issue(GRANT)
    tokens.push(token)
    t.equal(decode(token).header['alg'], algorithm)
    for (const each of tokens) t.equal(auth.verify(each).tokenId, tokenId)
  }
  t.equal(kidOf(tokens.at(-1) ?? ''), kidOf(tokens[0] ?? ''), 'back to the first algorithm is back to its key')
  t.equal(new Set(tokens.map(kidOf)).size, 4)
})

await t.test('a store may wrap what goes wrong while a secret is made', async (t) => {
  const inner = memorySecrets()
  const wrapping = {
    secret: (name: string, create: () => string) =>
      inner.secret(name, create).catch(() => Promise.reject(new Error('the secret could not be made'))),
  }
  const { token } = (await testAuth({ secrets: wrapping })).issue(GRANT)
  t.equal((await testAuth({ secrets: wrapping, algorithm: 'EdDSA' })).verify(token).account, 'alice')
  t.equal(inner.contents.size, 3, 'no key of an algorithm that nobody asked for')
})

await t.test('a key that another node has made since is found, and asked for no more than now and then', async (t) => {
  let elapsed = 0
  let reads = 0
  const { contents } = memorySecrets()
  const shared = memorySecrets(contents)
  const counted = { secret: (name: string, create: () => string) => (reads++, shared.secret(name, create)) }
  const auth = await testAuth({ secrets: counted, monotonic: () => elapsed })
  const { token } = (await testAuth({ secrets: shared, algorithm: 'EdDSA' })).issue(GRANT)
  const readsAtStart = reads
  refuses(t, auth, token, 'TOKEN_INVALID', 'not known at first')
  const readsOnce = reads
  t.ok(readsOnce > readsAtStart)
  await new Promise(setImmediate)
  t.equal(auth.verify(token).account, 'alice', 'and known then')
  const stranger = (await testAuth()).issue(GRANT).token
  for (let n = 0; n < 100; n++) refuses(t, auth, stranger, 'TOKEN_INVALID', 'a stranger')
  t.equal(reads, readsOnce + 3, 'no more than the rest of the one look')
  elapsed += 5_000
  refuses(t, auth, stranger, 'TOKEN_INVALID', 'a stranger, later')
  t.ok(reads > readsOnce + 3, 'and again after a while')
})

await t.test('secrets that cannot be read while running refuse the unknown token and nothing else', async (t) => {
  const secrets = memorySecrets()
  let broken = false
  const failing = {
    secret: async (name: string, create: () => string) => {
      if (broken) throw new Error('the store does not answer')
      return secrets.secret(name, create)
    },
  }
  const auth = await testAuth({ secrets: failing })
  const { token } = auth.issue(GRANT)
  broken = true
  refuses(t, auth, (await testAuth()).issue(GRANT).token, 'TOKEN_INVALID', 'unknown')
  await new Promise(setImmediate)
  t.equal(auth.verify(token).account, 'alice')
  await t.rejects(testAuth({ secrets: failing }), { message: 'the store does not answer' }, 'but a start says so')
})

await t.test('keys from a file: the first one signs, all verify, generated ones do not', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'auth-'))
  t.teardown(() => rm(directory, { recursive: true }))
  const keysFile = join(directory, 'keys.json')
  const write = (keys: Json[], more: Json = {}) => writeFile(keysFile, JSON.stringify({ version: 1, keys, ...more }))
  const secrets = memorySecrets()
  const generated = (await testAuth({ secrets })).issue(GRANT).token

  const [first, second, third] = [newKey('HS256'), newKey('HS256'), newKey('ES256')]
  await write([first])
  const old = (await testAuth({ secrets, keysFile })).issue(GRANT)
  t.equal(kidOf(old.token), first['kid'])

  await write([second, first, third])
  const auth = await testAuth({ secrets, keysFile })
  t.equal(kidOf(auth.issue(GRANT).token), second['kid'])
  t.equal(auth.verify(old.token).tokenId, old.tokenId)
  refuses(t, auth, generated, 'TOKEN_INVALID', 'of a generated key')

  await write([third, second])
  const last = await testAuth({ secrets, keysFile })
  t.equal(decode(last.issue(GRANT).token).header['alg'], 'ES256')
  refuses(t, last, old.token, 'TOKEN_INVALID', 'of a key that was taken out')
  t.equal(last.tokenIdOf(GRANT), auth.tokenIdOf(GRANT), 'the token id key is still the one of the secrets')

  await write([third], { tokenIdKey: Buffer.alloc(32, 7).toString('base64url') })
  const untouched = memorySecrets()
  const apart = await testAuth({ secrets: untouched, keysFile })
  t.equal(untouched.contents.size, 0, 'a file that holds everything needs no secrets')
  t.not(apart.tokenIdOf(GRANT), auth.tokenIdOf(GRANT))
})

await t.test('a key that is added to the file is found while running', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'auth-'))
  t.teardown(() => rm(directory, { recursive: true }))
  const keysFile = join(directory, 'keys.json')
  const [first, second] = [newKey('HS256'), newKey('EdDSA')]
  const secrets = memorySecrets()
  await writeFile(keysFile, JSON.stringify({ version: 1, keys: [first] }))
  let now = NOW
  const auth = await testAuth({ secrets, keysFile, now: () => now })
  await writeFile(keysFile, JSON.stringify({ version: 1, keys: [second, first] }))
  const { token } = (await testAuth({ secrets, keysFile })).issue(GRANT)
  // It is read in the background, however long that takes: what a device does is try again.
  for (let tries = 0; tries < 1_000; tries++) {
    now += 10
    try {
      t.equal(auth.verify(token).account, 'alice')
      return
    } catch {
      await new Promise(setImmediate)
    }
  }
  t.fail('never found')
})
