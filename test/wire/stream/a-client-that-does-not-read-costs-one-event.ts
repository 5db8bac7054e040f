// Does a stream whose client takes nothing stop to read and write until it does, lose nothing, and hold nobody up?
import { once } from 'node:events'
import { t } from '../../support/tap.ts'
import { ack, issueToken, lookup, metric, send } from '../../support/api.ts'
import { temporaryFolder } from '../../support/folders.ts'
import { eventually, within } from '../../support/waiting.ts'
import { openLevelStore } from '../../../store/index.ts'
import { SlowReaders } from '../../../bridge/streams/slow-readers.ts'
import { head, openRaw } from '../../bridge/support/raw.ts'
import { serve, type Served } from '../../bridge/support/serve.ts'
import { openStream, payloads } from './support/stream.ts'

const COUNT = 80
const BYTES = 200_000

const delivered = (api: Served) => metric(api, 'push_delivered_total', 'destination="private"')

/** Looks until nothing has moved for ten looks in a row. */
async function standsStill(look: () => Promise<number>): Promise<number> {
  let same = 0
  let last = -1
  return await eventually('it stands still', async () => {
    const now = await look()
    same = now === last ? same + 1 : 0
    last = now
    return same === 10 ? now : undefined
  })
}

async function stalled(t: Parameters<typeof openRaw>[0], api: Served, token: string) {
  const socket = await openRaw(t, api.httpPort)
  socket.pause()
  socket.write(head('GET /v1/messages/stream', { authorization: `Bearer ${token}` }))
  return socket
}

await t.test('held up', async (t) => {
  const directory = temporaryFolder(t, 'slow')
  const limits = { privateBytes: 1e9 }
  const api = await serve(t, { engine: (now) => openLevelStore({ directory, now, limits }) })
  const { token } = await issueToken(api, { app: 'chat', device: 'slow' })
  const quick = await issueToken(api, { app: 'chat', device: 'quick' })
  const onQuick = await openStream(t, api, { bearer: quick.token })
  const socket = await stalled(t, api, token)
  for (let number = 0; number < COUNT; number++)
    await send(api, { token }, `${number} ${'x'.repeat(BYTES)}`, { id: `m${number}` })
  const written = await standsStill(() => delivered(api))
  t.ok(written > 0 && written < COUNT, `${written} of ${COUNT} were written: what the system has room for`)
  await send(api, { token }, 'for now', { ttl: 0 })
  await send(api, { token: quick.token }, 'hello')
  t.same(await payloads(onQuick, 1), ['hello'])

  const ids: string[] = []
  const reading = (async () => {
    let rest = ''
    for await (const chunk of socket) {
      const lines = (rest + String(chunk)).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) if (line.startsWith('data: ')) ids.push(JSON.parse(line.slice(6)).id)
      if (ids.length >= COUNT) return
    }
  })()
  await within('all of it, when it reads', reading)
  t.same(
    ids,
    Array.from({ length: COUNT }, (_, number) => `m${number}`),
    'each once, in order, and nothing that was for now or never',
  )
})

await t.test('cut, where all hold too much', async (t) => {
  const api = await serve(t, { limits: { streamBytes: 1 } })
  const { token } = await issueToken(api, { app: 'chat', device: 'slow' })
  const socket = await stalled(t, api, token)
  const closed = once(socket, 'close')
  for (let number = 0; number < COUNT; number++) await send(api, { token }, 'x'.repeat(BYTES))
  socket.resume()
  await within('the end of its connection', closed)
  const { messages, cursor } = await lookup(api, token)
  t.ok(messages.length > 0, 'what it did not acknowledge is still there')
  await ack(api, token, cursor)
})

await t.test('those that have waited longest go first', async (t) => {
  const readers = new SlowReaders(100)
  const cut: string[] = []
  const holds = (name: string, bytes: number) => readers.holds(streams[name] ?? {}, bytes, () => cut.push(name))
  const streams: Record<string, object> = { a: {}, b: {}, c: {}, d: {} }
  holds('a', 40)
  holds('b', 40)
  readers.takes(streams.a ?? {})
  holds('a', 20)
  t.same(cut, [])
  holds('c', 90)
  t.same(cut, ['b', 'a'])
  holds('c', 60)
  holds('d', 40)
  t.same(cut, ['b', 'a'], 'what one holds is counted once')
  holds('d', 101)
  t.same(cut, ['b', 'a', 'c', 'd'])
})
