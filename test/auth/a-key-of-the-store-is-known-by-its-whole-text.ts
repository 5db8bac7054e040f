// Does exactly the text of a key that the store has find its provider, and only for as long as that text holds?
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { t } from '../support/tap.ts'
import {
  decodeStoredKey,
  encodeStoredKey,
  looksLikeStoredKey,
  looksLikeToken,
  makeStoredKey,
  type StoredKey,
} from '../../auth/index.ts'
import { SCOPES, type Scope } from '../../topics/index.ts'
import { NOW, testAuth } from './support/auth.ts'

const scopes = (...each: Scope[]) => new Set(each)

function stored(fields: Partial<StoredKey> = {}) {
  const made = makeStoredKey(randomBytes)
  const row: StoredKey = {
    id: made.id,
    name: 'shop',
    apps: new Set(['shop']),
    scopes: scopes('messages:send'),
    digest: made.digest,
    expiresAt: Number.POSITIVE_INFINITY,
    createdAt: NOW,
    createdBy: 'provider',
    ...fields,
  }
  return { key: made.key, row }
}

function keysOf(...rows: StoredKey[]) {
  const table = new Map(rows.map((row) => [row.id, row]))
  return {
    table,
    isFresh: true,
    find: (id: string) => table.get(id),
    ofUser: () => undefined,
    refresh: () => Promise.resolve(),
  }
}

await t.test('a key is long, safe in a header, and different from every other text', async (t) => {
  const made = Array.from({ length: 200 }, () => makeStoredKey(randomBytes))
  t.equal(new Set(made.map(({ id }) => id)).size, 200)
  for (const { id, key, digest } of made) {
    t.match(key, /^push_[0-9A-Za-z]{12}_[0-9A-Za-z]{32}$/)
    t.equal(key.split('_')[1], id)
    t.equal(digest.byteLength, 32)
    t.ok(looksLikeStoredKey(key) && looksLikeStoredKey(Buffer.from(key)))
    t.notOk(looksLikeToken(key))
  }
  const bytes = [255, 254, 253, 252, 251, 250, 249, 248, 247, 0, 61]
  let at = 0
  const { key } = makeStoredKey((size) => Buffer.from(Array.from({ length: size }, () => bytes[at++ % bytes.length]!)))
  t.match(key, /^push_(z0z)+/, 'bytes that would make some letters likelier are drawn again')
})

await t.test('its text, and no other, is its provider', async (t) => {
  const [shop, all] = [stored(), stored({ name: 'all', apps: 'all', scopes: new Set(SCOPES) })]
  const auth = await testAuth({ storedKeys: keysOf(shop.row, all.row) })
  for (const { key, row } of [shop, all])
    for (const given of [key, Buffer.from(key), new Uint8Array(Buffer.from(`x${key}`)).subarray(1)]) {
      const { name, apps, scopes: may, id } = row
      t.match(auth.provider(given), { kind: 'provider', name, keyId: id })
      t.same(auth.provider(given)?.apps, apps)
      t.same(auth.provider(given)?.scopes, may)
    }
  fc.assert(
    fc.property(fc.nat(), fc.string({ maxLength: 3 }), (at, put) => {
      const place = at % (shop.key.length + 1)
      const changed = shop.key.slice(0, place) + put + shop.key.slice(place + put.length)
      assert.equal(auth.provider(changed) !== undefined, changed === shop.key, changed)
    }),
    { numRuns: 1_000 },
  )
  t.equal(auth.provider(`push_${shop.row.id}_${all.key.split('_')[2]}`), undefined, 'the secret of another key')
  t.equal(auth.provider(`push_${stored().row.id}_${shop.key.split('_')[2]}`), undefined, 'of another id')
  t.equal((await testAuth()).provider(shop.key), undefined, 'nor without keys in the store')
})

await t.test('what looks like one is tried as nothing else', async (t) => {
  const { key } = stored()
  for (const given of [key, `${key}x`, key.slice(0, -1)])
    await t.rejects(
      testAuth({ providers: [{ name: 'a', key: given }] }),
      /providers\[0\]\.key \(a\) looks like a key of the store/,
    )
  await t.resolves(testAuth({ providers: [{ name: 'a', key: 'push_it_real_good' }] }))
})

