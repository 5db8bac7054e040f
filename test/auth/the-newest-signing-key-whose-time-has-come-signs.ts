// Of the keys that are known, in whatever order they were heard of: which one signs, which verify, and which may go?
import { randomBytes } from 'node:crypto'
import { t } from '../support/tap.ts'
import { ALGORITHMS, LiveRing, makeKeyAside, type Algorithm, type SigningKey } from '../../auth/index.ts'
import { decodeSigningKey, encodeSigningKey } from '../../auth/index.ts'

const MINUTE = 60_000

async function keyOf(signsFrom: number, algorithm: Algorithm = 'ES256'): Promise<SigningKey> {
  const key = await makeKeyAside(algorithm, randomBytes)
  return { kid: key.kid, algorithm, key, createdAt: signsFrom, signsFrom }
}

function retired({ kid, algorithm, createdAt, signsFrom }: SigningKey, retiredAt: number): SigningKey {
  return { kid, algorithm, createdAt, signsFrom, retiredAt }
}

function ringAt(clock: { now: number }, ...keys: readonly SigningKey[]): LiveRing {
  const ring = new LiveRing({ algorithm: 'ES256', now: () => clock.now })
  for (const key of keys) t.ok(ring.learn(key))
  return ring
}

const [first, second, third] = [await keyOf(0), await keyOf(5 * MINUTE), await keyOf(10 * MINUTE)]
const other = await keyOf(7 * MINUTE, 'EdDSA')
const statesOf = (ring: LiveRing) => Object.fromEntries(ring.list().map(({ kid, state }) => [kid, state]))

await t.test('as time goes by', async (t) => {
  const clock = { now: MINUTE }
  const ring = ringAt(clock, third, first, other, second)
  const signers: string[] = []
  for (clock.now = MINUTE; clock.now < 12 * MINUTE; clock.now += MINUTE) signers.push(ring.signing().kid)
  const { kid: a } = first
  const { kid: b } = second
  const { kid: c } = third
  t.same(signers, [a, a, a, a, b, b, b, b, b, c, c], 'a key of another algorithm does not, though it is newer')
  clock.now = 6 * MINUTE
  t.same(statesOf(ring), { [a]: 'verifying', [b]: 'signing', [c]: 'published', [other.kid]: 'published' })
  for (const { kid } of [first, second, third, other]) t.equal(ring.find(kid)?.kid, kid, 'all of them verify')
})

await t.test('until a key of the algorithm signs, what signed before goes on', async (t) => {
  const clock = { now: 8 * MINUTE }
  const ring = ringAt(clock, third, other)
  t.equal(ring.signing().kid, other.kid)
  clock.now = 10 * MINUTE
  t.equal(ring.signing().kid, third.kid)
})

await t.test('what was meant for later signs where nothing else is left', async (t) => {
  const clock = { now: MINUTE }
  const ring = ringAt(clock, third, second)
  t.equal(ring.signing().kid, second.kid)
  t.throws(() => ringAt(clock).signing(), { code: 'STORE_UNAVAILABLE' })
})

await t.test('in any order, what is known is the same', async (t) => {
  const heard = [first, second, retired(first, MINUTE), third, retired(first, MINUTE)]
  const orders = heard.map((_, from) => [...heard.slice(from), ...heard.slice(0, from)])
  for (const order of [...orders, heard.toReversed()]) {
    const ring = ringAt({ now: 6 * MINUTE }, ...order)
    t.equal(ring.find(first.kid), undefined, 'a retired key does not come back')
    t.same(statesOf(ring), { [first.kid]: 'retired', [second.kid]: 'signing', [third.kid]: 'published' })
    t.notOk(ring.list().some((told) => 'key' in told))
  }
})

await t.test('its end is told once', async (t) => {
  const ring = ringAt({ now: 6 * MINUTE }, first, second)
  const told: string[] = []
  ring.onRetired((kid) => told.push(kid))
  for (let times = 0; times < 3; times++) ring.learn(retired(first, MINUTE))
  t.same(told, [first.kid])
})

await t.test('another key under a kid that is known is none', async (t) => {
  const ring = ringAt({ now: MINUTE }, first)
  const { key } = second
  t.equal(ring.learn({ ...first, ...(key === undefined ? {} : { key: { ...key, kid: first.kid } }) }), false)
  t.equal(ring.find(first.kid), first.key)
  t.equal(ring.learn({ ...first, algorithm: 'EdDSA' }), false)
  t.equal(ring.signing(), first.key)
})

await t.test('the one that signs may go when another one of its algorithm can', async (t) => {
  const clock = { now: MINUTE }
  const ring = ringAt(clock, first, second, other)
  t.notOk(ring.canGo(first.kid, 1_000))
  clock.now = second.signsFrom - 1_000
  t.ok(ring.canGo(first.kid, 1_000))
  clock.now = second.signsFrom
  t.ok(ring.canGo(first.kid, 0))
  t.ok(ring.canGo(second.kid, 0), 'the one before signs then')
  ring.learn(retired(first, clock.now))
  t.notOk(ring.canGo(second.kid, 0))
  t.ok(ring.canGo(other.kid, 0), 'one that does not sign may go at any time')
})

await t.test('a key as the store keeps it', async (t) => {
  for (const algorithm of ALGORITHMS) {
    const key = await keyOf(MINUTE, algorithm)
    const bytes = Buffer.from(encodeSigningKey(key))
    t.same(decodeSigningKey(key.kid, bytes), key, algorithm)
    const gone = encodeSigningKey(retired(key, 2 * MINUTE))
    t.same(decodeSigningKey(key.kid, gone), retired(key, 2 * MINUTE))
    t.notMatch(Buffer.from(gone).toString(), /secret|privateKey/, 'nobody has what is retired')
    for (const broken of [
      Buffer.concat([Buffer.from([2]), bytes.subarray(1)]),
      bytes.subarray(0, -1),
      bytes.subarray(0, 1),
      Buffer.alloc(0),
      Buffer.from('\u0001{}'),
      Buffer.from('\u0001[]'),
      Buffer.from(bytes.toString().replace('"alg"', '"algo"')),
      Buffer.from(bytes.toString().replace(/"(secret|privateKey)":"[^"]*"/, '"$1":"x"')),
      Buffer.from(bytes.toString().replace('"createdAt":60000', '"createdAt":"x"')),
    ])
      t.equal(decodeSigningKey(key.kid, broken), undefined, broken.toString().slice(0, 40))
  }
})
