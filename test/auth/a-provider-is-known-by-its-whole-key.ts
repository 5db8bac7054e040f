// Does exactly the right key find its provider, without the time of a comparison telling how near a wrong one was?
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { t } from '../support/tap.ts'
import { generateProviderKey, looksLikeToken, type ProviderKey } from '../../auth/index.ts'
import { mayActFor } from '../../topics/index.ts'
import { testAuth } from './support/auth.ts'

const KEYS: ProviderKey[] = [
  { name: 'shop', key: 'shop-key-0123456789', apps: ['shop', 'shop.beta'] },
  { name: 'every', key: 'every-key-0123456789' },
  { name: 'shop', key: 'shop-next-0123456789', apps: ['shop'] },
  { name: 'schlüssel', key: 'schlüssel-0123456789' },
]

await t.test('each key is its provider, as text and as bytes', async (t) => {
  const auth = await testAuth({ providers: KEYS })
  for (const { name, key, apps } of KEYS) {
    for (const given of [key, Buffer.from(key), new Uint8Array(Buffer.from(key))]) {
      const provider = auth.provider(given)
      t.match(provider, { kind: 'provider', name })
      t.equal(provider?.apps === 'all', apps === undefined)
      for (const app of ['shop', 'shop.beta', 'other']) {
        t.equal(provider !== undefined && mayActFor(provider, app), apps === undefined || apps.includes(app))
      }
    }
  }
})

await t.test('no other key is one', async (t) => {
  const auth = await testAuth({ providers: KEYS })
  const property = fc.property(fc.constantFrom(...KEYS), fc.nat(), fc.string({ maxLength: 3 }), ({ key }, at, put) => {
    const place = at % (key.length + 1)
    const changed = key.slice(0, place) + put + key.slice(place + put.length)
    assert.equal(
      auth.provider(changed) !== undefined,
      KEYS.some((each) => each.key === changed),
      changed,
    )
  })
  fc.assert(property, { numRuns: 1_000 })
  const others = [
    '',
    ' ',
    '\u0000',
    KEYS[0]?.key.slice(0, -1),
    `${KEYS[0]?.key} `,
    KEYS[0]?.key.toUpperCase(),
    'shop',
    'x'.repeat(70_000),
  ]
  for (const other of others) t.equal(auth.provider(other ?? ''), undefined)
  t.equal(auth.provider(new Uint8Array(0)), undefined)
  t.equal(auth.provider(Buffer.from('schlüssel-0123456789', 'latin1')), undefined, 'other bytes')
})

await t.test('without providers nobody is one, and least of all the empty key', async (t) => {
  const auth = await testAuth({ providers: [] })
  for (const key of ['', 'undefined', 'null', '0123456789abcdef']) t.equal(auth.provider(key), undefined)
})

await t.test('a weak or doubtful configuration is refused, and the message does not quote the key', async (t) => {
  const key = 'sixteen-bytes-16'
  await t.resolves(testAuth({ providers: [{ name: 'a', key }] }))
  const wrong: [ProviderKey[], RegExp][] = [
    [[{ name: 'a', key: '' }], /providers\[0\]\.key \(a\) must be 16 to 256 bytes/],
    [[{ name: 'a', key: key.slice(1) }], /providers\[0\]\.key/],
    [[{ name: 'a', key: key.repeat(17) }], /providers\[0\]\.key/],
    [[{ name: '', key }], /providers\[0\]\.name/],
    [[{ name: 'a\nb', key }], /providers\[0\]\.name/],
    [[{ name: 'a', key, apps: [] }], /providers\[0\]\.apps/],
    [[{ name: 'a', key, app: ['shop'] } as ProviderKey], /providers\[0\]: "app" is not known here; allowed are .*apps/],
    [[{ name: 'a', key, apps: undefined } as never], /providers\[0\]\.apps/],
    [[{ name: 'a', key, apps: null } as never], /providers\[0\]\.apps/],
    [[{ name: 'a', key, apps: 'shop' } as never], /providers\[0\]\.apps/],
    [[{ name: 'a', key: 7 } as never], /providers\[0\]\.key/],
    [['a'] as never, /providers\[0\] must be an object/],
    [{ name: 'a', key } as never, /providers must be a list/],
    [[{ name: 'a', key, apps: ['shop', '#'] }], /providers\[0\]\.apps/],
    [
      [
        { name: 'a', key, apps: ['*'] },
        { name: 'b', key },
      ],
      /two entries have the same key/,
    ],
  ]
  for (const [providers, expected] of wrong) {
    const error: unknown = await testAuth({ providers }).catch((reason: unknown) => reason)
    t.match(error, expected)
    t.ok(error instanceof Error && !error.message.includes('sixteen'))
  }
})

await t.test('a generated key is long, safe in a header, and no token by its looks', async (t) => {
  const keys = Array.from({ length: 100 }, () => generateProviderKey())
  t.equal(new Set(keys).size, 100)
  for (const key of keys) {
    t.match(key, /^[\w-]{43}$/)
    t.notOk(looksLikeToken(key))
  }
  const auth = await testAuth({ providers: keys.map((key, n) => ({ name: `provider ${n}`, key })) })
  keys.forEach((key, n) => t.equal(auth.provider(key)?.name, `provider ${n}`))
  t.equal(
    generateProviderKey((size) => Buffer.alloc(size, 1)),
    Buffer.alloc(32, 1).toString('base64url'),
  )
})