await t.test('it ends when it expires, when it goes, and when it is replaced', async (t) => {
  let now = NOW
  const { key, row } = stored({ expiresAt: NOW + 10_000 })
  const oldKey = `push_${row.id}_${'x'.repeat(32)}`
  const previous = { digest: createHash('sha256').update(oldKey).digest(), until: NOW + 5_000 }
  const keys = keysOf({ ...row, previous })
  const auth = await testAuth({ storedKeys: keys, now: () => now })
  const [current, replaced] = [auth.provider(key), auth.provider(oldKey)]
  t.ok(current && replaced)
  if (current === undefined || replaced === undefined) return
  t.equal(auth.providerNow(current), current, 'the same while nothing has changed')

  keys.table.set(row.id, { ...row, previous, scopes: scopes('messages:read'), apps: new Set(['till']) })
  for (const provider of [current, replaced])
    t.match(auth.providerNow(provider), { keyId: row.id, scopes: scopes('messages:read'), apps: new Set(['till']) })
  t.match(auth.providerWithKey(row.id), { scopes: scopes('messages:read') })

  now = NOW + 5_000
  t.equal(auth.providerNow(replaced), undefined, 'replaced, and the time for both is over')
  t.equal(auth.provider(oldKey), undefined)
  t.ok(auth.providerNow(current) && auth.provider(key), 'the new one holds')
  now = NOW + 10_000
  t.equal(auth.providerNow(current), undefined, 'expired to the millisecond')
  t.equal(auth.provider(key), undefined)
  t.equal(auth.providerWithKey(row.id), undefined)
  now = NOW
  keys.table.delete(row.id)
  t.equal(auth.providerNow(current), undefined, 'gone')
  t.equal(auth.provider(key), undefined)
})

await t.test('where nobody knows whether it holds, it does not', async (t) => {
  const { key, row } = stored()
  const keys = { ...keysOf(row), isFresh: true }
  const auth = await testAuth({ storedKeys: keys, providers: [{ name: 'a', key: 'key-of-the-configuration' }] })
  const [byStore, byConfiguration] = [auth.provider(key), auth.provider('key-of-the-configuration')]
  if (byStore === undefined || byConfiguration === undefined) throw new Error('both are known')
  keys.isFresh = false
  for (const call of [
    () => auth.provider(key),
    () => auth.providerNow(byStore),
    () => auth.providerWithKey(row.id),
    // Which of them are keys is not known either.
    () => auth.provider(stored().key),
  ])
    t.throws(call, { code: 'STORE_UNAVAILABLE' })
  t.equal(auth.provider('key-of-the-configuration'), byConfiguration)
  t.equal(auth.providerNow(byConfiguration), byConfiguration)
})

await t.test('it is read as it was written, and never taken for more than that', async (t) => {
  const digest = makeStoredKey(randomBytes).digest
  const rows: Partial<StoredKey>[] = [
    {},
    { apps: 'all', scopes: new Set(SCOPES), rotatedAt: NOW + 1, expiresAt: NOW + 9 },
    { previous: { digest, until: NOW + 7 }, quotas: { receivers: [{ count: 5, seconds: 60 }] } },
  ]
  for (const fields of rows) {
    const { row } = stored(fields)
    const bytes = encodeStoredKey(row)
    t.equal(bytes[0], 1)
    const { digest: read, ...rest } = decodeStoredKey(row.id, bytes)!
    t.same(Buffer.from(read), Buffer.from(row.digest))
    const { digest: _, previous, ...others } = row
    t.match(rest, others)
    t.equal(rest.previous?.until, previous?.until)
  }
  const { row } = stored()
  const json = JSON.parse(Buffer.from(encodeStoredKey(row)).subarray(1).toString()) as Record<string, unknown>
  const withField = (fields: object, version = 1) =>
    decodeStoredKey(
      row.id,
      Buffer.concat([Buffer.from([version]), Buffer.from(JSON.stringify({ ...json, ...fields }))]),
    )
  t.ok(withField({ later: true }), 'what a later version adds is passed over')
  t.same(withField({ scopes: ['messages:send', 'moon:land'] })?.scopes, scopes('messages:send'))
  t.equal(withField({}, 2), undefined)
  for (const fields of [{ apps: null }, { apps: 'shop' }, { expiresAt: null }, { digest: 'AAAA' }, { previous: 1 }])
    t.equal(withField(fields), undefined, JSON.stringify(fields))
  t.equal(decodeStoredKey(row.id, Buffer.from([1, 0x7b])), undefined)
})
