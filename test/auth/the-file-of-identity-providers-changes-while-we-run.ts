// Is a changed file taken without a restart, with its key files, and does a broken one change nothing?
import { t } from '../support/tap.ts'
import { eventually } from '../support/waiting.ts'
import { authOf, entryOf, issuerFiles, issuerKey, keyServer, keySet, refusesIdentity } from './support/issuer.ts'
import { serving, signedBy } from './support/issuer.ts'

const OTHER = 'https://other.example.com'
const [first, second] = [await issuerKey('ES256', 'one'), await issuerKey('ES256', 'two')]

await t.test('it is watched', async (t) => {
  const files = await issuerFiles(t)
  const logs: string[] = []
  const log = (_fields: unknown, text?: string) => void logs.push(text ?? '')
  await files.write('keys.json', keySet(first))
  await files.write('other.json', keySet(second))
  await files.entries(entryOf({ accountPrefix: 'a:' }))
  const auth = await authOf(t, files, { logger: { info: log, warn: log, error: log } })
  const ofOther = await signedBy(second, { iss: OTHER })
  t.equal(auth.issuerOf(ofOther), undefined)
  await files.entries(
    entryOf({ accountPrefix: 'a:' }),
    entryOf({ issuer: OTHER, keysFile: 'other.json', accountPrefix: 'b:' }),
  )
  await eventually('the new issuer', () => auth.issuerOf(ofOther) === 'known')
  t.equal((await auth.identity(ofOther)).account, 'b:ann')

  await files.write('issuers.json', '[{')
  await eventually('it is told of', () => logs.some((line) => line.startsWith('cannot use the file')))
  t.ok(await auth.identity(ofOther), 'the previous ones stay')
  await files.entries(entryOf(), entryOf({ issuer: OTHER, keysFile: 'other.json' }))
  const told = logs.length
  await eventually('it is told of', () => logs.length > told)
  t.equal((await auth.identity(ofOther)).account, 'b:ann', 'prefixes that collide are not taken')

  await files.entries(entryOf({ accountPrefix: 'a:' }))
  await eventually('it is gone', () => auth.issuerOf(ofOther) === undefined)
  await refusesIdentity(t, auth, ofOther, 'TOKEN_INVALID', 'and vouches for nobody')

  await files.write('keys.json', keySet(second))
  const byNew = await signedBy(second)
  await eventually('the new keys', () =>
    auth.identity(byNew).then(
      () => true,
      () => false,
    ),
  )
  await refusesIdentity(t, auth, await signedBy(first), 'TOKEN_INVALID', 'a key that is gone')
})

await t.test('what was asked for is not asked for again', async (t) => {
  const files = await issuerFiles(t)
  const server = await keyServer(t, serving(keySet(first)))
  const at = (fields = {}) => entryOf({ keysFile: undefined, jwksUri: server.uri, ...fields })
  await files.entries(at())
  const auth = await authOf(t, files)
  const token = await signedBy(first)
  t.equal((await auth.identity(token)).account, 'ann')
  await files.entries(at({ accountPrefix: 'p:' }))
  await Promise.all([auth.reload(), auth.reload(), auth.reload()])
  t.equal((await auth.identity(token)).account, 'p:ann')
  t.equal(server.asked(), 1)
  await files.entries(at({ accountPrefix: 'p:', jwksUri: `${server.uri}/new` }))
  await auth.reload()
  t.ok(await auth.identity(token))
  t.equal(server.asked(), 2, 'another address is')
})
