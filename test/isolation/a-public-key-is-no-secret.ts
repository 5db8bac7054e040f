// With asymmetric keys, is a token that is signed by HMAC with the public key refused?
import { t } from '../support/tap.ts'
import { startServer } from '../support/index.ts'
import { open, operatorKey, publicKeyForms, sign } from './support/forge.ts'
import { ANN, getsItsOwn, gotNothing, join } from './support/people.ts'
import { INVALID, tokenIsRefused } from './support/refused.ts'

for (const algorithm of ['RS256'] as const) {
  await t.test(algorithm, async (t) => {
    const server = await startServer(t, { settings: { PUSH_TOKEN_ALGORITHM: algorithm } })
    const ann = await join(t, server, ANN)
    await getsItsOwn(t, server, ann)
    const { header, claims } = open(ann.issued.token)
    t.equal(header['alg'], algorithm)
    const { privateKey } = operatorKey(server.dataDir, algorithm)
    for (const [form, key] of Object.entries(publicKeyForms(privateKey!))) {
      for (const alg of ['HS256', 'HS384', 'HS512', algorithm]) {
        await tokenIsRefused(
          t,
          server,
          sign({ ...header, alg }, claims, key),
          INVALID,
          `${alg} with the key as ${form}`,
        )
      }
    }
    await getsItsOwn(t, server, ann)
    await gotNothing(t, server, ann)
  })
}

await t.test('tokens of a previous algorithm hold on after a change, each with its own only', async (t) => {
  const server = await startServer(t)
  const ann = await join(t, server, ANN)
  const old = open(ann.issued.token)
  await server.restart({ PUSH_TOKEN_ALGORITHM: 'RS256' })
  const bob = await join(t, server, { ...ANN, device: 'phone-2' })
  const { header } = open(bob.issued.token)
  t.equal(header['alg'], 'RS256')
  const { privateKey } = operatorKey(server.dataDir, 'RS256')
  const { secret } = operatorKey(server.dataDir, 'HS256')
  for (const [form, key] of Object.entries(publicKeyForms(privateKey!))) {
    await tokenIsRefused(
      t,
      server,
      sign({ ...header, alg: 'HS256' }, old.claims, key),
      INVALID,
      `the new key as ${form} under its own key id`,
    )
    await tokenIsRefused(t, server, sign(old.header, old.claims, key), INVALID, `${form} under the old key id`)
  }
  await tokenIsRefused(
    t,
    server,
    sign({ ...old.header, kid: header['kid'] }, old.claims, secret!),
    INVALID,
    'the old secret under the new key id',
  )
  await getsItsOwn(t, server, bob)
})
