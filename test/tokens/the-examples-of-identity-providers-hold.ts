// Are the entries of docs/tokens.md taken as they stand there, and tokens of the form that those providers give with them?
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { ROOT } from '../support/root.ts'
import type { Json } from '../auth/support/auth.ts'
import { authOf, issuerFiles, issuerKey, keySet, refusesIdentity, signedBy } from '../auth/support/issuer.ts'

const BLOCK = /```json issuer=(\S+)\n([\s\S]*?)```/g
const text = readFileSync(join(ROOT, 'docs', 'tokens.md'), 'utf8')
const examples = new Map([...text.matchAll(BLOCK)].map(([, name = '', json = '']) => [name, json]))
const key = await issuerKey('RS256')

/** As they come, with more in them than is looked at. */
const TOKENS: Record<string, { readonly claims: Json; readonly account: string; readonly tags?: readonly string[] }> = {
  keycloak: {
    claims: {
      iss: 'https://id.example.com/realms/main',
      aud: ['push', 'account'],
      sub: 'f3c1a5de-8f35-4d7c-9a5b-2f4f0c5f9a11',
      typ: 'Bearer',
      azp: 'chat',
      sid: '2f0f4f0e-5d1a-4a55-9a0b-1c2f5c1f7d10',
      realm_access: { roles: ['offline_access'] },
      scope: 'openid email profile',
      preferred_username: 'ann',
    },
    account: 'f3c1a5de-8f35-4d7c-9a5b-2f4f0c5f9a11',
  },
  auth0: {
    claims: {
      iss: 'https://example.eu.auth0.com/',
      aud: ['https://push.example.com', 'https://example.eu.auth0.com/userinfo'],
      sub: 'auth0|5f7c8ec7c33c6c004bbafe82',
      azp: 'my_client_id',
      scope: 'openid profile',
      'https://push.example.com/tags': ['beta'],
    },
    account: 'a0:auth0|5f7c8ec7c33c6c004bbafe82',
    tags: ['beta'],
  },
  firebase: {
    claims: {
      iss: 'https://securetoken.google.com/chat-4711',
      aud: 'chat-4711',
      auth_time: 1_893_455_000,
      user_id: 'Xk893u23H9SJ893',
      sub: 'Xk893u23H9SJ893',
      azp: undefined,
      firebase: { identities: {}, sign_in_provider: 'custom' },
    },
    account: 'fb:Xk893u23H9SJ893',
  },
}

t.same([...examples.keys()], Object.keys(TOKENS))
for (const [name, json] of examples) {
  await t.test(name, async (t) => {
    // The keys are at the provider; here they are a file.
    const [{ jwksUri, ...entry }] = JSON.parse(json)
    t.match(jwksUri, /^https:/)
    const files = await issuerFiles(t)
    await files.write('keys.json', keySet(key))
    await files.entries({ ...entry, keysFile: 'keys.json' })
    const auth = await authOf(t, files)
    const { claims, account, tags } = TOKENS[name]!
    const identity = await auth.identity(await signedBy(key, claims))
    t.equal(identity.account, account)
    t.same([...identity.apps], ['chat'])
    t.same(identity.tags, tags)
    await refusesIdentity(t, auth, await signedBy(key, { ...claims, aud: 'another' }), 'TOKEN_INVALID', 'aud')
  })
}

await t.test('all of them, with a prefix each', async (t) => {
  const files = await issuerFiles(t)
  await files.write('keys.json', keySet(key))
  const all = [...examples.values()].flatMap((json) => JSON.parse(json) as Json[])
  const entries = all.map((entry, at) => ({
    ...entry,
    jwksUri: undefined,
    accountPrefix: `${at}:`,
    keysFile: 'keys.json',
  }))
  await files.entries(...entries)
  const auth = await authOf(t, files)
  for (const [at, { claims }] of Object.values(TOKENS).entries())
    t.ok((await auth.identity(await signedBy(key, claims))).account.startsWith(`${at}:`))
})
