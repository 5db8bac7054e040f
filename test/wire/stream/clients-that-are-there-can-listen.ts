// Do curl and the eventsource package listen, come back by themselves after a restart, and lose nothing that was not acknowledged?
import { EventSource } from 'eventsource'
import { t } from '../../support/tap.ts'
import { ack, issueToken, lookup, request, send } from '../../support/api.ts'
import { startProgram } from '../../support/programs.ts'
import type { Scope } from '../../support/scope.ts'
import { startServerProcess } from '../../support/server-process.ts'
import { ArrivalQueue } from '../../support/waiting.ts'

interface Came {
  readonly id: string
  readonly payload: string
}

function listen(t: Scope, url: string, token?: string): { came: ArrivalQueue<Came>; source: EventSource } {
  const came = new ArrivalQueue<Came>('a message')
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const source = new EventSource(url, {
    fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...headers } }),
  })
  t.teardown(() => source.close())
  source.addEventListener('message', ({ data, lastEventId: id }) => {
    came.push({ id, payload: JSON.parse(String(data)).payload })
  })
  return { came, source }
}

await t.test('curl -N', async (t) => {
  const server = await startServerProcess(t)
  const { token } = await issueToken(server, { app: 'chat', device: 'phone' })
  const url = `http://127.0.0.1:${server.httpPort}/v1/messages/stream`
  const curl = startProgram(t, 'curl', ['-sN', url, '-H', `Authorization: Bearer ${token}`])
  t.match(await curl.stdout.next(), /^retry: \d{4}$/)
  await send(server, { token }, 'one')
  const line = await curl.stdout.nextWhere((each) => each.startsWith('data: '))
  t.match(JSON.parse(line.slice('data: '.length)), { payload: 'one' }, 'at once, and not when a buffer is full')
  await server.stop()
  t.match(await curl.stdout.nextWhere((each) => each.startsWith('data: ')), /SHUTTING_DOWN/)
  t.equal((await curl.exited).code, 0, 'the stream ends as it should')
})

await t.test('eventsource, through a kill and a restart', async (t) => {
  const server = await startServerProcess(t)
  const { token } = await issueToken(server, { app: 'chat', device: 'phone' })
  const url = `http://127.0.0.1:${server.httpPort}/v1/messages/stream`
  const { came } = listen(t, `${url}?ack=auto`, token)
  await send(server, { token }, 'one')
  t.match(await came.next(), { payload: 'one' })
  await server.kill('SIGKILL')
  await server.restart()
  await send(server, { token }, 'two')
  t.match(await came.next(), { payload: 'two' }, 'it came back, and what it has does not come again')
  t.match(await lookup(server, token), { messages: [{ payload: 'two' }] }, 'since coming back acknowledged it')
  await server.stop()
  await server.restart()
  await send(server, { token }, 'three')
  t.match(await came.next(), { payload: 'three' })
})

await t.test('a kill between an event and its acknowledgement', async (t) => {
  const server = await startServerProcess(t)
  const { token } = await issueToken(server, { app: 'chat', device: 'phone' })
  const { ticket } = (await request(server, 'POST', '/v1/messages/stream', { bearer: token })).body
  const url = `http://127.0.0.1:${server.httpPort}/v1/messages/stream?ack=auto&ticket=${ticket}`
  const first = listen(t, url)
  await send(server, { token }, 'one')
  await send(server, { token }, 'two')
  const [one] = await first.came.nextN(2)
  await ack(server, token, one?.id ?? '')
  // The program that listened dies with what it had got, before it acknowledged it.
  first.source.close()
  await server.kill('SIGKILL')
  await server.restart()
  const second = listen(t, url)
  t.match(await second.came.next(), { payload: 'two' }, 'delivered again')
  await ack(server, token, second.came.received[0]?.id ?? '')
  t.same((await lookup(server, token)).messages, [])
  t.notOk(
    server.logs.some((line) => line.includes(ticket)),
    'a ticket stands in no log',
  )
})
