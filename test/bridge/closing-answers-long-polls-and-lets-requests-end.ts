// Does close() answer who waits, let what is under way end, and refuse what comes after?
import { Agent } from 'node:http'
import { t } from '../support/tap.ts'
import { issueToken, lookup, request, send } from '../support/api.ts'
import { eventually, within } from '../support/waiting.ts'
import { serve } from './support/serve.ts'

await t.test('shutdown', async (t) => {
  let release = () => {}
  let reads = 0
  const api = await serve(t, {
    around: (store) => ({
      append: (append) =>
        new Promise((resolve, reject) => {
          release = () => void store.append(append).then(resolve, reject)
        }),
      readPrivate(...request) {
        reads++
        return store.readPrivate(...request)
      },
    }),
  })
  const { token } = await issueToken(api, { app: 'chat', device: 'phone' })
  const idle = release
  const sending = send(api, { token }, 'in flight')
  await eventually('the append', () => release !== idle)
  const waiting = lookup(api, token, { wait: 60 })
  await eventually('the long poll', () => reads === 1)

  const closed = api.app.close()
  t.match(await within('the long poll', waiting), { messages: [], more: false })
  release()
  t.match(await within('the message in flight', sending), { accepted: 1 })
  await within('close', closed)
})

await t.test('a connection that is kept alive', async (t) => {
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  let release: (() => void) | undefined
  const api = await serve(t, {
    around: (store) => ({
      append: (append) =>
        new Promise((resolve, reject) => {
          release = () => void store.append(append).then(resolve, reject)
        }),
    }),
  })
  const { token } = await issueToken(api, { app: 'chat', device: 'phone' })
  const sending = send(api, { token }, 'in flight', { agent })
  await eventually('the append', () => release !== undefined)
  const closed = api.app.close()
  release?.()
  t.match(await sending, { accepted: 1 })
  await within('close, without another request on it', closed)
})

await t.test('requests through a plain server of the embedder while closing', async (t) => {
  const { createServer } = await import('node:http')
  const api = await serve(t)
  await api.app.ready()
  const server = createServer((incoming, outgoing) => api.app.routing(incoming, outgoing)).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  t.teardown(() => server.close())
  const address = server.address()
  const mounted = { ...api, httpPort: typeof address === 'object' && address !== null ? address.port : 0 }
  t.equal((await request(mounted, 'GET', '/readyz')).status, 200)
  await api.app.close()
  const answer = await request(mounted, 'GET', '/readyz')
  t.match(answer, {
    status: 503,
    body: { code: 'SHUTTING_DOWN' },
    headers: { connection: 'close', 'retry-after': String },
  })
  t.equal((await request(mounted, 'GET', '/healthz')).status, 200, 'the process is alive')
})
