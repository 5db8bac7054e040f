// Do a missing Host, an odd Expect, headers that are too large and broken HTTP get problem+json with their status?
import { t } from '../support/tap.ts'
import { converse, head } from './support/raw.ts'
import { serve } from './support/serve.ts'

await t.test('heads', async (t) => {
  const api = await serve(t, { limits: { headerBytes: 4_096 } })
  const close = { connection: 'close' }
  for (const [what, bytes, status, code] of [
    ['no Host', 'GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n', '400 Bad Request', 'REQUEST_INVALID'],
    ['two Hosts', head('GET /metrics', { Host: 'localhost', ...close }), '400 Bad Request', 'REQUEST_INVALID'],
    [
      'an odd Expect',
      head('GET /healthz', { expect: 'more', ...close }),
      '417 Expectation Failed',
      'EXPECTATION_FAILED',
    ],
    ['large headers', head('GET /healthz', { x: 'y'.repeat(5_000) }), '431 Request Header', 'HEADERS_TOO_LARGE'],
    ['a long target', head(`GET /${'y'.repeat(5_000)}`), '431 Request Header', 'HEADERS_TOO_LARGE'],
    ['no HTTP', '\x10\x0c\0\x04MQTT\x04\x02\0\0\0\0', '400 Bad Request', 'REQUEST_INVALID'],
    ['an unknown version', 'GET / HTTP/9.9\r\n\r\n', '400 Bad Request', 'REQUEST_INVALID'],
  ] as const) {
    const answer = await converse(t, api.httpPort, bytes)
    t.ok(answer.startsWith(`HTTP/1.1 ${status}`), `${what}: ${answer.slice(0, 40)}`)
    t.match(answer, /content-type: application\/problem\+json/i, what)
    t.match(JSON.parse(answer.slice(answer.indexOf('{'))), { code, requestId: String }, what)
  }
  t.match(
    await converse(t, api.httpPort, 'GET /metrics HTTP/1.0\r\n\r\n'),
    /^HTTP\/1\.1 200 /,
    'HTTP/1.0 needs no Host',
  )
  const continued = head('GET /healthz', { expect: '100-Continue', ...close })
  t.match(await converse(t, api.httpPort, continued), /^HTTP\/1\.1 100 .*HTTP\/1\.1 200 /s)
})
