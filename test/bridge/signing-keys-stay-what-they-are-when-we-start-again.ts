// Across starts: does a key of before there was a table sign on, does a retired one stay gone, and when does a new algorithm begin?
import { t } from '../support/tap.ts'
import { openAuth, type Algorithm, type Auth, type Secrets } from '../../auth/index.ts'
import { SigningKeys } from '../../bridge/index.ts'
import type { Store } from '../../store/contract.ts'
import { openLevelStore } from '../../store/index.ts'
import { temporaryFolder, type Scope } from '../support/index.ts'
import { memorySecrets } from '../auth/support/auth.ts'

const MINUTE = 60_000
const GRANT = { app: 'chat', device: 'phone', account: 'ann', ttl: 86_400, generation: 1 }
const quiet = { debug: () => undefined, warn: () => undefined, error: () => undefined }

async function place(t: Scope) {
  const clock = { now: Date.UTC(2030, 0, 1) }
  const secrets = memorySecrets()
  const store = openLevelStore({ directory: temporaryFolder(t, 'signing') })
  await store.open()
  t.teardown(() => store.close())
  const open = (algorithm: Algorithm) => start({ store, secrets, algorithm, clock })
  return { clock, secrets, open }
}

interface Place {
  readonly store: Store
  readonly secrets: Secrets
  readonly algorithm: Algorithm
  readonly clock: { readonly now: number }
}

async function start({ store, secrets, algorithm, clock }: Place): Promise<Auth & { signing: SigningKeys }> {
  const now = () => clock.now
  const monotonic = () => performance.now()
  const signing = await SigningKeys.open({ store, secrets, algorithm, logger: quiet, now, monotonic })
  const auth = await openAuth({ secrets, providers: [], ring: signing.ring, now })
  return { ...auth, signing }
}

const kidOf = (auth: Auth, token: string) => auth.verify(token).kid
const signerOf = (auth: Auth) => kidOf(auth, auth.issue(GRANT).token)

await t.test('a key of before there was a table', async (t) => {
  const { clock, secrets, open } = await place(t)
  const before = await openAuth({ secrets, providers: [], algorithm: 'ES256', now: () => clock.now })
  const earlier = await openAuth({ secrets, providers: [], algorithm: 'HS256', now: () => clock.now })
  const tokens = [before.issue(GRANT).token, earlier.issue(GRANT).token]
  const auth = await open('ES256')
  for (const token of tokens) t.equal(auth.verify(token).account, 'ann', 'no token is refused')
  t.equal(signerOf(auth), kidOf(before, tokens[0] ?? ''), 'it signs on')
  t.equal(auth.signingKeys().length, 2)
  await auth.signing.close()
})

await t.test('a start changes nothing, and what is retired stays so', async (t) => {
  const { clock, open } = await place(t)
  const first = await open('EdDSA')
  const old = first.issue(GRANT).token
  clock.now += 1
  const { kid } = await first.signing.rotate({})
  await first.signing.close()
  const second = await open('EdDSA')
  t.equal(signerOf(second), kidOf(first, old), 'the time of the new one has not come')
  clock.now += 6 * MINUTE
  t.equal(signerOf(second), kid)
  await second.signing.retire(kidOf(second, old))
  await second.signing.close()
  const third = await open('EdDSA')
  t.throws(() => third.verify(old), { code: 'TOKEN_INVALID' }, 'though the secret is still there')
  t.equal(signerOf(third), kid)
  t.same(
    third.signingKeys().map(({ state }) => state),
    ['retired', 'signing'],
  )
  await third.signing.close()
})

await t.test('another algorithm', async (t) => {
  const { clock, open } = await place(t)
  const secret = await open('HS256')
  const byHmac = secret.issue(GRANT).token
  await secret.signing.close()
  // Of two keys that may sign from the same moment on, either may.
  clock.now += MINUTE
  const es256 = await open('ES256')
  t.equal(es256.signing.ring.signing().algorithm, 'ES256', 'nobody has public keys of before')
  const byEcdsa = es256.issue(GRANT).token
  clock.now += MINUTE
  await es256.signing.close()
  const ed = await open('EdDSA')
  t.equal(ed.signing.ring.signing().algorithm, 'ES256', 'whoever verifies with public keys has to get the new one')
  clock.now += 6 * MINUTE
  t.equal(ed.signing.ring.signing().algorithm, 'EdDSA')
  for (const token of [byHmac, byEcdsa]) t.equal(ed.verify(token).account, 'ann')
  for (const token of [byHmac, byEcdsa]) await ed.signing.retire(kidOf(ed, token))
  await ed.signing.close()
  const back = await open('ES256')
  t.equal(back.signing.ring.signing().algorithm, 'EdDSA')
  clock.now += 6 * MINUTE
  t.equal(back.signing.ring.signing().algorithm, 'ES256', 'with a new key')
  t.throws(() => back.verify(byEcdsa), { code: 'TOKEN_INVALID' })
  await back.signing.close()
})

await t.test('processes that start at once agree', async (t) => {
  const { open } = await place(t)
  const all = await Promise.all(Array.from({ length: 5 }, () => open('ES256')))
  const tokens = all.map((auth) => auth.issue(GRANT).token)
  for (const auth of all) for (const token of tokens) t.equal(auth.verify(token).account, 'ann')
  t.equal(all[0]?.signingKeys().length, 1)
  for (const auth of all) await auth.signing.close()
})
