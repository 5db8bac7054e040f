// Do /openapi.json and /docs come compressed as the client takes it, and not at all where it has them?
import { t } from '../support/tap.ts'
import { serve } from './support/serve.ts'

for (const [path, most] of [
  ['/openapi.json', 20_000],
  ['/docs', 25_000],
] as const)
  await t.test(path, async (t) => {
    const { url } = await serve(t)
    const ask = (encoding: string, headers: Record<string, string> = {}) =>
      fetch(`${url}${path}`, { headers: { 'accept-encoding': encoding, ...headers } })
    // At once: the first request makes it, and the others wait for the same.
    const all = await Promise.all(['identity', 'gzip', 'br'].map((each) => ask(each)))
    const [plain = '', ...packed] = await Promise.all(all.map((each) => each.text()))
    t.ok(plain.length > 100_000, `${plain.length} characters`)
    t.same(packed, [plain, plain], 'it is the same')
    t.equal(new Set(all.map(({ headers }) => headers.get('etag'))).size, 1)

    for (const [encoding, taken] of [
      ['identity', null],
      ['gzip;q=0', null],
      ['gzip;q=0.0, br;q=0', null],
      ['gzip', 'gzip'],
      ['GZIP, identity', 'gzip'],
      ['br;q=0, gzip;q=0.5', 'gzip'],
      ['br', 'br'],
      ['gzip, deflate, br, zstd', 'br'],
    ] as const)
      t.equal((await ask(encoding)).headers.get('content-encoding'), taken, encoding)

    for (const encoding of ['gzip', 'br']) {
      const head = await fetch(`${url}${path}`, { method: 'HEAD', headers: { 'accept-encoding': encoding } })
      const length = Number(head.headers.get('content-length'))
      t.ok(head.status === 200 && length > 1_000 && length < most, `${encoding}: ${length} bytes`)
    }
    const head = await fetch(`${url}${path}`, { method: 'HEAD', headers: { 'accept-encoding': 'identity' } })
    t.equal(head.headers.get('content-length'), String(Buffer.byteLength(plain)))
    t.match(Object.fromEntries(head.headers), { 'cache-control': 'no-cache', vary: 'accept-encoding' })

    const etag = head.headers.get('etag') ?? ''
    for (const [known, status] of [
      [etag, 304],
      [`"other", ${etag}`, 304],
      ['*', 304],
      ['"other"', 200],
    ] as const)
      t.equal((await ask('br', { 'if-none-match': known })).status, status, known)
    const unchanged = await fetch(`${url}${path}`, { method: 'HEAD', headers: { 'if-none-match': etag } })
    t.same([unchanged.status, unchanged.headers.get('etag')], [304, etag])
  })

await t.test('a server that closes while they are made', async (t) => {
  const { app, url } = await serve(t)
  const asked = fetch(`${url}/docs`).then(
    ({ status }) => status,
    () => 'cut',
  )
  await app.close()
  t.ok([200, 500, 503, 'cut'].includes(await asked), String(await asked))
})
