// Is an issuer asked at most once in 30 s, and are its keys believed while they can be known to be its keys?
import type { ServerResponse } from 'node:http'
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { eventually } from '../support/waiting.ts'
import { authWith, issuerKey, keyServer, keySet, refusesIdentity, serving, signedBy } from './support/issuer.ts'

const SECOND = 1_000
const HOUR = 3_600 * SECOND
const [first, second, third] = [
  await issuerKey('ES256', 'one'),
  await issuerKey('ES256', 'two'),
  await issuerKey('ES256', 'three'),
]
const down = (_request: unknown, response: ServerResponse) => void response.writeHead(500).end()

/** Auth whose durations run by hand, and which has the first key. */
async function start(t: Test) {
  let clock = 0
  const server = await keyServer(t, serving(keySet(first)))
  const logs: string[] = []
  const log = (_fields: unknown, text?: string) => void logs.push(text ?? '')
  const logger = { info: log, warn: log, error: log }
  const fields = { keysFile: undefined, jwksUri: server.uri }
  const auth = await authWith(t, [], fields, { monotonic: () => clock, logger })
  await auth.identity(await signedBy(first))
  const after = (ms: number) => void (clock += ms)
  return { auth, server, after, logs }
}

await t.test('a flood of unknown kids', async (t) => {
  const { auth, server, after } = await start(t)
  const flood = async () => {
    const tokens = await Promise.all(Array.from({ length: 200 }, (_, n) => signedBy(second, {}, { kid: `x${n}` })))
    const refused = await Promise.allSettled(tokens.map((token) => auth.identity(token)))
    t.ok(refused.every(({ status }) => status === 'rejected'))
  }
  await flood()
  t.equal(server.asked(), 1, 'nothing within 30 s of the first')
  after(30 * SECOND)
  await flood()
  t.equal(server.asked(), 2, 'one for all of them')
  after(29 * SECOND)
  await flood()
  await flood()
  t.equal(server.asked(), 2)
  t.ok(await auth.identity(await signedBy(first)), 'who has a known key does not wait')
})

await t.test('a new key is found at once where the issuer may be asked, and by all who wait', async (t) => {
  const { auth, server, after } = await start(t)
  server.answer = serving(keySet(first, second))
  await refusesIdentity(t, auth, await signedBy(second), 'TOKEN_INVALID', 'too soon')
  after(30 * SECOND)
  let answer: () => void = () => undefined
  const held = new Promise<void>((resolve) => {
    server.answer = (_request, response) => {
      answer = () => void response.end(keySet(first, second))
      resolve()
    }
  })
  const token = await signedBy(second)
  const waiting = Array.from({ length: 20 }, () => auth.identity(token))
  await held
  t.ok(await auth.identity(await signedBy(first)), 'a known key does not wait for it')
  answer()
  t.equal((await Promise.all(waiting)).length, 20)
  t.equal(server.asked(), 2)
})

await t.test('a key that the issuer took back', async (t) => {
  const { auth, server, after } = await start(t)
  server.answer = serving(keySet(second))
  const token = await signedBy(first)
  after(299 * SECOND)
  t.ok(await auth.identity(token))
  t.equal(server.asked(), 1)
  after(SECOND)
  t.ok(await auth.identity(token), 'asked in the background')
  await eventually('it stops', () =>
    auth.identity(token).then(
      () => false,
      () => true,
    ),
  )
  t.equal(server.asked(), 2)
  t.ok(await auth.identity(await signedBy(second)))
  server.answer = serving('{"keys": []}')
  after(300 * SECOND)
  await auth.identity(await signedBy(second))
  await eventually('all stop', async () =>
    auth.identity(await signedBy(second)).then(
      () => false,
      () => true,
    ),
  )
})

await t.test('an outage', async (t) => {
  const { auth, server, after, logs } = await start(t)
  const token = await signedBy(first)
  server.answer = down
  for (let asked = 1; asked < 4; asked++) {
    after(300 * SECOND)
    t.ok(await auth.identity(token), 'a known key goes on')
    await eventually('it was asked', () => server.asked() === asked + 1)
    await refusesIdentity(t, auth, await signedBy(third), 'ISSUER_UNAVAILABLE', 'an unknown one may be good')
  }
  t.equal(logs.filter((line) => line.startsWith('could not fetch the keys')).length, 1, 'said once')
  after(23 * HOUR + 3_600_000 - 900 * SECOND)
  t.ok(await auth.identity(token), 'for 24 hours')
  await eventually('it was asked', () => server.asked() === 5)
  after(SECOND)
  await refusesIdentity(t, auth, token, 'ISSUER_UNAVAILABLE', 'and no longer')
  after(30 * SECOND)
  await refusesIdentity(t, auth, token, 'ISSUER_UNAVAILABLE', 'whoever asks')
  t.equal(logs.filter((line) => line.startsWith('the keys of the identity provider are more than')).length, 1)
  server.answer = serving(keySet(first))
  await refusesIdentity(t, auth, token, 'ISSUER_UNAVAILABLE', 'it is not asked more often for it')
  after(30 * SECOND)
  t.ok(await auth.identity(token), 'until it answers')
  t.equal(logs.at(-1), 'fetched the keys of the identity provider again')
})

await t.test('an issuer that is away when we start', async (t) => {
  let clock = 0
  const server = await keyServer(t, down)
  const fields = { keysFile: undefined, jwksUri: server.uri }
  const auth = await authWith(t, [], fields, { monotonic: () => clock })
  const token = await signedBy(first)
  await refusesIdentity(t, auth, token, 'ISSUER_UNAVAILABLE', 'no keys')
  server.answer = serving(keySet(first))
  clock += 30 * SECOND
  t.ok(await auth.identity(token))
  t.equal(server.asked(), 2)
})

await t.test('one that is closed asks no more', async (t) => {
  const server = await keyServer(t, () => undefined)
  const fields = { keysFile: undefined, jwksUri: server.uri }
  const auth = await authWith(t, [], fields)
  await eventually('asked', () => server.asked() === 1)
  const token = auth.identity(await signedBy(first))
  auth.close()
  await t.rejects(token, { code: 'ISSUER_UNAVAILABLE' })
})
