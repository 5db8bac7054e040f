// Do streams at each worker bring what comes, make room for newer ones at another, and end when the server does?
import { t } from '../../support/tap.ts'
import { issueToken, send } from '../../support/api.ts'
import { startRedis } from '../../support/redis.ts'
import { startServerProcess } from '../../support/server-process.ts'
import { eventually } from '../../support/waiting.ts'
import { openStream, payloads, type OpenedStream } from './support/stream.ts'

await t.test('workers', async (t) => {
  const redis = await startRedis(t)
  const server = await startServerProcess(t, {
    flags: ['--workers', '2'],
    settings: { PUSH_REDIS_URL: redis.url, PUSH_MAX_WAITING_PER_TOKEN: '3' },
  })
  const { token } = await issueToken(server, { app: 'chat', device: 'phone' })
  const streams: OpenedStream[] = []
  for (let count = 0; count < 3; count++) streams.push(await openStream(t, server, { bearer: token }))
  await send(server, { token }, 'hello')
  for (const stream of streams) t.same(await payloads(stream, 1), ['hello'])
  // Which worker takes a connection is up to the system: each counts what it has heard of the other.
  const more: OpenedStream[] = []
  for (let count = 0; count < 3; count++) more.push(await openStream(t, server, { bearer: token }))
  const ended = () => streams.filter(({ events }) => events.received.some(({ type }) => type === 'end'))
  await eventually('newer ones take the place of the oldest', () => ended().length > 0)
  t.equal(await server.stop(), 0)
  for (const stream of [...streams, ...more]) {
    await stream.ended
    t.match(stream.events.received.at(-1), { type: 'end', data: { code: /^(RATE_LIMITED|SHUTTING_DOWN)$/ } })
  }
})
