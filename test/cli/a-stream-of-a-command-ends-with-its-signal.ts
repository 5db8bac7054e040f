// Does a stream that a command reads end when the command does, also after its garbage was collected?
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { t } from '../support/tap.ts'
import { streamEvents } from '../../server/cli/events.ts'
import { within } from '../support/index.ts'

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

await t.test('ended', async (t) => {
  const answers: ServerResponse[] = []
  const server = createServer((_request, answer) => {
    answers.push(answer)
    answer.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const stop = new AbortController()
  const events = streamEvents({
    url: `http://127.0.0.1:${port}`,
    path: '/',
    query: {},
    bearer: 'key',
    signal: stop.signal,
    opened: () => undefined,
    lost: () => t.fail('it is not lost'),
  })
  t.match(await within('an event', events.next()), { value: { data: 1 } })
  const next = events.next()
  for (let turns = 0; turns < 3; turns++) {
    await new Promise((resolve) => setImmediate(resolve))
    collect()
  }
  stop.abort()
  t.match(await within('the end', next), { done: true })
  const [answer] = answers
  if (answer?.closed === false) await within('the end of its connection', once(answer, 'close'))
  t.ok(answer?.closed)
})
