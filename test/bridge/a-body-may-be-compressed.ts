// Is a gzip body taken, held to the size that it inflates to, and any other encoding refused with the ones that are taken?
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { t } from '../support/tap.ts'
import { issueToken, lookup, request } from '../support/api.ts'
import { serve } from './support/serve.ts'

await t.test('Content-Encoding', async (t) => {
  const api = await serve(t, { limits: { bodyBytes: 10_000 } })
  const { token } = await issueToken(api, { app: 'chat', device: 'phone' })
  const body = (payload: string) => Buffer.from(JSON.stringify({ to: { token }, payload }))
  const post = (raw: Uint8Array, encoding: string) =>
    request(api, 'POST', '/v1/messages', { raw, headers: { 'content-encoding': encoding } })

  for (const encoding of ['gzip', 'x-gzip', 'GZIP'])
    t.equal((await post(gzipSync(body(encoding)), encoding)).status, 202, encoding)
  t.equal((await post(body('plain'), 'identity')).status, 202)
  const { messages } = await lookup(api, token)
  t.same(
    messages.map(({ payload }) => payload),
    ['gzip', 'x-gzip', 'GZIP', 'plain'],
  )

  const bomb = gzipSync(body('x'.repeat(5_000_000)))
  t.ok(bomb.length < 10_000)
  t.match(await post(bomb, 'gzip'), { status: 413, body: { code: 'BODY_TOO_LARGE' } })
  t.match(await post(body('plain'), 'gzip'), { status: 400, body: { code: 'REQUEST_INVALID', detail: /gzip/ } })
  t.match(await post(gzipSync(body('cut')).subarray(0, 20), 'gzip'), { status: 400, body: { code: 'REQUEST_INVALID' } })
  t.match(await post(gzipSync(Buffer.from('{')), 'gzip'), { status: 400, body: { code: 'JSON_INVALID' } })
  for (const encoding of ['br', 'deflate', 'gzip, gzip', ''])
    t.match(
      await post(brotliCompressSync(body('x')), encoding),
      { status: 415, headers: { 'accept-encoding': 'gzip, x-gzip' }, body: { code: 'CONTENT_ENCODING_UNSUPPORTED' } },
      encoding,
    )
})
