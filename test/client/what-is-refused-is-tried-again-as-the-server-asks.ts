// Does a client wait for Retry-After and longer each time, pass over what is no answer of the server, and end where repeating does not help?
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import type { Test } from 'tap'
import { backOffMs } from '../../client/pause.ts'
import { retryAfterMs } from '../../client/errors.ts'
import { type Scope, eventually } from '../support/index.ts'
import { t } from '../support/tap.ts'
import { endOf, startListening } from './support/listening.ts'

const MESSAGE = {
  id: 'm',
  topic: 'chat/t/x',
  payload: 'at last',
  storedAt: '2030-01-01T00:00:00.000Z',
  expiresAt: '2030-01-02T00:00:00.000Z',
}
const problem = (response: ServerResponse, status: number, code: string, headers = {}) =>
  response
    .writeHead(status, { 'content-type': 'application/problem+json', ...headers })
    .end(JSON.stringify({ code, title: 'no', status }))

/** Answers the requests of a client one after another. */
async function answering(t: Scope, answers: readonly ((response: ServerResponse) => void)[]) {
  const times: number[] = []
  const server = createServer((request, response) => {
    if (request.method === 'POST') return void response.writeHead(204).end()
    const answer = answers[times.length] ?? stream
    times.push(performance.now())
    return answer(response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return { httpPort: (server.address() as AddressInfo).port, times }
}

function stream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(`retry: 1\n\nid: c\ndata: ${JSON.stringify(MESSAGE)}\n\n`)
}

const html = { 'content-type': 'text/html' }

await t.test('in the end it gets through', async (t: Test) => {
  const refused: [string, (response: ServerResponse) => void][] = [
    ['STORE_UNAVAILABLE', (response) => problem(response, 503, 'STORE_UNAVAILABLE', { 'retry-after': '2' })],
    ['TOKEN_NOT_YET_VALID', (response) => problem(response, 401, 'TOKEN_NOT_YET_VALID')],
    // A network that wants a person to log in.
    ['HTTP_ERROR', (response) => response.writeHead(200, html).end('<h1>Welcome</h1>')],
    ['HTTP_ERROR', (response) => response.writeHead(404, html).end('<h1>Not found</h1>')],
    ['UNREACHABLE', (response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end()],
    ['UNREACHABLE', (response) => response.destroy()],
    [
      'RATE_LIMITED',
      (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.end('retry: 1500\n\nevent: end\ndata: {"code":"RATE_LIMITED","status":429,"title":"too many"}\n\n')
      },
    ],
  ]
  await Promise.all(
    refused.map(async ([code, answer]) => {
      const server = await answering(t, [answer])
      const { texts, errors } = startListening(t, server, { token: 'x', transport: 'stream' })
      t.same(await texts(1), ['at last'])
      t.match(errors.received, [{ code }])
      const [first = 0, second = 0] = server.times
      const least = { STORE_UNAVAILABLE: 2_000, RATE_LIMITED: 1_500 }[code] ?? 0
      t.ok(second - first >= least, `${code}: not earlier than it was asked to`)
    }),
  )
})

await t.test('it ends where nothing changes', async (t: Test) => {
  for (const [status, code] of [
    [400, 'REQUEST_INVALID'],
    [403, 'ORIGIN_FORBIDDEN'],
    [501, 'UNSUPPORTED_BY_BRIDGE'],
  ] as const) {
    const server = await answering(t, [(response) => problem(response, status, code)])
    t.equal(await endOf(startListening(t, server, { token: 'x' }).listener), code)
    t.equal(server.times.length, 1)
  }
})

await t.test('a cursor that is none any more', async (t: Test) => {
  const server = await answering(t, [
    (response) => {
      stream(response)
      response.end()
    },
    (response) => problem(response, 400, 'CURSOR_INVALID'),
  ])
  const { errors, listener } = startListening(t, server, { token: 'x' })
  await errors.nextWhere(({ code }) => code === 'CURSOR_INVALID')
  await eventually('a stream again', () => listener.state === 'listening')
  t.pass()
})

await t.test('pauses', async (t) => {
  const steps = [1, 2, 3, 6, 7, 50]
  t.same(
    steps.map((attempt) => backOffMs(attempt, () => 0)),
    [500, 1_000, 2_000, 16_000, 30_000, 30_000],
  )
  t.same(
    steps.map((attempt) => backOffMs(attempt, () => 1)),
    [1_000, 2_000, 4_000, 32_000, 60_000, 60_000],
  )
  t.equal(retryAfterMs('120', 0), 120_000)
  t.equal(retryAfterMs('Thu, 01 Jan 1970 00:00:05 GMT', 1_000), 4_000)
  for (const wrong of [null, '', 'soon', 'Thu, 01 Jan 1970 00:00:05 GMT'])
    t.equal(retryAfterMs(wrong, 9_000), undefined, String(wrong))
})
